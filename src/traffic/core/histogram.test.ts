import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATENCY_BOUNDS_MS, type Latency, bucketOf, quantile } from './histogram.ts';

const samples = fc.array(fc.double({ min: 0, max: 120_000, noNaN: true }), { minLength: 1, maxLength: 300 });

function histogramOf(values: readonly number[]): Latency {
  const counts = LATENCY_BOUNDS_MS.map(() => 0);
  for (const value of values) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
  return { boundsMs: LATENCY_BOUNDS_MS, counts };
}

describe('latency histogram', () => {
  it('has increasing bounds from 1 ms to 60 s at most 28 % apart, with round times on an edge', () => {
    const bounds = LATENCY_BOUNDS_MS.slice(0, -1).map(Number);
    expect([bounds[0], bounds.at(-1), LATENCY_BOUNDS_MS.at(-1)]).toEqual([1, 60_000, null]);
    for (const [index, bound] of bounds.entries()) if (index > 0) expect(bound / Number(bounds[index - 1])).toBeLessThanOrEqual(1.28);
    for (const [index, bound] of bounds.entries()) if (index > 0) expect(bound).toBeGreaterThan(Number(bounds[index - 1]));
    expect(bounds).toEqual(expect.arrayContaining([100, 200, 250, 500, 1_000, 5_000]));
  });

  it('puts every latency into the one bucket whose bounds enclose it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const bucket = bucketOf(ms);
        expect(ms).toBeLessThanOrEqual(LATENCY_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY);
        if (bucket > 0) expect(ms).toBeGreaterThan(Number(LATENCY_BOUNDS_MS[bucket - 1]));
      }),
    );
  });

  it('gives a quantile range that contains the true nearest-rank quantile', () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const truth = Number(sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]);
        const range = quantile(histogramOf(values), q);
        expect(range).not.toBeNull();
        expect(truth).toBeGreaterThanOrEqual(range?.lowMs ?? Number.NaN);
        expect(truth).toBeLessThanOrEqual(range?.highMs ?? Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('never decreases as q grows', () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (values, a, b) => {
        const [low, high] = [quantile(histogramOf(values), Math.min(a, b)), quantile(histogramOf(values), Math.max(a, b))];
        expect(low?.lowMs).toBeLessThanOrEqual(high?.lowMs ?? Number.NaN);
      }),
    );
  });

  it('knows nothing without samples, and refuses what is no quantile or latency', () => {
    expect(quantile(histogramOf([]), 0.99)).toBeNull();
    expect(() => quantile(histogramOf([1]), 1.1)).toThrow('Not a quantile');
    expect(() => bucketOf(Number.NaN)).toThrow('Not a latency');
  });
});
