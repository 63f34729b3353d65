import type { Condition, Flag, FlagValue, Rule, Segment, Serve } from '../../../../packages/flags/src/core/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { valueTypeOf } from '../files/resolve.ts';
import { attributeOf, holds, operation, type LogicScope } from './logic.ts';
import { allOf, kebab, keyFor, NotCarried, shareOut, type Holds, type ImportDefaults, type Imported, type Told } from './told.ts';

/** Flags of a flagd document (https://flagd.dev/schema/v0/flags.json). What cannot be carried over is left out and told. */
export function importFlagd(document: JsonObject, defaults: ImportDefaults): Imported {
  const given = document['flags'];
  const evaluators = isJsonObject(document['$evaluators'] ?? null) ? (document['$evaluators'] as JsonObject) : {};
  const segments = new Map<string, Segment>();
  const flags: [string, Flag][] = [];
  const told: Told[] = [];
  for (const [name, one] of Object.entries(isJsonObject(given ?? null) ? (given as JsonObject) : {})) {
    const differs = new Set<string>();
    const used = new Map<string, Segment>();
    try {
      const flag = flagOf(name, one, { defaults, scope: scopeOf(evaluators, used, (message) => void differs.add(message)) });
      const key = keyFor(name, defaults.type);
      if (flags.some(([other]) => other === key)) throw new NotCarried(`would be called ${key}, as another one is`);
      flags.push([key, flag]);
      for (const [segment, made] of used) segments.set(segment, made);
      if (key !== name) told.push({ flag: name, kind: 'renamed', message: `is called ${key} here; the code must ask for that` });
      told.push(...[...differs].map((message): Told => ({ flag: name, kind: 'differs', message })));
    } catch (error) {
      if (!(error instanceof NotCarried)) throw error;
      told.push({ flag: name, kind: 'left-out', message: error.message });
    }
  }
  return { flags: Object.fromEntries(flags), segments: Object.fromEntries(segments), told };
}

/** Evaluators become segments; inside `not` they are written out, since a missing attribute counts otherwise there. */
function scopeOf(evaluators: JsonObject, used: Map<string, Segment>, differs: (message: string) => void): LogicScope {
  const open: string[] = [];
  const scope: LogicScope = {
    differs,
    evaluator: (name, negated) => {
      const expression = Object.hasOwn(evaluators, name) ? evaluators[name] : undefined;
      if (expression === undefined) throw new NotCarried(`uses the evaluator ${name}, which is not there`);
      if (open.includes(name)) throw new NotCarried(`uses the evaluator ${name}, which uses itself`);
      open.push(name);
      const found = holds(expression, negated, scope);
      open.pop();
      const segment = kebab(name);
      if (negated || typeof found === 'boolean' || segment === '') return found;
      used.set(segment, { description: '', when: found });
      return { segment };
    },
  };
  return scope;
}

interface Work {
  readonly defaults: ImportDefaults;
  readonly scope: LogicScope;
}

function flagOf(name: string, given: JsonValue, { defaults, scope }: Work): Flag {
  if (!isJsonObject(given)) throw new NotCarried('is no flag');
  const values = mapOf(given['variants']);
  if (values === null) throw new NotCarried('has no variants');
  const enabled = given['state'] !== 'DISABLED';
  const off = given['defaultVariant'];
  if (typeof off !== 'string' || !Object.hasOwn(values, off))
    throw new NotCarried('has no default variant: it leaves that to the code, which a flag here cannot');
  if (!enabled) scope.differs(`while it is off everybody gets ${off} here; there, what the code says`);
  const { type, owner, createdAt, expiresAt } = defaults;
  const about = mapOf(given['metadata']) ?? {};
  return {
    type,
    valueType: valueTypeOf(values),
    variants: values,
    enabled,
    off,
    ...rulesOf(given['targeting'], { name, values, off, scope }),
    prerequisites: [],
    salt: name,
    hash: 1,
    stale: null,
    about: { name: '', description: textOf(about['description']), owner: textOf(about['owner']) || owner, tags: [], createdAt, expiresAt },
  };
}

function mapOf(value: JsonValue | undefined): JsonObject | null {
  return isJsonObject(value) ? value : null;
}

