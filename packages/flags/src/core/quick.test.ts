import fc from 'fast-check';
import { expect, it } from 'vitest';
import { comparisonOfValues, context } from '../../test/arbitraries.ts';
import { compileComparison, NO, YES } from './comparison.ts';
import type { Comparison } from './definition.ts';
import { quickTest } from './quick.ts';

/** Does it hold, as the comparison is defined? */
function isDefined(comparison: Comparison, value: unknown): boolean {
  const { check, opposite } = compileComparison(comparison);
  return check(value) === (opposite ? NO : YES);
}

it('a quick test says what the comparison says', () => {
  let quick = 0;
  fc.assert(
    fc.property(comparisonOfValues, context, (comparison, given) => {
      const test = quickTest(comparison, 'plan');
      if (test === null) return;
      quick += 1;
      expect(test(given)).toBe(isDefined(comparison, given['plan']));
    }),
    { numRuns: 2_000 },
  );
  expect(quick).toBeGreaterThan(200);
});

const QUICK: readonly Comparison[] = [
  { attribute: 'x', operator: 'eq', value: 'a' },
  { attribute: 'x', operator: 'in', values: ['b', 'a'] },
  { attribute: 'x', operator: 'startsWith', values: ['a'] },
  { attribute: 'x', operator: 'endsWith', values: ['a'] },
  { attribute: 'x', operator: 'gt', value: 1 },
  { attribute: 'x', operator: 'lt', value: 9 },
  { attribute: 'x', operator: 'semverGt', value: '1.0.0' },
  { attribute: 'x', operator: 'semverGte', value: '2.0.0' },
];

it.each(QUICK.map((comparison) => [comparison.operator, comparison] as const))(
  '%s asks for an attribute of its own',
  (operator, comparison) => {
    const value = operator === 'gt' || operator === 'lt' ? 2 : operator.startsWith('semver') ? '2.0.0' : 'a';
    const test = quickTest(comparison, 'x');
    expect(test?.({ x: value })).toBe(true);
    expect(test?.(Object.create({ x: value }) as Record<string, unknown>)).toBe(false);
  },
);

it('a list that changes afterwards changes nothing', () => {
  const values = ['a'];
  const test = quickTest({ attribute: 'x', operator: 'in', values }, 'x');
  values[0] = 'b';
  expect([test?.({ x: 'a' }), test?.({ x: 'b' })]).toEqual([true, false]);
});
