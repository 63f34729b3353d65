import type { Flag, FlagType, FlagValue, Rule, Segment, Serve } from '../../../../packages/flags/src/core/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { valueTypeOf } from '../files/resolve.ts';
import { allOf, keyFor, NotCarried, shareOut, type Holds, type ImportDefaults, type Imported, type Told } from './told.ts';
import { constraintHolds, segmentsOf, type UnleashSegments } from './unleash-constraints.ts';
import { featuresOf, objectsIn, textIn, type Feature } from './unleash-document.ts';
import { dealtBy, strategyHolds } from './unleash-strategies.ts';

/**
 * Flags of an Unleash export, or of what its clients are sent (`/api/client/features`), as `unleash-client` 6 evaluates them
 * (https://docs.getunleash.io). `userId` becomes the targeting key; every other field an attribute of its own.
 */
export function importUnleash(document: JsonObject, defaults: ImportDefaults): Imported {
  const told: Told[] = [];
  const flags = new Map<string, Flag>();
  const segments = new Map<string, Segment>();
  const known = segmentsOf(document);
  const features = featuresOf(document);
  // A parent has no parents of its own there, so one round makes all that others need.
  const carried = new Map<string, Carried>();
  for (const feature of [...features].toSorted((a, b) => Number(a.dependencies.length > 0) - Number(b.dependencies.length > 0))) {
    const used = new Map<string, Segment>();
    const differs = new Set<string>();
    let bare = false;
    try {
      const type = typeOf(feature, defaults);
      const key = keyFor(feature.name, type);
      if (flags.has(key)) throw new NotCarried(`would be called ${key}, as another one is`);
      const work: Work = {
        feature,
        type,
        defaults,
        known,
        used,
        carried,
        features,
        differs: (message) => void differs.add(message),
        isBare: () => void (bare = true),
      };
      const flag = flagOf(work);
      flags.set(key, flag);
      carried.set(feature.name, { key, flag, bare });
      for (const [name, segment] of used) segments.set(name, segment);
      if (key !== feature.name)
        told.push({ flag: feature.name, kind: 'renamed', message: `is called ${key} here; the code must ask for that` });
      told.push(...[...differs].map((message): Told => ({ flag: feature.name, kind: 'differs', message })));
    } catch (error) {
      if (!(error instanceof NotCarried)) throw error;
      told.push({ flag: feature.name, kind: 'left-out', message: error.message });
    }
  }
  return { flags: Object.fromEntries(flags), segments: Object.fromEntries(segments), told };
}

interface Carried {
  readonly key: string;
  readonly flag: Flag;
  /** It may be on there without giving a variant, which here is the same as off. */
  readonly bare: boolean;
}

interface Work {
  readonly feature: Feature;
  readonly type: FlagType;
  readonly defaults: ImportDefaults;
  readonly known: UnleashSegments;
  /** Segments that this flag asks for. */
  readonly used: Map<string, Segment>;
  readonly carried: ReadonlyMap<string, Carried>;
  readonly features: readonly Feature[];
  readonly differs: (message: string) => void;
  readonly isBare: () => void;
}

const TYPES: Readonly<Record<string, FlagType>> = {
  release: 'release',
  experiment: 'experiment',
  operational: 'ops',
  'kill-switch': 'ops',
  permission: 'permission',
};

function typeOf({ type }: Feature, defaults: ImportDefaults): FlagType {
  return (Object.hasOwn(TYPES, type) ? TYPES[type] : undefined) ?? defaults.type;
}

function flagOf(work: Work): Flag {
  const { feature, type, defaults } = work;
  if (feature.archived) throw new NotCarried('is archived');
  const values = valuesOf(work);
  const off = Object.hasOwn(values, DISABLED) ? DISABLED : 'off';
  const mayStay = type === 'ops' || type === 'permission';
  return {
    type,
    valueType: valueTypeOf(values),
    variants: values,
    enabled: feature.enabled,
    off,
    ...rulesOf(work, off),
    prerequisites: prerequisitesOf(work),
    salt: feature.name,
    hash: 1,
    stale: null,
    about: {
      name: '',
      description: feature.description,
      owner: defaults.owner,
      tags: feature.tags,
      createdAt: feature.createdAt ?? defaults.createdAt,
      expiresAt: mayStay ? null : defaults.expiresAt,
    },
  };
}

