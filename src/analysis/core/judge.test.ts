import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTick, atCheckpoint, judgementOf, startJudge, type Judge } from './judge.ts';
import { ERRORS, type SequentialPolicy } from './policy.ts';
import { addToRatioTest, ratioEvidence, startRatioTest } from './ratio-test.ts';
import { dispersionOf } from './dispersion.ts';
import type { Pair } from './counts.ts';

const policy: SequentialPolicy = { kind: 'sequential', alpha: 0.01, passAlpha: 0.05, metrics: [ERRORS] };
const shape = { checkpoints: 1, periods: 360 };

function pair(canary: readonly [number, number], stable: readonly [number, number]): Pair {
  return { canary: { bad: canary[0], requests: canary[1] }, stable: { bad: stable[0], requests: stable[1] } };
}

function after(judge: Judge, pairs: readonly (Pair | null)[]): Judge {
  return pairs.reduce((state, one, index) => addTick(state, { at: (index + 1) * 1_000, metrics: { errors: one } }), judge);
}

describe('ratio test', () => {
  // Computed once, independently, with the formulas of the sequential test at w = 0.1 and margin 1.5.
  it.each([
    [3, 0, 1, 94.31],
    [5, 0, 1, 2886.54],
    [30, 90, 1, 14.8754],
    [10, 90, 1, 0.0390236],
    [5, 0, 2, 41.1439],
  ])('%d bad canary and %d bad stable requests, dispersion %d: e-value %d', (canary, stable, dispersion, expected) => {
    const test = addToRatioTest(startRatioTest(1.5), pair([canary, 1_000], [stable, 9_000]), { dispersion, begun: 1 });
    expect(Math.exp(ratioEvidence(test).bad) / expected).toBeCloseTo(1, 3);
  });

  it('says nothing of a span without bad requests, or with requests on one side only', () => {
    const start = startRatioTest(1.5);
    for (const one of [pair([0, 10], [0, 90]), pair([3, 10], [0, 0]), pair([0, 0], [3, 10])])
      expect(ratioEvidence(addToRatioTest(start, one, { dispersion: 1, begun: 0 })).bad).toBe(0);
  });

  it('does not depend on how a span with one split of traffic is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(20)), { minLength: 1, maxLength: 20 }), (spans) => {
        const add = (test: ReturnType<typeof startRatioTest>, one: Pair): typeof test =>
          addToRatioTest(test, one, { dispersion: 1, begun: 0 });
        const cut = spans.map(([canary, stable]) => pair([canary, 100], [stable, 900])).reduce(add, startRatioTest(1.5));
        const total = spans.reduce(([c, b], [canary, stable]) => [c + canary, b + stable] as [number, number], [0, 0] as [number, number]);
        const whole = add(startRatioTest(1.5), pair([total[0], 100], [total[1], 900]));
        expect(ratioEvidence(cut).bad).toBeCloseTo(ratioEvidence(whole).bad, 6);
      }),
    );
  });

  it('is as sharp for a change after hours as for one at once', () => {
    const add = (test: ReturnType<typeof startRatioTest>, one: Pair): typeof test => addToRatioTest(test, one, { dispersion: 1, begun: 1 });
    const healthy = Array.from({ length: 2_000 }, () => pair([0, 100], [5, 900])).reduce(add, startRatioTest(1.5));
    const sick = Array.from({ length: 10 }, () => pair([2, 100], [5, 900]));
    const late = ratioEvidence(sick.reduce(add, healthy));
    const early = ratioEvidence(sick.reduce(add, startRatioTest(1.5)));
    expect(late.bad).toBeLessThan(0);
    expect(late.change).toBeGreaterThan(early.change - 0.1);
  });
});

describe('dispersion of the stable version', () => {
  it('is 1 without errors, 1 where cells are as alike as chance has it, more where they come in bursts', () => {
    expect(dispersionOf([])).toBe(1);
    expect(dispersionOf([{ requests: 600, bad: 0 }])).toBe(1);
    expect(dispersionOf([3, 2, 4, 3].map((bad) => ({ requests: 600, bad })))).toBe(1);
    // Expected 3 each: (9 + 9 + 9 + 81) / 3 / 4.
    expect(dispersionOf([0, 0, 0, 12].map((bad) => ({ requests: 600, bad })))).toBe(9);
  });
});

describe('judge', () => {
  it('fails a canary that fails often, and says so with the numbers', () => {
    const judged = judgementOf(
      after(
        startJudge(policy, shape),
        Array.from({ length: 6 }, () => pair([1, 10], [1, 190])),
      ),
    );
    expect(judged.verdict).toBe('fail');
    expect(judged.metrics[0]?.rule).toBe('checkpoint');
    expect(judged.because).toMatch(
      /^errors: 10 % of the canary's requests were bad \(6 of 60\), 0\.53 % of the stable ones \(6 of 1140\): at least \d+\.\d times as many/,
    );
  });

  it('does not believe a single burst, however large', () => {
    const judged = judgementOf(after(startJudge(policy, shape), [pair([10, 10], [0, 190])]));
    expect(judged.verdict).toBe('unknown');
  });

  it('passes by comparison, or because hardly anything is bad, and only then', () => {
    const alike = judgementOf(
      after(
        startJudge(policy, shape),
        Array.from({ length: 400 }, () => pair([1, 100], [9, 900])),
      ),
    );
    expect([alike.verdict, alike.metrics[0]?.rule]).toEqual(['pass', 'good']);
    const clean = judgementOf(
      after(
        startJudge(policy, shape),
        Array.from({ length: 60 }, () => pair([0, 100], [0, 900])),
      ),
    );
    expect([clean.verdict, clean.metrics[0]?.rule]).toEqual(['pass', 'clean']);
  });

  it('says how much is missing, and a canary without requests is never good', () => {
    const few = judgementOf(
      after(
        startJudge(policy, shape),
        Array.from({ length: 10 }, () => pair([0, 10], [0, 90])),
      ),
    );
    expect(few.verdict).toBe('unknown');
    expect(few.because).toMatch(/not enough to tell; about \d+ more canary requests are needed, about 7m at this rate/);
    const none = judgementOf(
      after(
        startJudge(policy, shape),
        Array.from({ length: 1_000 }, () => pair([0, 0], [0, 90])),
      ),
    );
    expect(none.verdict).toBe('unknown');
    expect(none.because).toContain('the canary has had no requests');
  });

  it('is unknown while a source is silent, whatever was proven before', () => {
    const good = after(
      startJudge(policy, shape),
      Array.from({ length: 60 }, () => pair([0, 100], [0, 900])),
    );
    expect(judgementOf(addTick(good, { at: 100_000, metrics: { errors: null } })).verdict).toBe('unknown');
    expect(judgementOf(addTick(good, { at: 100_000, metrics: {} })).verdict).toBe('unknown');
  });

  it('begins anew at a checkpoint', () => {
    const good = after(
      startJudge(policy, shape),
      Array.from({ length: 60 }, () => pair([0, 100], [0, 900])),
    );
    expect(judgementOf(atCheckpoint(good, 100_000)).verdict).toBe('unknown');
  });

  it('never fails for what both versions suffer alike', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 50 }), (percents) => {
        const ticks = percents.map((percent) => pair([percent, 100], [percent * 9, 900]));
        expect(judgementOf(after(startJudge(policy, shape), ticks)).metrics[0]?.rule).not.toBe('checkpoint');
      }),
    );
  });
});
