import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTick, atCheckpoint, judgementOf, startJudge, type Judge } from './judge.ts';
import { ERRORS, type SequentialPolicy } from './policy.ts';
import { addToRatioTest, mostOfOneSpan, ratioEvidence, startRatioTest, type Weighing } from './ratio-test.ts';
import type { Pair } from './counts.ts';

const policy: SequentialPolicy = { kind: 'sequential', alpha: 0.01, passAlpha: 0.05, metrics: [{ ...ERRORS, warmupMs: 0 }] };
const shape = { checkpoints: 1, periods: 360 };

function pair(canary: readonly [number, number], stable: readonly [number, number]): Pair {
  return { canary: { bad: canary[0], requests: canary[1] }, stable: { bad: stable[0], requests: stable[1] } };
}

function weighing(change: Partial<Weighing> = {}): Weighing {
  const none = Number.POSITIVE_INFINITY;
  return { dispersion: 1, tolerated: 1.5, most: { bad: none, change: none }, begun: 1, ...change };
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
    const test = addToRatioTest(startRatioTest(1.5), pair([canary, 1_000], [stable, 9_000]), weighing({ dispersion }));
    expect(Math.exp(ratioEvidence(test).bad) / expected).toBeCloseTo(1, 3);
  });

  it('says nothing of a span without bad requests, or with requests on one side only', () => {
    const start = startRatioTest(1.5);
    for (const one of [pair([0, 10], [0, 90]), pair([3, 10], [0, 0]), pair([0, 0], [3, 10])])
      expect(ratioEvidence(addToRatioTest(start, one, weighing({ begun: 0 }))).bad).toBe(0);
  });

  it('does not depend on how a span with one split of traffic is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(20)), { minLength: 1, maxLength: 20 }), (spans) => {
        const add = (test: ReturnType<typeof startRatioTest>, one: Pair): typeof test => addToRatioTest(test, one, weighing({ begun: 0 }));
        const cut = spans.map(([canary, stable]) => pair([canary, 100], [stable, 900])).reduce(add, startRatioTest(1.5));
        const total = spans.reduce(([c, b], [canary, stable]) => [c + canary, b + stable] as [number, number], [0, 0] as [number, number]);
        const whole = add(startRatioTest(1.5), pair([total[0], 100], [total[1], 900]));
        expect(ratioEvidence(cut).bad).toBeCloseTo(ratioEvidence(whole).bad, 6);
      }),
    );
  });

  it('is hardly more convinced by an outage of both than by the same time without', () => {
    const add = (test: ReturnType<typeof startRatioTest>, one: Pair): typeof test => addToRatioTest(test, one, weighing());
    const quiet = Array.from({ length: 60 }, () => pair([1, 100], [9, 900])).reduce(add, startRatioTest(1.5));
    const gain = (one: Pair): number =>
      ratioEvidence(Array.from({ length: 10 }, () => one).reduce(add, quiet)).good - ratioEvidence(quiet).good;
    expect(gain(pair([20, 100], [180, 900])) / gain(pair([1, 100], [9, 900]))).toBeLessThan(3);
    expect(gain(pair([90, 100], [810, 900]))).toBe(0);
  });

  it('is as sharp for a change after hours as for one at once', () => {
    const add = (test: ReturnType<typeof startRatioTest>, one: Pair): typeof test => addToRatioTest(test, one, weighing());
    const healthy = Array.from({ length: 2_000 }, () => pair([0, 100], [5, 900])).reduce(add, startRatioTest(1.5));
    const sick = Array.from({ length: 10 }, () => pair([2, 100], [5, 900]));
    const late = ratioEvidence(sick.reduce(add, healthy));
    const early = ratioEvidence(sick.reduce(add, startRatioTest(1.5)));
    expect(late.bad).toBeLessThan(0);
    expect(late.change).toBeGreaterThan(early.change - 0.1);
  });
});

it('one span alone never reaches a threshold, as many as are asked for do', () => {
  for (const [threshold, spans] of [
    [8, 2],
    [15, 2],
    [8, 5],
  ] as const) {
    const most = mostOfOneSpan(threshold, spans);
    const add = (test: ReturnType<typeof startRatioTest>): typeof test =>
      addToRatioTest(test, pair([500, 500], [0, 4_500]), weighing({ most: { bad: most, change: most } }));
    expect(ratioEvidence(add(startRatioTest(1.5))).bad).toBeLessThan(threshold);
    expect(
      ratioEvidence(Array.from({ length: spans }).reduce<ReturnType<typeof startRatioTest>>(add, startRatioTest(1.5))).bad,
    ).toBeGreaterThanOrEqual(threshold);
  }
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

  it('takes less for a reason to fail while the canary is cold, and forgets it when it is warm', () => {
    const cold = startJudge({ ...policy, metrics: [{ ...ERRORS, warmupMs: 60_000 }] }, shape);
    const threeTimes = Array.from({ length: 59 }, () => pair([9, 600], [27, 5_400]));
    const warming = judgementOf(after(cold, threeTimes));
    expect([warming.verdict, warming.metrics[0]?.rule]).toEqual(['unknown', 'cold']);
    expect(warming.because).toMatch(/not warm yet, which takes 1m/);
    expect(judgementOf(after(startJudge(policy, shape), threeTimes)).verdict).toBe('fail');
    const alike = Array.from({ length: 60 }, () => pair([0, 600], [0, 5_400]));
    expect(judgementOf(after(cold, [...threeTimes, ...alike])).verdict).toBe('pass');
    const broken = judgementOf(
      after(
        cold,
        Array.from({ length: 20 }, () => pair([60, 600], [27, 5_400])),
      ),
    );
    expect([broken.verdict, broken.because]).toEqual(['fail', expect.stringContaining('where 4 times while it is not warm is tolerated')]);
  });

  it('tolerates more where the stable instances differ among themselves', () => {
    const ticks = Array.from({ length: 60 }, () => pair([10, 600], [45, 5_400]));
    const unlike = startJudge(policy, shape, { errors: { dispersion: 1, luck: 1.6 } });
    expect(judgementOf(after(startJudge(policy, shape), ticks)).verdict).toBe('fail');
    expect(judgementOf(after(unlike, ticks)).verdict).toBe('unknown');
  });

  it('is not convinced by an outage of both, however complete', () => {
    const down = Array.from({ length: 60 }, () => pair([100, 100], [900, 900]));
    expect(judgementOf(after(startJudge(policy, shape), down)).verdict).toBe('unknown');
    const alone = Array.from({ length: 60 }, () => pair([100, 100], [0, 0]));
    expect(judgementOf(after(startJudge(policy, shape), alone)).metrics[0]?.rule).toBe('catastrophe');
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
