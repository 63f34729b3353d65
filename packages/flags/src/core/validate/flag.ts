import { EVERYBODY } from '../bucket.ts';
import type { FlagType, ValueType } from '../definition.ts';
import { parseInstant } from '../instant.ts';
import { checkCondition, checkPath, checkSalt } from './condition.ts';
import { at, charactersOf, choiceOf, entriesOf, fieldsOf, isFields, listOf, nameOf, refuse, textOf, wholeOf, type Place } from './shape.ts';

const FLAG_TYPES: readonly FlagType[] = ['release', 'ops', 'experiment', 'permission'];
const VALUE_TYPES: readonly ValueType[] = ['boolean', 'string', 'number', 'json'];

/** `{type}_{feature}[_{variant}]`: words of small letters, digits and hyphens, with underscores between them. */
const KEY = /^[a-z]+(?:_[a-z0-9]+(?:-[a-z0-9]+)*)+$/;
const VARIANT = /^[A-Za-z0-9][\w.-]*$/;
const [MAX_KEY, MAX_NAME, MAX_TEXT] = [100, 200, 5_000];
const [MAX_VARIANTS, MAX_RULES, MAX_PREREQUISITES, MAX_TAGS] = [100, 200, 20, 50];
const MAX_FLAG_BYTES = 256 * 1024;
const MAX_JSON_DEPTH = 32;
const [LEAST_STALE_MS, MOST_STALE_MS] = [1_000, 366 * 24 * 3_600_000];

/** Names that exist beside the flag. */
export interface Known {
  readonly segments: ReadonlySet<string>;
  /** Of every flag, the names of its variants. */
  readonly variantsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

const FIELDS = ['type', 'valueType', 'variants', 'enabled', 'off', 'rules', 'default', 'prerequisites', 'salt', 'hash', 'stale', 'about'];

/** The names of the variants of what may be a flag. */
export function variantNames(flag: unknown): ReadonlySet<string> {
  return new Set(isFields(flag) && isFields(flag['variants']) ? Object.keys(flag['variants']) : []);
}

/** Everything about one flag, but for circles of prerequisites. */
export function checkFlag(place: Place, key: string, flag: unknown, known: Known): void {
  const fields = fieldsOf(place, flag, FIELDS);
  if (fields === null) return;
  const has = (name: string, check: (place: Place, value: unknown) => void): void => {
    if (Object.hasOwn(fields, name)) check(at(place, name), fields[name]);
  };
  const variants = variantNames(fields);
  has('type', (inner, type) => choiceOf(inner, type, FLAG_TYPES));
  has('valueType', (inner, type) => choiceOf(inner, type, VALUE_TYPES));
  checkKey(place, key, fields['type']);
  has('variants', (inner, values) => checkVariants(inner, values, fields['valueType']));
  has('enabled', (inner, enabled) => typeof enabled === 'boolean' || refuse(inner, 'must be true or false'));
  has('off', (inner, off) => nameOf(inner, off, variants, 'variant'));
  has('rules', (inner, rules) => checkRules(inner, rules, variants, known));
  has('default', (inner, serve) => checkServe(inner, serve, variants));
  has('prerequisites', (inner, list) => checkPrerequisites(inner, list, key, known));
  has('salt', checkSalt);
  has('hash', (inner, hash) => hash === 1 || refuse(inner, 'must be 1, the only hash there is'));
  has('stale', checkStale);
  has('about', (inner, about) => checkAbout(inner, about, fields['type']));
  checkSize(place, fields);
}

function checkKey(place: Place, key: string, type: unknown): void {
  if (key.length > MAX_KEY || !KEY.test(key)) {
    return refuse(place, 'must be named {type}_{feature}[_{variant}], in small letters, digits and hyphens, with at most 100 characters');
  }
  const typed = FLAG_TYPES.find((one) => one === type);
  if (typed !== undefined && !key.startsWith(`${typed}_`)) refuse(place, `is of the type ${typed}, so its name must begin with ${typed}_`);
}

function checkSize(place: Place, flag: unknown): void {
  // Code units, which are no more than the bytes; the bound is against what nobody means, not to the byte.
  const size = jsonSize(flag);
  if (size === null) refuse(place, 'is no JSON: it holds itself, or what JSON cannot say');
  else if (size > MAX_FLAG_BYTES) refuse(place, `is larger than ${MAX_FLAG_BYTES / 1024} KiB`);
}

function jsonSize(value: unknown): number | null {
  try {
    return JSON.stringify(value).length;
  } catch {
    return null;
  }
}

function checkVariants(place: Place, values: unknown, valueType: unknown): void {
  for (const [name, value] of entriesOf(place, values, 1, MAX_VARIANTS)) {
    const inner = at(place, name);
    if (name.length > MAX_KEY || !VARIANT.test(name)) refuse(inner, 'must be named in letters, digits, ".", "_" and "-"');
    if (valueType === 'json') checkJson(inner, value, 0);
    else if (VALUE_TYPES.some((type) => type === valueType)) {
      const fits = typeof value === valueType && (typeof value !== 'number' || Number.isFinite(value));
      if (!fits) refuse(inner, `must be a ${String(valueType)}, as valueType says`);
      else if (typeof value === 'string') charactersOf(inner, value);
    }
  }
}

function checkJson(place: Place, value: unknown, depth: number): void {
  if (depth > MAX_JSON_DEPTH) return refuse(place, `is nested more than ${MAX_JSON_DEPTH} deep`);
  if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) checkJson(at(place, index), part, depth + 1);
  } else if (isFields(value)) {
    for (const [name, part] of Object.entries(value)) {
      charactersOf(at(place, name), name);
      checkJson(at(place, name), part, depth + 1);
    }
  } else if (typeof value === 'string') charactersOf(place, value);
  else if (value !== null && typeof value !== 'boolean' && !Number.isFinite(value)) refuse(place, 'must be JSON');
}

