import type { Condition, Flag, FlagValue, JsonValue, Segment, Serve } from '../../../../packages/flags/src/core/definition.ts';
import type { FlagFields } from './declaration.ts';
import { percentText } from './percent.ts';
import { valueTypeOf } from './resolve.ts';

/** A part of a file, as it is written there. */
export type Written = { readonly [key: string]: JsonValue };

/** The keys of a flag in the order in which a person reads them. */
export const FLAG_KEYS = [
  'type',
  'name',
  'description',
  'owner',
  'tags',
  'created',
  'expires',
  'valueType',
  'variants',
  'enabled',
  'off',
  'prerequisites',
  'rules',
  'default',
  'salt',
  'stale',
] as const;
export type FlagKey = (typeof FLAG_KEYS)[number];

/**
 * A flag as a file says it: what goes without saying is left out.
 * `resolveFiles` of it gives the same flag again, whatever its key.
 */
export function writeFlag(key: string, flag: Flag): Written {
  const all = everyField(flag);
  const plain = usualFields(key, flag);
  return Object.fromEntries(FLAG_KEYS.flatMap((name) => (equal(all[name], plain[name] ?? null) ? [] : [[name, all[name]]])));
}

/** Every key of a flag with its value, those that go without saying included; null for what is not set. */
export function everyField(flag: Flag): Readonly<Record<FlagKey, JsonValue>> {
  const { about } = flag;
  return {
    type: flag.type,
    name: about.name,
    description: about.description,
    owner: about.owner,
    tags: about.tags,
    created: dateText(about.createdAt),
    expires: about.expiresAt === null ? null : dateText(about.expiresAt),
    valueType: flag.valueType,
    variants: flag.variants,
    enabled: flag.enabled,
    off: flag.off,
    prerequisites: Object.fromEntries(
      flag.prerequisites.map(({ flag: other, variants }) => [other, variants.length === 1 ? (variants[0] ?? '') : variants]),
    ),
    rules: flag.rules.map(({ name, when, serve }) => ({ name, when: writeWhen(when), serve: writeServe(serve) })),
    default: writeServe(flag.default),
    salt: flag.salt,
    stale: flag.stale === null ? null : millisecondsText(flag.stale.afterMs),
  };
}

/** The same before it is written: what `resolveFiles` takes. */
export function fieldsOf(flag: Flag): Readonly<Record<FlagKey, unknown>> & FlagFields {
  const { about, type, valueType, variants, enabled, off, rules, prerequisites, salt, stale } = flag;
  const { name, description, owner, tags, createdAt: created, expiresAt: expires } = about;
  const people = { name, description, owner, tags, created, expires };
  return { ...people, type, valueType, variants, enabled, off, rules, default: flag.default, prerequisites, salt, stale };
}

/** What a file need not say of this flag. */
function usualFields(key: string, flag: Flag): Partial<Record<FlagKey, JsonValue>> {
  const variants: Readonly<Record<string, FlagValue>> = { on: true, off: false };
  return {
    name: '',
    description: '',
    tags: [],
    valueType: valueTypeOf(flag.variants),
    variants,
    enabled: true,
    off: Object.hasOwn(flag.variants, 'off') ? 'off' : null,
    prerequisites: {},
    rules: [],
    default: flag.off,
    salt: key,
  };
}

/** A segment as a file says it. */
export function writeSegment({ description, when }: Segment): Written {
  return { ...(description === '' ? {} : { description }), when: writeWhen(when) };
}

/** A list at the top of a condition is read as "all of these". */
function writeWhen(when: Condition): JsonValue {
  return 'all' in when && when.all.length !== 1 ? when.all.map(writeCondition) : writeCondition(when);
}

function writeCondition(condition: Condition): Written {
  if ('all' in condition) return { all: condition.all.map(writeCondition) };
  if ('any' in condition) return { any: condition.any.map(writeCondition) };
  if ('not' in condition) return { not: writeCondition(condition.not) };
  if ('segment' in condition) return { segment: condition.segment };
  if ('percentage' in condition) return { percentage: percentText(condition.percentage), ...dealtBy(condition) };
  const { attribute, operator } = condition;
  const ignoreCase = 'ignoreCase' in condition && condition.ignoreCase !== undefined ? { ignoreCase: condition.ignoreCase } : {};
  return { attribute, [operator]: operandOf(condition), ...ignoreCase };
}

function operandOf(condition: Extract<Condition, { readonly attribute: string }>): JsonValue {
  if ('values' in condition) {
    const [only] = condition.values;
    const isText = condition.operator === 'startsWith' || condition.operator === 'endsWith';
    return isText && condition.values.length === 1 && only !== undefined ? only : condition.values;
  }
  return 'value' in condition ? condition.value : true;
}

/** A variant's name; or the shares, in a list where a map would not keep their order. */
function writeServe(serve: Serve): JsonValue {
  if ('variant' in serve) return serve.variant;
  const shares = serve.weights.map(({ variant, weight }): [string, string] => [variant, percentText(weight)]);
  const isList = shares.some(([name]) => /^\d+$/.test(name)) || new Set(shares.map(([name]) => name)).size < shares.length;
  return { split: isList ? shares.map(([name, share]) => ({ [name]: share })) : Object.fromEntries(shares), ...dealtBy(serve) };
}

function dealtBy({ by, salt }: { readonly by?: string; readonly salt?: string }): Written {
  return { ...(by === undefined ? {} : { by }), ...(salt === undefined ? {} : { salt }) };
}

/** Midnight is written as the day. */
function dateText(iso: string): string {
  return iso.endsWith('T00:00:00.000Z') ? iso.slice(0, 10) : iso;
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

function millisecondsText(ms: number): string {
  const [size, unit] = UNITS.find(([size]) => ms > 0 && ms % size === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}

/** Equal as JSON; the order of keys does not count. */
export function equal(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) => Object.hasOwn(other, key) && equal((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
  );
}
