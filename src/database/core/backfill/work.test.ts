import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_COSTS, servedOf, withBatch, workedOf, type Costs } from './work.ts';

const rows = fc.integer({ min: 1, max: 20_000 });
const took = fc.double({ min: 0.01, max: 10_000, noNaN: true });
const batches = fc.array(fc.record({ rows, took }), { maxLength: 60 });

const after = (all: readonly { readonly rows: number; readonly took: number }[]): Costs =>
  all.reduce((costs, one) => withBatch(costs, one.rows, one.took), NO_COSTS);

describe('what went by for the rows of a batch', () => {
  it('is what its time has beyond what it takes for no row, and always something', () => {
    expect(servedOf(12, 10)).toBe(2);
    fc.assert(
      fc.property(took, fc.double({ min: 0, max: 10_000, noNaN: true }), (tookMs, fixedMs) => {
        const served = servedOf(tookMs, fixedMs);
        expect(served).toBeGreaterThan(0);
        expect(served).toBeLessThanOrEqual(tookMs);
      }),
    );
  });
});

describe('what a batch worked', () => {
  it('is all of its time where every row costs the same', () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 40 }), fc.double({ min: 0.001, max: 1, noNaN: true }), (sizes, perRow) => {
        const costs = after(sizes.map((size) => ({ rows: size, took: size * perRow })));
        const last = sizes.at(-1) ?? 1;
        expect(workedOf(costs, last, last * perRow, 0)).toBeCloseTo(last * perRow, 6);
      }),
    );
  });

  it('is never more than its time, nor less than half of it', () => {
    fc.assert(
      fc.property(batches, rows, took, (before, size, tookMs) => {
        const worked = workedOf(withBatch(after(before), size, tookMs), size, tookMs, 0);
        expect(worked).toBeLessThanOrEqual(tookMs);
        expect(worked).toBeGreaterThanOrEqual(tookMs / 2);
      }),
    );
  });

  it('is what its rows usually cost where it waited for a core in between', () => {
    const calm = after(Array.from({ length: 16 }, () => ({ rows: 200, took: 4 })));
    expect(workedOf(withBatch(calm, 200, 7), 200, 7, 0)).toBeCloseTo(4, 9);
    expect(workedOf(withBatch(calm, 400, 15), 400, 15, 0)).toBeCloseTo(8, 9);
    expect(workedOf(withBatch(calm, 200, 20), 200, 20, 0)).toBe(10);
  });

  it('is for its rows the share they have of it undisturbed, where what it takes for none waited as well', () => {
    const calm = after(Array.from({ length: 16 }, () => ({ rows: 100, took: 10 })));
    const slow = withBatch(calm, 100, 50);
    expect(workedOf(slow, 100, 60, 10)).toBeCloseTo(15, 9);
    expect(workedOf(withBatch(calm, 100, 10), 100, 20, 10)).toBeCloseTo(10, 9);
    // A far server's answers, of which a few come late.
    const far = after(Array.from({ length: 16 }, () => ({ rows: 100, took: 1 })));
    expect(workedOf(withBatch(far, 100, 20), 100, 140, 120)).toBeCloseTo(1, 9);
  });

  it('is not told by the luckiest batch', () => {
    const usual = after(Array.from({ length: 31 }, () => ({ rows: 100, took: 5 })));
    const lucky = withBatch(usual, 100, 0.5);
    expect(workedOf(lucky, 100, 5, 0)).toBe(5);
  });

  it('follows rows that become dearer', () => {
    const cheap = after(Array.from({ length: 60 }, () => ({ rows: 100, took: 1 })));
    const dear = Array.from({ length: 32 }, () => ({ rows: 100, took: 6 })).reduce(
      (costs, one) => withBatch(costs, one.rows, one.took),
      cheap,
    );
    expect(workedOf(dear, 100, 6, 0)).toBe(6);
  });
});
