import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pair } from './counts.ts';
import { addTick, judgementOf, startJudge } from './judge.ts';
import {
  addToThreshold,
  outcomeOf,
  startThreshold,
  THRESHOLD_DEFAULTS,
  thresholdVerdict,
  type ThresholdJudge,
  type ThresholdMetric,
} from './threshold.ts';

const good: Pair = { canary: { requests: 100, bad: 0 }, stable: { requests: 900, bad: 0 } };
const bad: Pair = { canary: { requests: 100, bad: 50 }, stable: { requests: 900, bad: 0 } };
const none: Pair = { canary: { requests: 0, bad: 0 }, stable: { requests: 900, bad: 0 } };
const success = { is: '>=', than: 0.95 } as const;
const failure = { is: '<', than: 0.5 } as const;

/** Measured each minute over one minute, without an end. */
function metric(change: Partial<ThresholdMetric> = {}): ThresholdMetric {
  return { ...THRESHOLD_DEFAULTS, name: 'success', windowMs: 60_000, intervalMs: 60_000, successCondition: success, ...change };
}

type Counts = Readonly<Record<string, Pair | null>>;

/** One tick a minute; a pair stands for the metric `success`. */
function play(metrics: readonly ThresholdMetric[], ...ticks: readonly (Counts | Pair | null)[]): ThresholdJudge {
  return ticks.reduce<ThresholdJudge>(
    (judge, tick, index) => addToThreshold(judge, { at: (index + 1) * 60_000, metrics: isPair(tick) ? { success: tick } : tick }),
    startThreshold(metrics),
  );
}

function isPair(tick: Counts | Pair | null): tick is Pair | null {
  return tick === null || 'canary' in tick;
}

describe('one measurement', () => {
  it.each([
    ['both, success true', { successCondition: success, failureCondition: failure }, 0.99, 'Successful'],
    ['both, neither true', { successCondition: success, failureCondition: failure }, 0.8, 'Inconclusive'],
    ['both, failure true', { successCondition: success, failureCondition: failure }, 0.1, 'Failed'],
    ['both true', { successCondition: { is: '<', than: 1 }, failureCondition: failure }, 0.1, 'Failed'],
    ['only success, false', { successCondition: success }, 0.8, 'Failed'],
    ['only failure, false', { successCondition: null, failureCondition: failure }, 0.8, 'Successful'],
    ['none', { successCondition: null }, 0, 'Successful'],
    ['NaN, only success', { successCondition: success }, Number.NaN, 'Failed'],
    ['NaN, only failure', { successCondition: null, failureCondition: failure }, Number.NaN, 'Successful'],
    ['NaN, both', { successCondition: success, failureCondition: failure }, Number.NaN, 'Inconclusive'],
  ] as const)('%s', (_name, change, value, outcome) => {
    expect(outcomeOf(metric(change), value)).toBe(outcome);
  });

  it('of no requests is NaN, of a silent source an error', () => {
    expect(play([metric()], none).phase).toBe('Failed');
    expect(play([metric()], null).metrics[0]?.measurements[0]?.outcome).toBe('Error');
  });

  it('says that there were no requests, not NaN', () => {
    const policy = {
      kind: 'threshold',
      metrics: [metric({ value: 'bad', successCondition: null, failureCondition: { is: '>', than: 0.05 } })],
    } as const;
    const judge = addTick(startJudge(policy, { checkpoints: 1, periods: 1 }), { at: 60_000, metrics: { success: none } });
    const { verdict, because } = judgementOf(judge);
    expect(verdict).toBe('unknown');
    expect(because).toContain('bad is not known: the canary had no requests in the window, failure is > 0.05');
    expect(because).not.toContain('NaN');
  });

  it('looks back over its window', () => {
    const judge = play([metric({ windowMs: 120_000, failureLimit: 9 })], bad, good, good);
    expect(judge.metrics[0]?.measurements.map(({ value }) => value)).toEqual([0.5, 0.75, 1]);
  });

  it('keeps the newest ten', () => {
    expect(play([metric()], ...Array.from({ length: 15 }, () => good)).metrics[0]?.measurements).toHaveLength(10);
  });
});

