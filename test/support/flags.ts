import fc from 'fast-check';
import type { Flag, Condition, Serve, FlagSet, Segment } from '../../src/flags/index.ts';

/** Flags, segments and sets of them, valid as the format says. */

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const attribute = fc.constantFrom('plan', 'country', 'age', 'version', 'user.email', 'tags');
const text = fc.oneof(
  word,
  fc.constantFrom('pro', 'AT', '2.0.0', 'on', 'no', '1e3', ' spaced ', 'Łódź', '# not a comment', '"', "it's", '0x10', '~'),
);
const scalar = fc.oneof(
  text,
  fc.integer({ min: -1000, max: 1000 }),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((n) => n + 0),
);
const version = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map((parts) => parts.join('.'));
const moment = fc
  .date({ min: new Date('2020-01-01T00:00:00Z'), max: new Date('2035-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const day = moment.map((iso) => `${iso.slice(0, 10)}T00:00:00.000Z`);
const dealt = fc.record({ by: attribute, salt: word }, { requiredKeys: [] });

const comparison: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ attribute, operator: fc.constantFrom('exists' as const, 'missing' as const) }),
  fc.record({ attribute, operator: fc.constantFrom('eq' as const, 'ne' as const), value: scalar }),
  fc.record({
    attribute,
    operator: fc.constantFrom('in' as const, 'notIn' as const),
    values: fc.array(scalar, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ attribute, operator: fc.constantFrom('contains' as const, 'notContains' as const), value: text }),
  fc.record(
    {
      attribute,
      operator: fc.constantFrom('startsWith' as const, 'endsWith' as const),
      values: fc.array(text, { minLength: 1, maxLength: 3 }),
      ignoreCase: fc.boolean(),
    },
    { requiredKeys: ['attribute', 'operator', 'values'] },
  ),
  fc.record({ attribute, operator: fc.constant('matches' as const), value: fc.constantFrom('^a+$', '[0-9]+', 'x|y') }),
  fc.record({ attribute, operator: fc.constantFrom('lt' as const, 'lte' as const, 'gt' as const, 'gte' as const), value: fc.integer() }),
  fc.record({
    attribute,
    operator: fc.constantFrom('semverEq' as const, 'semverLt' as const, 'semverLte' as const, 'semverGt' as const, 'semverGte' as const),
    value: version,
  }),
  fc.record({ attribute, operator: fc.constantFrom('before' as const, 'after' as const), value: moment }),
);

/** Conditions of at most three levels; segments are taken from `segments`. */
function conditions(segments: readonly string[]): fc.Arbitrary<Condition> {
  const leaf = fc.oneof(
    { arbitrary: comparison, weight: 5 },
    { arbitrary: fc.tuple(fc.integer({ min: 0, max: 100_000 }), dealt).map(([percentage, by]) => ({ percentage, ...by })), weight: 1 },
    ...(segments.length === 0 ? [] : [{ arbitrary: fc.constantFrom(...segments).map((segment) => ({ segment })), weight: 1 }]),
  );
  const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 2 },
      leaf,
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
      tie('tree').map((not) => ({ not })),
    ),
  }));
  return tree;
}

function serves(variants: readonly string[]): fc.Arbitrary<Serve> {
  const split = fc
    .tuple(fc.shuffledSubarray([...variants], { minLength: 1 }), fc.infiniteStream(fc.nat(50_000)), dealt)
    .map(([chosen, parts, by]) => {
      let left = 100_000;
      const weights = chosen.map((variant, index) => {
        const weight = index === chosen.length - 1 ? left : Math.min(left, parts.next().value as number);
        left -= weight;
        return { variant, weight };
      });
      return { weights, ...by };
    });
  return fc.oneof(
    fc.constantFrom(...variants).map((variant) => ({ variant })),
    split,
  );
}

const VALUES = {
  boolean: fc.boolean(),
  string: text,
  number: fc.integer(),
  json: fc.oneof(fc.constant(null), fc.dictionary(word, scalar, { maxKeys: 3 }), fc.array(scalar, { maxLength: 3 })),
};

interface Around {
  readonly segments?: readonly string[];
  /** Flags that may be required, with a variant of each. */
  readonly others?: readonly (readonly [flag: string, variant: string])[];
}

/** One valid flag. */
function flags(key: string, { segments = [], others = [] }: Around = {}): fc.Arbitrary<Flag> {
  const named = fc.uniqueArray(fc.oneof(word, fc.constantFrom('on', 'off', '1', '20')), { minLength: 1, maxLength: 4 });
  return fc
    .tuple(named, fc.constantFrom('boolean' as const, 'string' as const, 'number' as const, 'json' as const))
    .chain(([names, valueType]) =>
      fc.record({
        type: fc.constantFrom('release' as const, 'ops' as const, 'experiment' as const, 'permission' as const),
        valueType: fc.constant(valueType),
        variants: fc
          .tuple(...names.map(() => VALUES[valueType]))
          .map((values) => Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))),
        enabled: fc.boolean(),
        off: fc.constantFrom(...names),
        rules: fc
          .array(fc.record({ when: conditions(segments), serve: serves(names) }), { maxLength: 3 })
          .map((rules) => rules.map((rule, index) => ({ name: `r${index}`, ...rule }))),
        default: serves(names),
        prerequisites: fc.subarray([...others]).map((chosen) => chosen.map(([flag, variant]) => ({ flag, variants: [variant] }))),
        salt: fc.oneof(fc.constant(key), word),
        hash: fc.constant(1 as const),
        stale: fc.option(fc.integer({ min: 1, max: 86_400_000 }).map((afterMs) => ({ afterMs }))),
        about: fc.record({
          name: fc.oneof(fc.constant(''), text),
          description: fc.oneof(fc.constant(''), text, fc.constant('two\nlines: of # text\n')),
          owner: fc.constantFrom('team-a', 'anna@example.com'),
          tags: fc.uniqueArray(word, { maxLength: 2 }),
          createdAt: moment,
          expiresAt: fc.oneof(day, moment),
        }),
      }),
    );
}

/** A set of up to five flags that use each other and a segment. */
export function flagSets(environment = 'prd'): fc.Arbitrary<FlagSet> {
  return fc
    .record({
      keys: fc.uniqueArray(
        word.map((name) => `release_${name}`),
        { maxLength: 5 },
      ),
      when: conditions([]),
    })
    .chain(({ keys, when }) => {
      const segment: Segment = { description: 'some', when };
      return fc.tuple(...keys.map((key) => flags(key, { segments: ['some'] }))).map((made) => ({
        format: 1 as const,
        environment,
        seq: 0,
        flags: Object.fromEntries(keys.map((key, index) => [key, made[index] as Flag])),
        segments: { some: segment },
      }));
    });
}
