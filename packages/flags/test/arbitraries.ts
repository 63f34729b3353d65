import fc from 'fast-check';
import type { Comparison, Condition, Flag, FlagSet, Rule, Segment, Serve } from '../src/index.ts';
import { aFlag, aSet } from './support.ts';

/** Few names and values, so that contexts meet conditions. */
const ATTRIBUTES = ['plan', 'age', 'user.country', '"a.b"', 'tags', 'version', 'when', 'beta'] as const;
const TEXTS = ['pro', 'free', 'de', 'DE', 'a', 'v1.2', '1.2.0-rc.1', '2026-01-01T00:00:00Z', 'é'] as const;
const VERSIONS = ['1', 'v1.2', '1.2.0', '1.2.0-rc.1', '2.0.0', '1.10.0'] as const;
const INSTANTS = ['2026-01-01T00:00:00Z', '2026-01-01T00:00+02:00', '2027-06-30T12:00:00.5Z'] as const;

const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(-1, 0, 5, 6.5, 1_767_225_600_000);
const attribute = fc.constantFrom(...ATTRIBUTES);
const version = fc.constantFrom(...VERSIONS);
const instant = fc.constantFrom(...INSTANTS);

const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({ attribute, operator: fc.constantFrom('exists', 'missing') }),
  fc.record({ attribute, operator: fc.constantFrom('eq', 'ne'), value: fc.oneof(text, number, fc.boolean()) }),
  fc.record({
    attribute,
    operator: fc.constantFrom('in', 'notIn'),
    values: fc.oneof(fc.array(text, { minLength: 1, maxLength: 7 }), fc.array(number, { minLength: 1, maxLength: 7 })),
  }),
  fc.record({ attribute, operator: fc.constantFrom('contains', 'notContains'), value: text }),
  fc.record({
    attribute,
    operator: fc.constantFrom('startsWith', 'endsWith'),
    values: fc.array(text, { minLength: 1, maxLength: 3 }),
    ignoreCase: fc.boolean(),
  }),
  fc.record({ attribute, operator: fc.constant('matches'), value: fc.constantFrom('^p', 'e+$', '[a-d]', '^v?\\d', '.') }),
  fc.record({ attribute, operator: fc.constantFrom('lt', 'lte', 'gt', 'gte'), value: number }),
  fc.record({
    attribute,
    operator: fc.constantFrom('semverEq', 'semverLt', 'semverLte', 'semverGt', 'semverGte'),
    value: version,
  }),
  fc.record({ attribute, operator: fc.constantFrom('before', 'after'), value: instant }),
);

/** Comparisons that the absence of an attribute decides nothing of. */
export const comparisonOfValues = comparison.filter(({ operator }) => operator !== 'exists' && operator !== 'missing');

const SEGMENTS = ['one', 'two'] as const;
const percentage = fc.record(
  { percentage: fc.integer({ min: 0, max: 100_000 }), by: attribute, salt: fc.constantFrom('x', 'y') },
  { requiredKeys: ['percentage'] },
);

function conditionOver(leaves: readonly fc.Arbitrary<Condition>[]): fc.Arbitrary<Condition> {
  return fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      ...leaves,
      fc.record({ not: tie('condition') }),
      fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    ),
  })).condition;
}

export const condition = conditionOver([comparison, percentage]);
const conditionWithSegments = conditionOver([comparison, percentage, fc.record({ segment: fc.constantFrom(...SEGMENTS) })]);

const segments: fc.Arbitrary<Record<string, Segment>> = fc.record({
  one: fc.record({ description: fc.constant('one'), when: condition }),
  two: fc.record({ description: fc.constant('two'), when: conditionOver([comparison, fc.constant({ segment: 'one' })]) }),
});

const VARIANTS = ['on', 'off', 'third'] as const;
const variant = fc.constantFrom(...VARIANTS);

/** Weights of the variants in their order, whatever sums up. */
const split = fc
  .record({
    cuts: fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 100_000 })),
    by: fc.option(attribute, { nil: undefined }),
  })
  .map(({ cuts, by }) => {
    const [low, high] = cuts.toSorted((a, b) => a - b) as [number, number];
    const weights = [low, high - low, 100_000 - high].map((weight, index) => ({ variant: VARIANTS[index] ?? 'on', weight }));
    return by === undefined ? { weights } : { weights, by };
  });
const serve: fc.Arbitrary<Serve> = fc.oneof(fc.record({ variant }), split);

const rules: fc.Arbitrary<readonly Rule[]> = fc
  .array(fc.record({ when: conditionWithSegments, serve }), { maxLength: 4 })
  .map((list) => list.map((rule, index) => ({ name: `rule ${index}`, ...rule })));

/** A flag that may require those before it. */
function flagAfter(index: number): fc.Arbitrary<Flag> {
  const one = fc.record({
    flag: fc.nat({ max: Math.max(0, index - 1) }).map((at) => `release_f${at}`),
    variants: fc.array(variant, { minLength: 1 }),
  });
  return fc
    .record({
      enabled: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
      off: variant,
      rules,
      default: serve,
      prerequisites: index === 0 ? fc.constant([]) : fc.uniqueArray(one, { maxLength: 2, selector: ({ flag }) => flag }),
      salt: fc.constantFrom('salt', 'other', 'é'),
      stale: fc.constantFrom(null, null, { afterMs: 1_000 }),
    })
    .map((parts) => aFlag({ ...parts, valueType: 'string', variants: { on: 'on', off: 'off', third: 'third' } }));
}

/** Four flags, valid, that use everything there is. */
export const flagSet: fc.Arbitrary<FlagSet> = fc
  .record({ flags: fc.tuple(flagAfter(0), flagAfter(1), flagAfter(2), flagAfter(3)), segments })
  .map(({ flags, segments }) => aSet(Object.fromEntries(flags.map((flag, index) => [`release_f${index}`, flag])), segments));

const value = fc.oneof(
  text,
  number,
  version,
  instant,
  fc.boolean(),
  fc.constantFrom(null, undefined, Number.NaN, Infinity, '', 7, new Date('2026-06-01T00:00:00Z')),
  fc.array(text, { maxLength: 3 }),
);

/** Contexts that have some of the attributes, of types that fit or do not. */
export const context: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    targetingKey: fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('é', '😀', '', undefined)),
    plan: value,
    age: value,
    user: fc.oneof(value, fc.record({ country: value })),
    'a.b': value,
    tags: value,
    version: value,
    when: value,
    beta: value,
  },
  { requiredKeys: [] },
);
