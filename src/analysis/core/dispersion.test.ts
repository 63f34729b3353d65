import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arm } from './counts.ts';
import { dispersionOf, scatterOf, type Scatter } from './dispersion.ts';
import { sampleBinomial, sampleGamma, sampleLognormal, seededRandom } from './sample.ts';

describe('dispersion of the stable version', () => {
  it('is 1 without errors, 1 where cells are as alike as chance has it, more where they come in bursts', () => {
    expect(dispersionOf([])).toBe(1);
    expect(dispersionOf([{ requests: 600, bad: 0 }])).toBe(1);
    expect(dispersionOf([3, 2, 4, 3].map((bad) => ({ requests: 600, bad })))).toBe(1);
    // Expected 3 each: (9 + 9 + 9 + 81) / 3 / 4.
    expect(dispersionOf([0, 0, 0, 12].map((bad) => ({ requests: 600, bad })))).toBe(9);
  });
});

/** Nine instances over half an hour; the median scatter of some such histories. */
function typical(factor: (random: () => number) => (minute: number) => number): Scatter {
  const random = seededRandom(11);
  const found = Array.from({ length: 21 }, () =>
    scatterOf(
      Array.from({ length: 9 }, () => {
        const own = factor(random);
        return Array.from({ length: 30 }, (_cell, minute): Arm => ({
          requests: 600,
          bad: sampleBinomial(600, Math.min(1, 0.01 * own(minute)), random),
        }));
      }),
    ),
  );
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[10] ?? Number.NaN;
  return { dispersion: median(found.map(({ dispersion }) => dispersion)), luck: median(found.map(({ luck }) => luck)) };
}

describe('scatter of the stable version', () => {
  it('is none without history or without errors', () => {
    expect(scatterOf([])).toEqual({ dispersion: 1, luck: 1 });
    expect(scatterOf([[], []])).toEqual({ dispersion: 1, luck: 1 });
    expect(scatterOf([[{ requests: 9, bad: 0 }], [{ requests: 9, bad: 0 }]])).toEqual({ dispersion: 1, luck: 1 });
  });

  it('is about none where only chance is at work', () => {
    const { dispersion, luck } = typical(() => () => 1);
    expect(dispersion).toBeLessThan(1.2);
    expect(luck).toBeLessThan(1.1);
  });

  it('is as large where instances come and go as where all stay, and one that is new changes nothing', () => {
    const random = seededRandom(5);
    const bursty = (from: number): readonly Arm[] =>
      Array.from({ length: 30 }, (_cell, minute) => {
        const bad = sampleBinomial(600, 0.01 * sampleGamma(0.2, random), random);
        return minute < from ? { requests: 0, bad: 0 } : { requests: 600, bad };
      });
    const stayed = Array.from({ length: 12 }, () => bursty(0));
    const came = Array.from({ length: 24 }, (_row, index) => bursty(index < 6 ? 0 : 20));
    const [whole, holes] = [scatterOf(stayed).dispersion, scatterOf(came).dispersion];
    expect(holes / whole).toBeGreaterThan(0.6);
    expect(holes / whole).toBeLessThan(1.6);
    expect(scatterOf([...stayed, bursty(30)])).toEqual(scatterOf(stayed));
  });

  it('does not count what all instances suffer together', () => {
    const { dispersion, luck } = typical(() => (minute) => (minute < 5 ? 20 : 1));
    expect(dispersion).toBeLessThan(1.2);
    expect(luck).toBeLessThan(1.1);
  });

  it('sees short bursts and long ones as dispersion: the longer, the more', () => {
    const bursts = (minutes: number): number =>
      typical((random) => {
        const factors = Array.from({ length: 30 }, () => sampleGamma(1, random));
        return (minute) => factors[Math.floor(minute / minutes)] ?? 1;
      }).dispersion;
    // 1 + 6 minutes CV^2 in theory.
    expect(bursts(1)).toBeGreaterThan(4);
    expect(bursts(5)).toBeGreaterThan(2 * bursts(1));
  });

  it('sees instances that differ for good as luck, not as dispersion', () => {
    const { dispersion, luck } = typical((random) => {
      const factor = sampleLognormal(1, 0.3, random);
      return () => factor;
    });
    expect(dispersion).toBeLessThan(1.3);
    expect(luck).toBeGreaterThan(1.5);
    expect(luck).toBeLessThan(2.8);
  });

  it('never claims less than chance, whatever the history', () => {
    const cell = fc.nat(50).chain((requests) => fc.nat(requests).map((bad) => ({ requests, bad })));
    fc.assert(
      fc.property(fc.array(fc.array(cell, { maxLength: 12 }), { maxLength: 5 }), (history) => {
        const { dispersion, luck } = scatterOf(history);
        expect(dispersion).toBeGreaterThanOrEqual(1);
        expect(luck).toBeGreaterThanOrEqual(1);
        expect(Number.isFinite(dispersion * luck)).toBe(true);
      }),
    );
  });
});
