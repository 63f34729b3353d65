import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  classify,
  judgeKayenta,
  KAYENTA_DEFAULTS,
  KAYENTA_METRIC_DEFAULTS,
  addToSpans,
  seriesOf,
  type Spans,
  type KayentaMetric,
  type KayentaPolicy,
} from './kayenta.ts';
import { commonLanguage, normalQuantile, shiftOf } from './mann-whitney.ts';

describe('Mann-Whitney shift', () => {
  // Computed once with scipy's ranks and root finder, with R's formulas.
  const first = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const second = [1.15, 0.88, 0.9, 0.74, 1.21];
  const tied = [10, 12, 11, 13, 15, 14, 18, 12, 11, 16, 13, 12];
  const other = [9, 10, 11, 10, 12, 9, 8, 11, 10, 13, 12, 10];

  it.each([
    [first, second, 0.98, -0.32, 0.99, 0.302508],
    [first, second, 0.95, -0.15, 0.76, 0.302508],
    [tied, other, 0.98, 1, 5, 2],
  ])('interval and estimate, case %#', (canary, stable, confidence, low, high, estimate) => {
    const shift = shiftOf(canary, stable, confidence);
    expect(shift?.low).toBeCloseTo(low, 3);
    expect(shift?.high).toBeCloseTo(high, 3);
    expect(shift?.estimate).toBeCloseTo(estimate, 2);
  });

  it('effect size and quantile', () => {
    expect(commonLanguage(first, second)).toBeCloseTo(0.7, 12);
    expect(commonLanguage(tied, other)).toBeCloseTo(0.847222, 6);
    expect([0.99, 0.5, 0.975, 0.001].map(normalQuantile)).toEqual(
      [2.32634787, 0, 1.95996398, -3.09023231].map((z): unknown => expect.closeTo(z, 7)),
    );
  });

  it('of nothing, and of values that are all equal, is none', () => {
    expect([shiftOf([], [1], 0.98), shiftOf([1], [], 0.98), shiftOf([1, 1], [1], 0.98)]).toEqual([null, null, null]);
  });

  it('is mirrored when the series change places', () => {
    const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 3, maxLength: 15 });
    fc.assert(
      fc.property(values, values, (one, two) => {
        const [there, back] = [shiftOf(one, two, 0.98), shiftOf(two, one, 0.98)];
        if (there === null || back === null) return expect(there).toBe(back);
        expect(there.low).toBeCloseTo(-back.high, 2);
        expect(there.low).toBeLessThanOrEqual(there.high);
      }),
    );
  });
});

const metric: KayentaMetric = { ...KAYENTA_METRIC_DEFAULTS, name: 'errors' };
const ramp = Array.from({ length: 60 }, (_value, index) => 10 + (index % 7));
const plus = (by: number): readonly number[] => ramp.map((value) => value + by);

function policy(metrics: readonly KayentaMetric[], change: Partial<KayentaPolicy> = {}): KayentaPolicy {
  return { ...KAYENTA_DEFAULTS, metrics, ...change };
}

