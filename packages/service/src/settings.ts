import type { z } from 'zod';
import { nearest } from './core/nearest.ts';

/** Settings by the name of their environment variable. */
export type Declaration = Readonly<Record<string, z.ZodType>>;
export type Settings<D extends Declaration> = { readonly [K in keyof D]: z.output<D[K]> };

export interface SettingsOptions<D extends Declaration> {
  /** Where values come from; default the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Every variable that begins like this must be declared: `SHOP_` makes an error of an unknown `SHOP_TIMEOT`. */
  readonly prefix?: string;
  /** Variables that look like a misspelled setting and are none. */
  readonly ignore?: readonly string[];
  /** Combinations that make no sense: what is wrong, else null. Asked only when every setting is valid by itself. */
  readonly rules?: readonly ((settings: Settings<D>) => string | null)[];
}

/** All that is wrong with the settings, in one list. No line holds a value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 setting is' : `${problems.length} settings are`;
    super(`${count} wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** EX_CONFIG of sysexits.h: a supervisor that knows it does not try again for ever. */
const EXIT_CONFIG = 78;

const secretSchemas = new WeakSet<z.ZodType>();
const secretValues = new WeakMap<object, readonly string[]>();

/** Marks a setting whose value may never be shown: `secret(z.string().min(16))`. Must be the outermost call. */
export function secret<S extends z.ZodType>(schema: S): S {
  secretSchemas.add(schema);
  return schema;
}

/** The values of all secret settings, for `createService({ secrets: secretsOf(settings) })`. */
export function secretsOf(settings: object): readonly string[] {
  return secretValues.get(settings) ?? [];
}

/** May it be left out? By its shape, because `z.coerce.string()` makes the text "undefined" of a missing value. */
function mayBeMissing(schema: z.ZodType): boolean {
  const { type, innerType, in: input } = schema.def as { readonly type: string; readonly innerType?: z.ZodType; readonly in?: z.ZodType };
  if (type === 'default' || type === 'prefault' || type === 'optional' || type === 'catch') return true;
  if (type === 'pipe' && input !== undefined) return mayBeMissing(input);
  return (type === 'readonly' || type === 'nullable') && innerType !== undefined && mayBeMissing(innerType);
}

/** zod's own messages name what was expected; a hand-written one may quote the value, so a secret's is not shown. */
function whatIsWrong(schema: z.ZodType, issues: readonly { readonly message: string }[]): string {
  if (secretSchemas.has(schema)) return 'is malformed (it is secret, so nothing more is said)';
  return `is malformed: ${issues.map(({ message }) => message).join('; ')}`;
}

interface Reading {
  readonly problems: string[];
  readonly values: Record<string, unknown>;
}

function readOne(reading: Reading, name: string, schema: z.ZodType, written: string | undefined): void {
  const { problems, values } = reading;
  if (written === undefined && !mayBeMissing(schema)) {
    problems.push(`${name} is missing`);
  } else if (written?.trim() === '') {
    problems.push(`${name} is empty; give it a value${mayBeMissing(schema) ? ' or leave it out' : ''}`);
  } else {
    const parsed = schema.safeParse(written);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name} ${whatIsWrong(schema, parsed.error.issues)}`);
  }
}

/** A name that is set, but declared nowhere, and near one that is not set: the default would be taken without a word. */
function misspelled(declaration: Declaration, { env, prefix, ignore }: Required<Omit<SettingsOptions<Declaration>, 'rules'>>): string[] {
  const declared = Object.keys(declaration);
  const unset = declared.filter((name) => env[name] === undefined);
  const strangers = Object.keys(env).filter((name) => env[name] !== undefined && !declared.includes(name) && !ignore.includes(name));
  return strangers.flatMap((name) => {
    const meant = nearest(name, unset);
    if (meant !== null) return [`${name} is set and unknown; is it ${meant}, misspelled? (If not, list it in \`ignore\`.)`];
    return prefix !== '' && name.startsWith(prefix) ? [`${name} is set and unknown`] : [];
  });
}

/**
 * Reads and checks all settings at once.
 * @throws SettingsError with everything that is wrong: missing, misspelled, empty, malformed, or not possible together
 */
export function readSettings<const D extends Declaration>(declaration: D, options: SettingsOptions<D> = {}): Settings<D> {
  const { env = process.env, prefix = '', ignore = [], rules = [] } = options;
  const reading: Reading = { problems: [], values: {} };
  for (const [name, schema] of Object.entries(declaration)) readOne(reading, name, schema, env[name]);
  const problems = [...reading.problems, ...misspelled(declaration, { env, prefix, ignore })];
  const settings = Object.freeze(reading.values) as Settings<D>;
  if (problems.length === 0) problems.push(...rules.map((rule) => rule(settings)).filter((problem) => problem !== null));
  if (problems.length > 0) throw new SettingsError(problems);
  const secrets = Object.entries(declaration).flatMap(([name, schema]) => (secretSchemas.has(schema) ? [env[name] ?? ''] : []));
  secretValues.set(
    settings,
    secrets.filter((value) => value !== ''),
  );
  return settings;
}

/** `readSettings` for the first line of a program: prints the list to standard error and exits with 78. */
export function loadSettings<const D extends Declaration>(declaration: D, options: SettingsOptions<D> = {}): Settings<D> {
  try {
    return readSettings(declaration, options);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}