/** Rules down to the first that always holds, which is the default. */
function rulesOf(logic: JsonValue | undefined, targeting: Targeting): Pick<Flag, 'rules' | 'default'> {
  const isNone = logic === undefined || (isJsonObject(logic) && Object.keys(logic).length === 0);
  const all = isNone ? [] : clauses(logic, targeting);
  const always = all.findIndex(({ when }) => when === true);
  const before = always < 0 ? all : all.slice(0, always);
  const rules = before.flatMap(({ when, serve }, index): Rule[] =>
    typeof when === 'boolean' ? [] : [{ name: `rule-${index + 1}`, when, serve }],
  );
  return { rules, default: all[always]?.serve ?? { variant: targeting.off } };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

interface Clause {
  readonly when: Holds;
  readonly serve: Serve;
}

interface Targeting {
  readonly name: string;
  readonly values: Readonly<Record<string, FlagValue>>;
  readonly off: string;
  readonly scope: LogicScope;
}

/** What is served to whom, the first that holds. Where nothing does, flagd serves the default variant. */
function clauses(expression: JsonValue, targeting: Targeting): readonly Clause[] {
  const { values, off, scope } = targeting;
  if (expression === null) return [{ when: true, serve: { variant: off } }];
  const found = operation(expression);
  if (found === null) return [{ when: true, serve: { variant: variantNamed(expression, values) } }];
  const [operator, args] = found;
  if (operator === 'if' || operator === '?:') return choices(args, targeting);
  if (operator === 'fractional') return [{ when: true, serve: splitOf(args, targeting) }];
  return answered(operator, holds(expression, false, scope), targeting);
}

/** A variant's name, which may be written as true, false or a number. */
function variantNamed(given: JsonValue, values: Targeting['values']): string {
  const variant = typeof given === 'string' ? given : JSON.stringify(given);
  if (Object.hasOwn(values, variant)) return variant;
  throw new NotCarried(`serves "${variant}", which is no variant of it`);
}

/** These give no answer for what they do not work on, and then the default variant is served. */
const ASKED: ReadonlySet<string> = new Set(['starts_with', 'ends_with', 'sem_ver']);
const VAGUE: ReadonlySet<string> = new Set(['and', 'or', 'var']);

/** A condition in the place of a variant: the variants are called true and false. */
function answered(operator: string, when: Holds, { values, scope }: Targeting): readonly Clause[] {
  if (!Object.hasOwn(values, 'true') || !Object.hasOwn(values, 'false'))
    throw new NotCarried(`serves what ${operator} gives, and has no variants called true and false`);
  if (VAGUE.has(operator)) scope.differs('where its condition has no answer, false is served here; there, the default variant');
  return [
    { when, serve: { variant: 'true' } },
    { when: ASKED.has(operator) ? notAsked(when) : true, serve: { variant: 'false' } },
  ];
}

function notAsked(when: Holds): Holds {
  return typeof when === 'boolean' ? !when : ({ not: when } satisfies Condition);
}

function choices(args: readonly JsonValue[], targeting: Targeting): readonly Clause[] {
  const [test = null, yes = null, ...rest] = args;
  if (args.length < 2) return clauses(test, targeting);
  const when = holds(test, false, targeting.scope);
  const inner = clauses(yes, targeting);
  const isWhole = inner.some((clause) => clause.when === true);
  const left: Clause = { when: true, serve: { variant: targeting.off } };
  const own = (isWhole ? inner : [...inner, left]).map((clause) => ({ when: allOf([when, clause.when]), serve: clause.serve }));
  const otherwise = rest.length === 0 ? [] : choices(rest, targeting);
  return [...own, ...otherwise].filter((clause) => clause.when !== false);
}

function splitOf(args: readonly JsonValue[], { name, values, scope }: Targeting): Serve {
  const [first] = args;
  const seeded = first !== undefined && !Array.isArray(first);
  const buckets = (seeded ? args.slice(1) : args).map((bucket) => bucketOf(bucket, values));
  const shares = shareOut(buckets.map(({ weight }) => weight));
  if (!shares.exact) scope.differs('shares are rounded to thousandths of a percent, so a few contexts move to another variant');
  if (new Set(buckets.map(({ variant }) => variant)).size < buckets.length)
    throw new NotCarried('deals among variants of which one is named twice');
  const weights = buckets.map(({ variant }, index) => ({ variant, weight: shares.weights[index] ?? 0 }));
  scope.differs('names that are not plain ASCII are dealt anew: their hash differs');
  return { weights, ...(seeded ? seedOf(first, name, scope) : {}) };
}

function bucketOf(bucket: JsonValue, values: Targeting['values']): { readonly variant: string; readonly weight: number } {
  const [variant, weight = 1] = Array.isArray(bucket) ? (bucket as readonly JsonValue[]) : [];
  if (typeof variant !== 'string' && typeof variant !== 'boolean' && typeof variant !== 'number')
    throw new NotCarried('deals among variants that are computed');
  if (typeof weight !== 'number' || !Number.isInteger(weight)) throw new NotCarried('deals by weights that are computed');
  return { variant: variantNamed(variant, values), weight: Math.max(0, weight) };
}

/** What decides the bucket: text in front goes for the salt, the attribute behind it for `by`. */
function seedOf(seed: JsonValue, name: string, scope: LogicScope): { readonly by?: string; readonly salt?: string } {
  const found = operation(seed);
  const parts = found?.[0] === 'cat' ? found[1] : [seed];
  const attribute = attributeOf(parts.at(-1));
  const salts = parts
    .slice(0, -1)
    .map((part) =>
      JSON.stringify(part) === '{"var":"$flagd.flagKey"}' || JSON.stringify(part) === '{"var":["$flagd.flagKey"]}' ? name : part,
    );
  if (attribute === null || attribute.fallback !== null || salts.some((salt) => typeof salt !== 'string'))
    throw new NotCarried('deals by something that is computed');
  const by = attribute.path === 'targetingKey' ? {} : { by: attribute.path };
  scope.differs(`a context without ${attribute.path} gets the default variant here; there, all of them share a bucket`);
  const salt = salts.filter((part) => typeof part === 'string').join('');
  if (salt !== '') return salt === name ? by : { ...by, salt };
  scope.differs('is dealt anew: flagd hashes the attribute alone here, and we put a salt before it');
  return { ...by, salt: attribute.path };
}
