import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, explain, validate, type Comparison, type Condition, type Context } from '../src/index.ts';
import { comparisonOfValues, condition, context, flagSet } from './arbitraries.ts';
import { aFlag, aSet, flagFor, share } from './support.ts';

const SILENT = fc.constantFrom(0, 5_000);

function holds(when: Condition, given: Context): boolean {
  return compile(aSet({ release_it: flagFor(when) })).boolean('release_it', given, false);
}

describe('compiled flags', () => {
  it('serve what reading the definition step by step serves, and are those that validation lets pass', () => {
    fc.assert(
      fc.property(flagSet, fc.array(context, { minLength: 1, maxLength: 5 }), SILENT, (set, contexts, silentForMs) => {
        expect(validate(set)).toEqual([]);
        const flags = compile(set, { silentForMs });
        expect(flags.problems).toEqual([]);
        for (const given of contexts) {
          for (const key of flags.keys) {
            const { evaluation, steps } = explain(set, key, given, { silentForMs });
            expect(flags.evaluate(key, given)).toEqual(evaluation);
            expect(flags.string(key, given, 'mine')).toBe(evaluation.value);
            expect(flags.flag(key).string(given, 'mine')).toBe(evaluation.value);
            expect(steps).not.toHaveLength(0);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are the same after a way through JSON', () => {
    fc.assert(
      fc.property(flagSet, context, (set, given) => {
        const [one, other] = [compile(set), compile(JSON.parse(JSON.stringify(set)) as typeof set)];
        expect(other.evaluateAll(given)).toEqual(one.evaluateAll(given));
      }),
      { numRuns: 100 },
    );
  });
});

it('decisions are what is evaluated, and the same object for the same', () => {
  fc.assert(
    fc.property(flagSet, context, (set, given) => {
      const flags = compile(set);
      const decisions = flags.decisions(given);
      const evaluations = flags.evaluateAll(given).map(({ key: _key, errorCode: _code, errorMessage: _message, ...rest }) => rest);
      expect(decisions).toEqual(evaluations);
      expect(flags.decisions(given).every((decision, at) => decision === decisions[at])).toBe(true);
    }),
    { numRuns: 100 },
  );
});

describe('a condition', () => {
  it('obeys De Morgan', () => {
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 3 }), context, (parts, given) => {
        const opposites = parts.map((part) => ({ not: part }));
        expect(holds({ not: { all: parts } }, given)).toBe(holds({ any: opposites }, given));
        expect(holds({ not: { any: parts } }, given)).toBe(holds({ all: opposites }, given));
        expect(holds({ not: { not: { all: parts } } }, given)).toBe(holds({ all: parts }, given));
      }),
      { numRuns: 300 },
    );
  });

  it('never holds together with its opposite', () => {
    fc.assert(fc.property(condition, context, (some, given) => !(holds(some, given) && holds({ not: some }, given))));
  });

  it('of an attribute that is missing, null or NaN does not hold, and neither does its opposite', () => {
    const absent = fc.constantFrom({}, ...[null, undefined, Number.NaN].map(everywhere));
    fc.assert(
      fc.property(comparisonOfValues, absent, (some: Comparison, given) => {
        expect([holds(some, given), holds({ not: some }, given)]).toEqual([false, false]);
      }),
    );
  });
});

it.each(['eq', 'ne', 'in', 'notIn', 'lt', 'lte', 'gt', 'gte'] as const)('%s holds of no NaN, nor does its opposite', (operator) => {
  const some = (
    operator === 'in' || operator === 'notIn' ? { attribute: 'age', operator, values: [5] } : { attribute: 'age', operator, value: 5 }
  ) as Comparison;
  expect([holds(some, { age: Number.NaN }), holds({ not: some }, { age: Number.NaN })]).toEqual([false, false]);
});

/** A context that has this value wherever the arbitrary conditions look. */
function everywhere(value: unknown): Context {
  const names = ['plan', 'age', 'a.b', 'tags', 'version', 'when', 'beta'];
  return { ...Object.fromEntries(names.map((name) => [name, value])), user: { country: value } };
}

describe('a rollout', () => {
  const rollout = (weight: number, salt: string) => compile(aSet({ release_it: aFlag({ default: share(weight), salt }) }));
  const users = Array.from({ length: 200 }, (_, index) => ({ targetingKey: `user-${index}` }));
  const weight = fc.integer({ min: 0, max: 100_000 });

  it('that is raised only adds users', () => {
    fc.assert(
      fc.property(weight, weight, fc.string({ minLength: 1 }), (one, other, salt) => {
        const [lower, higher] = [rollout(Math.min(one, other), salt), rollout(Math.max(one, other), salt)];
        return users.every((user) => !lower.boolean('release_it', user, false) || higher.boolean('release_it', user, false));
      }),
      { numRuns: 50 },
    );
  });

  it('is the same as a percentage in a rule', () => {
    fc.assert(
      fc.property(weight, (some) => {
        const byRule = compile(aSet({ release_it: flagFor({ percentage: some }) }));
        return users.every(
          (user) => byRule.boolean('release_it', user, false) === rollout(some, 'salt').boolean('release_it', user, false),
        );
      }),
      { numRuns: 30 },
    );
  });

  it.each([[1], [1_000], [12_345], [50_000], [99_999]])('of %d thousandths of a percent gets about as many', (some) => {
    const { boolean } = rollout(some, 'a salt');
    const count = 400_000;
    let served = 0;
    for (let user = 0; user < count; user++) if (boolean('release_it', { targetingKey: `user-${user}` }, false)) served++;
    const expected = (count * some) / 100_000;
    // Five standard deviations of a binomial; the keys are always the same, so this passes always or never.
    expect(Math.abs(served - expected)).toBeLessThan(5 * Math.sqrt((expected * (100_000 - some)) / 100_000) + 1);
  });

  it('is dealt independently of another with another salt, and alike with the same', () => {
    const count = 20_000;
    const [one, same, other] = [rollout(50_000, 'a'), rollout(50_000, 'a'), rollout(50_000, 'b')];
    let [alike, both] = [0, 0];
    for (let user = 0; user < count; user++) {
      const given = { targetingKey: `user-${user}` };
      const served = one.boolean('release_it', given, false);
      if (served === same.boolean('release_it', given, false)) alike++;
      if (served && other.boolean('release_it', given, false)) both++;
    }
    expect(alike).toBe(count);
    expect(Math.abs(both - count / 4)).toBeLessThan(5 * Math.sqrt((count * 3) / 16));
  });

  it('lets nobody in at nothing, and everybody at all', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (targetingKey, salt) => {
        expect([rollout(0, salt), rollout(100_000, salt)].map((flags) => flags.boolean('release_it', { targetingKey }, false))).toEqual([
          false,
          true,
        ]);
      }),
    );
  });
});