/** What Unleash calls the variant of who has none. */
const DISABLED = 'disabled';

/** On and off for a flag without variants; else its variants, by their payloads where all have one, by their names otherwise. */
function valuesOf({ feature, differs }: Work): Readonly<Record<string, FlagValue>> {
  const variants = new Map(
    [...feature.variants, ...feature.strategies.flatMap((one) => objectsIn(one['variants']))].map((one) => [textIn(one, 'name'), one]),
  );
  if (variants.size === 0) return { on: true, off: false };
  if (variants.has(DISABLED)) throw new NotCarried(`has a variant called ${DISABLED}, as Unleash calls that of who has none`);
  if (variants.has('')) throw new NotCarried('has a variant without a name');
  const payloads = [...variants].map(([name, one]) => [name, payloadOf(name, one)] as const);
  const isNamed = payloads.some(([, value]) => value === undefined) || new Set(payloads.map(([, value]) => kindOf(value))).size > 1;
  const values = isNamed
    ? payloads.map(([name]) => [name, name] as const)
    : payloads.map(([name, value]) => [name, value ?? null] as const);
  differs(
    `its value is ${isNamed ? 'the name of the variant' : 'the payload of the variant'}; who has none gets the variant ${DISABLED}. There is no second question here whether it is on`,
  );
  return Object.fromEntries([...values, [DISABLED, emptyLike(values[0]?.[1] ?? null)]]);
}

function kindOf(value: FlagValue | undefined): string {
  return value === null ? 'null' : typeof value;
}

function emptyLike(value: FlagValue): FlagValue {
  if (typeof value === 'string') return '';
  return typeof value === 'number' ? 0 : null;
}

/** Undefined: it has none. */
function payloadOf(name: string, variant: JsonObject): FlagValue | undefined {
  const payload = variant['payload'];
  if (!isJsonObject(payload) || typeof payload['value'] !== 'string') return undefined;
  const { type, value } = payload;
  if (type !== 'number' && type !== 'json') return value;
  try {
    const read = JSON.parse(value) as JsonValue;
    if (type === 'json' || typeof read === 'number') return read;
  } catch {
    // Said below.
  }
  throw new NotCarried(`has the variant ${name}, whose payload is no ${type}`);
}

interface Clause {
  readonly when: Holds;
  readonly serve: Serve;
}

/** A rule for each strategy, down to the first that always holds, which is the default. */
function rulesOf(work: Work, off: string): Pick<Flag, 'rules' | 'default'> {
  const { feature } = work;
  const { strategies } = feature;
  const clauses =
    strategies.length === 0
      ? feature.allDisabled
        ? []
        : served(true, { work, place: '', strategy: {} })
      : strategies.flatMap((one, index) => clausesOf(work, one, index));
  const always = clauses.findIndex(({ when }) => when === true);
  const before = always < 0 ? clauses : clauses.slice(0, always);
  const rules = before.flatMap(({ when, serve }): Omit<Rule, 'name'>[] => (typeof when === 'boolean' ? [] : [{ when, serve }]));
  return {
    rules: rules.map((rule, index) => ({ name: `rule-${index + 1}`, ...rule })),
    default: clauses[always]?.serve ?? { variant: off },
  };
}

function clausesOf(work: Work, strategy: JsonObject, index: number): readonly Clause[] {
  const name = textIn(strategy, 'name');
  const place = `strategy ${index + 1} (${name}): `;
  const told = { differs: (message: string) => work.differs(`${place}${message}`) };
  try {
    const constraints = objectsIn(strategy['constraints']).map((one) => constraintHolds(one, told));
    const segments = (Array.isArray(strategy['segments']) ? (strategy['segments'] as readonly JsonValue[]) : []).map((id) =>
      work.known.holds(id, work.used, told),
    );
    return served(allOf([...constraints, ...segments, strategyHolds(strategy, work.feature.name, told)]), { work, place, strategy });
  } catch (error) {
    throw error instanceof NotCarried ? new NotCarried(`${place}${error.message}`) : error;
  }
}

