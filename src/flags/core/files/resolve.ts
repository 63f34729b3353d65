import type { Flag, FlagSet, FlagValue, Rule, Segment, ValueType } from '../../../../packages/flags/src/core/definition.ts';
import type { FlagDeclaration, FlagFields, FlagFiles, Override, SegmentFields } from './declaration.ts';

/** What is not in the files: when flags that are there were created, and the time a new one gets. */
export interface Origins {
  readonly createdAt: (flag: string) => string;
}

/** Something that only shows when an environment's words are put over the others. `path` is as in the file, below the flag. */
export interface Gap {
  readonly kind: 'flag';
  readonly key: string;
  readonly path: readonly string[];
  readonly message: string;
}

export interface Resolved {
  readonly set: FlagSet;
  readonly gaps: readonly Gap[];
}

const BOOLEAN_VARIANTS: Readonly<Record<string, FlagValue>> = { on: true, off: false };

/** The flags that the files want in one environment. What is not there is not wanted, nor is a flag that lacks something. */
export function resolveFiles(files: FlagFiles, environment: string, origins: Origins): Resolved {
  const { set, gaps } = resolveWhole(files, environment, origins);
  if (gaps.length === 0) return { set, gaps };
  const lacking = new Set(gaps.map(({ key }) => key));
  return { set: { ...set, flags: Object.fromEntries(Object.entries(set.flags).filter(([key]) => !lacking.has(key))) }, gaps };
}

/** The same, with the flags that lack something: filled in, so that the rest of them can be judged. */
export function resolveWhole(files: FlagFiles, environment: string, origins: Origins): Resolved {
  const gaps: Gap[] = [];
  const flags: [string, Flag][] = [];
  for (const declaration of files.flags) {
    const fields = merged<FlagFields>(declaration.fields, declaration.environments, environment);
    if (fields === null) continue;
    gaps.push(...gapsOf(declaration.key, fields));
    flags.push([declaration.key, flagOf(declaration, fields, origins)]);
  }
  const segments = files.segments.flatMap(({ key, fields, environments }): [string, Segment][] => {
    const found = merged<SegmentFields>(fields, environments, environment);
    return found?.when === undefined ? [] : [[key, { description: found.description ?? '', when: found.when }]];
  });
  return {
    set: { format: 1, environment, seq: 0, flags: Object.fromEntries(flags), segments: Object.fromEntries(segments) },
    gaps,
  };
}

/** Every environment that a file names. */
export function namedEnvironments({ flags, segments }: FlagFiles): readonly string[] {
  const tests = flags.flatMap((flag) => flag.tests.flatMap((test) => test.environments));
  return [...new Set([...[...flags, ...segments].flatMap((one) => Object.keys(one.environments)), ...tests])].toSorted();
}

/**
 * Null where it is not there. What says nothing but in its environments is in these alone: nothing that one of them says may reach another.
 */
function merged<Fields extends object>(
  fields: Fields,
  environments: Readonly<Record<string, Override<Fields>>>,
  environment: string,
): Fields | null {
  const own = Object.hasOwn(environments, environment) ? environments[environment] : undefined;
  if (own === 'absent') return null;
  if (own === undefined && Object.keys(environments).length > 0 && isSilent(fields)) return null;
  return { ...fields, ...defined<Partial<Fields>>(own ?? {}) };
}

/** Nothing is said at the top. */
export function isSilent(fields: object): boolean {
  return Object.keys(defined(fields)).length === 0;
}

const USUAL = {
  variants: BOOLEAN_VARIANTS,
  enabled: true,
  rules: [],
  prerequisites: [],
  stale: null,
  name: '',
  description: '',
  tags: [],
  expires: null,
};

/** What a flag lacks, all of it. */
function gapsOf(key: string, given: FlagFields): readonly Gap[] {
  const { type, owner, variants, expires, off } = { ...USUAL, ...defined(given) };
  const gap = (path: string, message: string): Gap => ({ kind: 'flag', key, path: [path], message });
  const isShort = type === 'release' || type === 'experiment';
  return [
    ...(type === undefined ? [gap('type', 'is missing: release, ops, experiment or permission')] : []),
    ...(owner === undefined ? [gap('owner', 'is missing: the person or team who answers for the flag')] : []),
    ...(off === undefined && !Object.hasOwn(variants, 'off')
      ? [gap('off', 'is missing: name the variant that is safe, since none is called "off"')]
      : []),
    ...(expires === null && isShort ? [gap('expires', `is missing: say until when this ${type} flag is needed, such as 2027-03-31`)] : []),
  ];
}

function flagOf({ key }: FlagDeclaration, given: FlagFields, origins: Origins): Flag {
  const fields = { ...USUAL, salt: key, ...defined(given) };
  const { type = 'ops', owner = '', variants, expires } = fields;
  const off = fields.off ?? (Object.hasOwn(variants, 'off') ? 'off' : (Object.keys(variants)[0] ?? ''));
  const { enabled, prerequisites, salt, stale, name, description, tags } = fields;
  return {
    type,
    valueType: fields.valueType ?? valueTypeOf(variants),
    variants,
    enabled,
    off,
    rules: rulesOf(fields.rules),
    default: fields.default ?? { variant: off },
    prerequisites,
    salt,
    hash: 1,
    stale,
    about: { name, description, owner, tags, createdAt: fields.created ?? origins.createdAt(key), expiresAt: expires },
  };
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** The type that all values have; `json` where they have none in common. */
export function valueTypeOf(variants: Readonly<Record<string, FlagValue>>): ValueType {
  const types = new Set(Object.values(variants).map((value) => typeof value));
  const [only] = types;
  if (types.size !== 1) return 'json';
  return only === 'boolean' || only === 'string' || only === 'number' ? only : 'json';
}

/** A rule without a name is called by its place. */
function rulesOf(rules: NonNullable<FlagFields['rules']>): readonly Rule[] {
  return rules.map(({ name, when, serve }, index) => ({ name: name ?? `rule-${index + 1}`, when, serve }));
}
