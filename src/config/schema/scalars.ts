import { z } from 'zod';
import { parseDuration, referencesOf, type JsonObject } from '../../kernel/index.ts';

/** Announces the keys an object knows; `issues.ts` turns it into one problem per unknown key, with the nearest valid one. */
export const KNOWN_KEYS = 'known keys: ';

/** A map with exactly these keys. `strange` may say something better of others: one sentence for all of them. */
export function section<Shape extends z.ZodRawShape>(shape: Shape, strange: (given: unknown) => string | null = () => null) {
  return z.strictObject(shape, {
    error: ({ code, input }) => (code === 'unrecognized_keys' ? (strange(input) ?? KNOWN_KEYS + Object.keys(shape).join(', ')) : undefined),
  });
}

const LONGEST = 366 * 86_400_000;

/** `30s`, `5m`, `1h30m` -> milliseconds. */
export const duration = z
  .string('a length of time such as 30s, 5m or 1h30m')
  .meta({ pattern: '^([0-9]+(ms|s|m|h|d))+$' })
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms <= LONGEST) return ms;
    context.addIssue({ code: 'custom', message: ms === null ? `"${text}" is not a length of time; write 30s, 5m or 1h30m` : `"${text}" is longer than a year` });
    return z.NEVER;
  });

/** A duration of at least 1 ms. */
export const positiveDuration = duration.refine((ms) => ms > 0, 'must be longer than zero');

/** `1%` or `0.5%` -> a fraction from 0 to 1. */
export const percent = z
  .string('a share in percent such as 1%')
  .meta({ pattern: '^[0-9]+(\\.[0-9]+)?%$' })
  .transform((text, context) => {
    const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
    const value = Number(match?.[1] ?? Number.NaN);
    if (value >= 0 && value <= 100) return value / 100;
    context.addIssue({ code: 'custom', message: `"${text}" is not a share; write it in percent from 0% to 100%, such as 1%` });
    return z.NEVER;
  });

/** Text with something in it. */
export const nonBlank = z.string().refine((text) => text.trim() !== '', 'is empty');

/** Why something is switched off or overridden; goes into the evidence. */
export const reason = z.string().refine((text) => text.trim().length >= 3, 'must say why, in a few words');

/** Name of a service, process or environment: part of paths, groups and database names. */
export const name = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a name of lower-case letters, digits and "-", starting with a letter, at most 40 characters');

/** Key of a flag, `{type}_{feature}`. */
export const flagKey = z.string().regex(/^(release|ops|experiment|permission)_[a-z0-9]+(_[a-z0-9]+)*$/, 'must be the key of a flag: release, ops, experiment or permission, then "_" and what it is about, such as release_checkout_v2');

/** A file or folder inside the project. */
export const relativePath = nonBlank.refine(
  (text) => !/^(\/|[A-Za-z]:|~|\\)/.test(text) && !text.split(/[/\\]/).includes('..'),
  'must be a path inside the project, such as "migrations"',
);

/** Text with `${...}` references of the given kinds. */
export function template(plain: readonly string[]): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    const wrong = wrongReference(text, plain);
    if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
  });
}

/** Why a template cannot be resolved, or null. `plain` lists the references without a name that have a value here. */
export function wrongReference(text: string, plain: readonly string[]): string | null {
  const allowed = [...plain.map((kind) => `\${${kind}}`), '${env:NAME}', '${secret:NAME}'].join(', ');
  for (const [whole] of text.matchAll(/\$\{[^}]{0,200}\}?/g)) {
    const [reference] = referencesOf(whole);
    const good = reference !== undefined && (reference.name === null ? plain.includes(reference.kind) : ['env', 'secret'].includes(reference.kind));
    if (!good) return `"${whole}" has no value here; what has one: ${allowed}`;
  }
  return null;
}

/** Environment variables: name -> text; numbers and booleans are taken as their text. */
export function variables(plain: readonly string[]) {
  const value = z.union([template(plain), z.number(), z.boolean()]).transform(String);
  return z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable'), value);
}

/** The value, or what holds when the file does not say. */
export function orElse<T>(value: T | undefined, fallback: T): T {
  return value ?? fallback;
}

/** Any JSON object. */
export const json = z
  .record(z.string(), z.unknown())
  .refine(isJson, 'must be plain JSON (no .nan or .inf)')
  .transform((value) => value as JsonObject);

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isJson);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** HTTP path on the service itself. */
export const httpPath = z.string().regex(/^\/[^\s]*$/, 'must be a path that starts with "/"');