function checkServe(place: Place, serve: unknown, variants: ReadonlySet<string>): void {
  if (isFields(serve) && Object.hasOwn(serve, 'variant')) {
    fieldsOf(place, serve, ['variant']);
    nameOf(at(place, 'variant'), serve['variant'], variants, 'variant');
    return;
  }
  const fields = fieldsOf(place, serve, ['weights'], ['by', 'salt']);
  if (fields === null || !Object.hasOwn(fields, 'weights')) return;
  if (fields['by'] !== undefined) checkPath(at(place, 'by'), fields['by']);
  if (fields['salt'] !== undefined) checkSalt(at(place, 'salt'), fields['salt']);
  const inner = at(place, 'weights');
  let sum = 0;
  for (const [index, one] of listOf(inner, fields['weights'], 1, MAX_VARIANTS).entries()) {
    const share = fieldsOf(at(inner, index), one, ['variant', 'weight']);
    if (share === null) continue;
    nameOf(at(at(inner, index), 'variant'), share['variant'], variants, 'variant');
    sum += wholeOf(at(at(inner, index), 'weight'), share['weight'], 0, EVERYBODY) ?? Number.NaN;
  }
  // NaN: what is wrong was said already.
  if (!Number.isNaN(sum) && sum !== EVERYBODY)
    refuse(inner, `must sum up to ${EVERYBODY} (100 %), and sum up to ${sum} (${sum / 1_000} %)`);
}

function checkRules(place: Place, rules: unknown, variants: ReadonlySet<string>, { segments }: Known): void {
  const seen = new Set<string>();
  for (const [index, rule] of listOf(place, rules, 0, MAX_RULES).entries()) {
    const inner = at(place, index);
    const fields = fieldsOf(inner, rule, ['name', 'when', 'serve']);
    if (fields === null) continue;
    const name = textOf(at(inner, 'name'), fields['name'], 1, MAX_NAME);
    if (name !== null && seen.has(name)) refuse(at(inner, 'name'), `is ${JSON.stringify(name)}, as another rule of this flag is named`);
    if (name !== null) seen.add(name);
    checkCondition(at(inner, 'when'), fields['when'], segments);
    checkServe(at(inner, 'serve'), fields['serve'], variants);
  }
}

function checkPrerequisites(place: Place, list: unknown, key: string, { variantsOf }: Known): void {
  const seen = new Set<unknown>();
  for (const [index, one] of listOf(place, list, 0, MAX_PREREQUISITES).entries()) {
    const inner = at(place, index);
    const fields = fieldsOf(inner, one, ['flag', 'variants']);
    if (fields === null) continue;
    const flag = nameOf(at(inner, 'flag'), fields['flag'], new Set(variantsOf.keys()), 'flag');
    if (flag === key) refuse(at(inner, 'flag'), 'is the flag itself');
    if (flag !== null && seen.has(flag)) refuse(at(inner, 'flag'), `is ${JSON.stringify(flag)}, which another prerequisite names too`);
    seen.add(flag);
    const names = (flag === null ? undefined : variantsOf.get(flag)) ?? null;
    for (const [position, variant] of listOf(at(inner, 'variants'), fields['variants'], 1, MAX_VARIANTS).entries()) {
      if (names !== null) nameOf(at(at(inner, 'variants'), position), variant, names, `variant of ${String(flag)}`);
    }
  }
}

function checkStale(place: Place, stale: unknown): void {
  if (stale === null) return;
  const fields = fieldsOf(place, stale, ['afterMs']);
  if (fields !== null) wholeOf(at(place, 'afterMs'), fields['afterMs'], LEAST_STALE_MS, MOST_STALE_MS);
}

function checkAbout(place: Place, about: unknown, type: unknown): void {
  const fields = fieldsOf(place, about, ['name', 'description', 'owner', 'tags', 'createdAt', 'expiresAt']);
  if (fields === null) return;
  textOf(at(place, 'name'), fields['name'], 0, MAX_NAME);
  textOf(at(place, 'description'), fields['description'], 0, MAX_TEXT);
  textOf(at(place, 'owner'), fields['owner'], 1, MAX_NAME);
  for (const [index, tag] of listOf(at(place, 'tags'), fields['tags'], 0, MAX_TAGS).entries())
    textOf(at(at(place, 'tags'), index), tag, 1, MAX_NAME);
  checkInstant(at(place, 'createdAt'), fields['createdAt']);
  if (fields['expiresAt'] !== null) return checkInstant(at(place, 'expiresAt'), fields['expiresAt']);
  if (type === 'release' || type === 'experiment')
    refuse(at(place, 'expiresAt'), `must say when a flag of the type ${type} should be gone`);
}

function checkInstant(place: Place, value: unknown): void {
  const text = textOf(place, value, 1, MAX_KEY);
  if (text !== null && Number.isNaN(parseInstant(text))) refuse(place, 'must be an instant with a zone (2026-11-30T04:40:00Z)');
}