describe('limits', () => {
  it('mean more than', () => {
    expect(play([metric({ failureLimit: 3 })], bad, bad, bad).phase).toBe('Running');
    expect(play([metric({ failureLimit: 3 })], bad, bad, bad, bad).phase).toBe('Failed');
  });

  it('failures add up, success does not clear them', () => {
    expect(play([metric({ failureLimit: 1 })], bad, good, good, bad).phase).toBe('Failed');
  });

  it('errors count in a row only, are retried after 10 s, and never fail', () => {
    const five = [null, null, null, null, null] as const;
    expect(thresholdVerdict(play([metric()], ...five.slice(1)))).toBe('unknown');
    expect(play([metric()], ...five.slice(1), good, ...five.slice(1)).phase).toBe('Running');
    const silent = play([metric()], ...five);
    expect([silent.phase, thresholdVerdict(silent)]).toEqual(['Error', 'unknown']);
    expect(play([metric()], null).metrics[0]?.dueAt).toBe(70_000);
  });

  it('one metric over several: Error before Inconclusive before Failed', () => {
    const both = metric({ successCondition: success, failureCondition: failure, failureLimit: 0, consecutiveErrorLimit: 0 });
    const neither: Pair = { ...good, canary: { requests: 100, bad: 30 } };
    expect(play([{ ...both, inconclusiveLimit: 1, failureLimit: 1 }], neither, neither).phase).toBe('Inconclusive');
    expect(play([both], null).phase).toBe('Error');
  });

  it('a count is complete without errors, and one without interval is measured once', () => {
    expect(play([metric({ count: 2 })], good, null, good).phase).toBe('Successful');
    expect(play([metric({ intervalMs: null })], good, bad).phase).toBe('Successful');
    expect(thresholdVerdict(play([metric({ count: 2 })], good))).toBe('unknown');
    expect(play([metric({ consecutiveSuccessLimit: 2 })], bad, good, good).phase).toBe('Failed');
    expect(play([metric({ consecutiveSuccessLimit: 2, failureLimit: 1 })], bad, good, good, bad).phase).toBe('Successful');
  });
});

describe('a run of several metrics', () => {
  const other = metric({ name: 'other' });

  it('is Failed before Error before Inconclusive', () => {
    const error = { ...other, consecutiveErrorLimit: 0 };
    expect(play([metric(), error], { success: bad, other: null }).phase).toBe('Failed');
    const open = metric({ failureCondition: failure });
    expect(play([open, error], { success: { ...good, canary: { requests: 10, bad: 3 } }, other: null }).phase).toBe('Error');
  });

  it('a dry run never changes it, nor ends it, and alone is no judgement', () => {
    const dry = { ...other, dryRun: true };
    const judge = play([metric(), dry], { success: good, other: bad }, { success: good, other: bad });
    expect([judge.phase, judge.metrics[1]?.phase, thresholdVerdict(judge)]).toEqual(['Running', 'Failed', 'pass']);
    expect(thresholdVerdict(play([dry], { other: good }))).toBe('unknown');
  });

  it('that ended badly stays so', () => {
    const judge = play([metric(), other], { success: bad, other: good }, { success: good, other: good });
    expect([judge.phase, judge.metrics[1]?.measurements.length]).toEqual(['Failed', 1]);
  });

  it('passes nothing that was not measured', () => {
    expect(thresholdVerdict(startThreshold([metric()]))).toBe('unknown');
    expect(thresholdVerdict(play([metric({ initialDelayMs: 300_000 })], good, good))).toBe('unknown');
    expect(() => startThreshold([])).toThrow('at least one metric');
  });

  it('fails exactly when more measurements failed than the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), fc.nat(5), (fails, failureLimit) => {
        const verdict = thresholdVerdict(play([metric({ failureLimit })], ...fails.map((one) => (one ? bad : good))));
        // What has just failed widens nothing, however many more may fail.
        expect(verdict).toBe(fails.filter(Boolean).length > failureLimit ? 'fail' : fails.at(-1) === true ? 'unknown' : 'pass');
      }),
    );
  });
});
