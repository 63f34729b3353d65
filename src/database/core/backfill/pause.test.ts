import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pauseAfter } from './pause.ts';

const worked = fc.double({ min: 0, max: 10_000, noNaN: true });
const nice = fc.double({ min: 0, max: 100, noNaN: true });
const busy = fc.double({ min: 0, max: 500, noNaN: true });

describe('pauseAfter', () => {
  it('is as long as the batch where nobody else is at work', () => {
    expect(pauseAfter(12, 1, 0)).toBe(12);
  });

  it('leaves each session at work as much of the time as the backfill takes', () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: 10_000, noNaN: true }), busy, (took, others) => {
        expect(took / (took + pauseAfter(took, 1, others))).toBeCloseTo(1 / (2 + others), 9);
      }),
    );
  });

  it('never shrinks as others come', () => {
    fc.assert(
      fc.property(worked, nice, busy, busy, (took, factor, one, more) => {
        expect(pauseAfter(took, factor, one + more)).toBeGreaterThanOrEqual(pauseAfter(took, factor, one));
      }),
    );
  });

  it('lets the process breathe even where nice is 0', () => {
    expect(pauseAfter(500, 0, 3)).toBe(1);
  });
});