interface Serving {
  readonly work: Work;
  readonly place: string;
  readonly strategy: JsonObject;
}

/** What is served to whom a strategy holds for: overrides first, then the shares of variants. */
function served(when: Holds, { work, place, strategy }: Serving): readonly Clause[] {
  const own = objectsIn(strategy['variants']);
  const variants = own.length > 0 ? own : work.feature.variants;
  const weights = variants.map((one) => (typeof one['weight'] === 'number' ? one['weight'] : 0));
  if (!weights.some((weight) => weight > 0)) {
    if (work.feature.hasVariants) work.isBare();
    return [{ when, serve: { variant: work.feature.hasVariants ? DISABLED : 'on' } }];
  }
  const overrides = variants.flatMap((one) =>
    objectsIn(one['overrides']).map((override): Clause => {
      const constraint = { contextName: textIn(override, 'contextName'), operator: 'IN', values: override['values'] ?? [] };
      return {
        when: allOf([when, constraintHolds(constraint, { differs: (message) => work.differs(`${place}${message}`) })]),
        serve: { variant: textIn(one, 'name') },
      };
    }),
  );
  return [...overrides, { when, serve: splitOf(variants, weights, { work, place, strategy, own }) }];
}

function splitOf(
  variants: readonly JsonObject[],
  weights: readonly number[],
  { work, place, strategy, own }: Serving & { readonly own: readonly JsonObject[] },
): Serve {
  const names = variants.map((one) => textIn(one, 'name'));
  const dealt = weights.filter((weight) => weight > 0);
  if (dealt.length === 1) return { variant: names[weights.findIndex((weight) => weight > 0)] ?? '' };
  if (new Set(names).size < names.length) throw new NotCarried(`${place}deals among variants of which one is named twice`);
  const parameters = isJsonObject(strategy['parameters'] ?? null) ? (strategy['parameters'] as JsonObject) : {};
  const stickiness = textIn(variants[0] ?? {}, 'stickiness') || (own.length > 0 ? textIn(parameters, 'stickiness') : '') || 'default';
  const shares = shareOut(weights);
  if (!shares.exact) work.differs(`${place}shares of variants are rounded to thousandths of a percent`);
  const by = dealtBy(stickiness, { differs: (message) => work.differs(`${place}variants: ${message}`) });
  return {
    weights: names.map((variant, index) => ({ variant, weight: shares.weights[index] ?? 0 })),
    ...(by === 'targetingKey' ? {} : { by }),
  };
}

function prerequisitesOf({ feature, carried, features }: Work): Flag['prerequisites'] {
  return feature.dependencies.map((one) => {
    const name = textIn(one, 'feature');
    const parent = carried.get(name);
    if (features.find((other) => other.name === name)?.dependencies.length)
      throw new NotCarried(`depends on ${name}, which depends on another one: it is never on there`);
    if (parent === undefined) throw new NotCarried(`depends on ${name}, which is not carried over, or not there`);
    const { key, flag, bare } = parent;
    const variants = Array.isArray(one['variants'])
      ? (one['variants'] as readonly JsonValue[]).filter((variant) => typeof variant === 'string')
      : [];
    if (bare && (one['enabled'] === false || variants.length === 0))
      throw new NotCarried(`depends on whether ${name} is on, which there may be so without a variant`);
    if (one['enabled'] === false) return { flag: key, variants: [flag.off] };
    const others = Object.keys(flag.variants).filter((variant) => variant !== flag.off);
    const wanted = variants.length > 0 ? others.filter((variant) => variants.includes(variant)) : others;
    if (wanted.length === 0) throw new NotCarried(`depends on variants of ${name} that it does not have`);
    return { flag: key, variants: wanted };
  });
}
