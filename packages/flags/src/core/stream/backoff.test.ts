import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const LARGEST = 1 - Number.EPSILON / 2;

it('waits up to a bound that doubles from a second, and never longer than ten', () => {
  expect([0, 1, 2, 3, 4, 5].map((failures) => backoffMs(failures, LARGEST))).toEqual([999, 1_999, 3_999, 7_999, 9_999, 9_999]);
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: LARGEST, noNaN: true }), (failures, random) => {
      const wait = backoffMs(failures, random);
      return Number.isInteger(wait) && wait >= 0 && wait < 10_000;
    }),
  );
});