describe('classification of one metric', () => {
  it('is High or Low beyond the band, in the direction that matters', () => {
    expect(classify(metric, { canary: plus(8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('High');
    expect(classify(metric, { canary: plus(-8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Pass');
    expect(classify({ ...metric, direction: 'decrease' }, { canary: plus(-8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Low');
    expect(classify({ ...metric, direction: 'either' }, { canary: plus(-8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Low');
    expect(classify(metric, { canary: ramp.toReversed(), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Pass');
  });

  it('asks for an effect where one is allowed, by means or by pairs', () => {
    expect(classify({ ...metric, allowedIncrease: 2 }, { canary: plus(8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Pass');
    expect(classify({ ...metric, effectSize: 'cles', allowedIncrease: 0.8 }, { canary: plus(8), stable: ramp }, KAYENTA_DEFAULTS)).toBe(
      'High',
    );
  });

  it('passes identical data, and data that are all equal', () => {
    expect(classify(metric, { canary: ramp, stable: ramp }, KAYENTA_DEFAULTS)).toBe('Pass');
    const zeros = ramp.map(() => 0);
    expect(classify(metric, { canary: zeros.slice(5), stable: zeros }, KAYENTA_DEFAULTS)).toBe('Pass');
  });

  it('does not pass errors in every second span against none, nor few points, nor what is no number', () => {
    const half = ramp.map((_value, index) => (index % 2 === 0 ? 0.4 : 0));
    expect(classify(metric, { canary: half, stable: ramp.map(() => 0) }, KAYENTA_DEFAULTS)).toBe('NodataFailMetric');
    expect(classify({ ...metric, mustHaveData: false }, { canary: plus(8).slice(0, 8), stable: ramp }, KAYENTA_DEFAULTS)).toBe('Nodata');
    expect(classify(metric, { canary: [...plus(8), Number.NaN], stable: ramp }, KAYENTA_DEFAULTS)).toBe('NodataFailMetric');
  });
});

describe('judgement on all metrics', () => {
  const other: KayentaMetric = { ...metric, name: 'other' };
  const third: KayentaMetric = { ...metric, name: 'third', groups: ['second'] };
  const bad = { canary: plus(8), stable: ramp };
  const good = { canary: ramp, stable: ramp };

  it('scores groups to two places and holds the sum against pass and marginal', () => {
    const judged = judgeKayenta(policy([metric, other, { ...metric, name: 'more' }]), { errors: bad, other: good, more: good });
    expect(judged).toMatchObject({ verdict: 'fail', score: 66.67, groups: { all: 66.67 } });
    const weights = { groupWeights: { second: 80 }, pass: 95, marginal: 75 };
    expect(judgeKayenta(policy([metric, third], weights), { errors: bad, third: good })).toMatchObject({ verdict: 'unknown', score: 80 });
    expect(judgeKayenta(policy([metric, third]), { errors: good, third: good })).toMatchObject({ verdict: 'pass', score: 100 });
    expect(judgeKayenta(policy([metric, other], { pass: 50, marginal: 10 }), { errors: bad, other: good }).verdict).toBe('pass');
  });

  it('is 0 for a critical metric that does not pass, and unknown where data are missing', () => {
    const critical = { ...metric, critical: true };
    expect(judgeKayenta(policy([critical, other, third]), { errors: bad, other: good, third: good })).toMatchObject({
      verdict: 'fail',
      score: 0,
    });
    expect(judgeKayenta(policy([critical]), {})).toMatchObject({ verdict: 'unknown', score: 0 });
    expect(judgeKayenta(policy([metric, other]), { errors: good })).toMatchObject({ verdict: 'unknown', score: 0 });
    expect(judgeKayenta(policy([]), {}).verdict).toBe('unknown');
  });

  it('gives the weight of an absent group to the others', () => {
    const absent = { ...third, mustHaveData: false };
    const judged = judgeKayenta(policy([metric, other, absent], { groupWeights: { all: 50, second: 50 } }), { errors: good, other: good });
    expect(judged).toMatchObject({ verdict: 'pass', score: 100 });
  });

  it('never passes what has no data', () => {
    const name = fc.constantFrom('errors', 'other', 'third');
    fc.assert(
      fc.property(fc.uniqueArray(name), (known) => {
        const judged = judgeKayenta(policy([metric, other, third]), Object.fromEntries(known.map((one) => [one, good])));
        expect(judged.verdict).toBe(known.length === 3 ? 'pass' : 'unknown');
      }),
    );
  });
});

it('series are shares per span, of spans with requests on that side', () => {
  const pair = (canary: number, bad: number): { canary: { requests: number; bad: number }; stable: { requests: number; bad: number } } => ({
    canary: { requests: canary, bad },
    stable: { requests: 100, bad: 1 },
  });
  const ticks = [pair(10, 1), pair(10, 0), null, pair(0, 0), pair(4, 4)].map((errors, index) => ({
    at: (index + 1) * 30_000,
    metrics: { errors },
  }));
  const spans = ticks.reduce<Spans>((sum, tick) => addToSpans(sum, tick, { since: 0, spanMs: 60_000 }), { byNumber: [] });
  expect(seriesOf(spans, 'errors')).toEqual({ canary: [0.05, 1], stable: [0.01, 0.01, 0.01] });
});
