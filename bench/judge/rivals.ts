import type { Arm, Pair, Tick } from '../../src/analysis/index.ts';
import { addToDocumented, documentedJudgement, startDocumented } from '../../src/analysis/core/documented.ts';
import type { DocumentedTick, Durations } from '../../src/analysis/core/documented-facts.ts';
import { judgeKayenta, KAYENTA_DEFAULTS, KAYENTA_METRIC_DEFAULTS } from '../../src/analysis/core/kayenta.ts';
import { addToThreshold, startThreshold, THRESHOLD_DEFAULTS, type ThresholdMetric } from '../../src/analysis/core/threshold.ts';

/** One minute as a rival's source tells it: counts of the metric it looks at, and the 99th percentile of durations. */
export interface MinuteOfAll {
  readonly canary: Arm;
  /** An equal-size copy of the stable version, which Kayenta and the fixed rules compare with. */
  readonly baseline: Arm;
  readonly stable: Arm;
  readonly p99: { readonly canary: number; readonly baseline: number };
  readonly durations: { readonly canary: Durations; readonly baseline: Durations };
}

/** When, in minutes from the start, a rival takes the canary back; null for never. `held`: it would not have passed at the end either. */
export interface RivalOutcome {
  readonly failedAt: number | null;
  readonly held: boolean;
}

/** A decider of the field, re-implemented from its documented rules. */
export type Rival = (minutes: readonly MinuteOfAll[], metric: 'errors' | 'latency') => RivalOutcome;

const MINUTE = 60_000;

/** All of them by the name they have in the tables. */
export const RIVALS: Readonly<Record<string, Rival>> = {
  'Argo-doc': argo({ every: 5, window: 5, least: 0.95, limit: 3 }),
  'Argo-1m': argo({ every: 1, window: 1, least: 0.99, limit: 0 }),
  'Argo-5w': argo({ every: 1, window: 5, least: 0.99, limit: 3 }),
  Flagger: flagger,
  'Fixed-delta': fixedDelta(5),
  'Fixed-15': fixedDelta(15),
  Documented: documented,
  Kay60: kayenta([60]),
  Kay10: kayenta([10, 20, 30, 40, 50, 60]),
};

interface ArgoRule {
  readonly every: number;
  readonly window: number;
  readonly least: number;
  readonly limit: number;
}

function argo({ every, window, least, limit }: ArgoRule): Rival {
  const metric: ThresholdMetric = {
    ...THRESHOLD_DEFAULTS,
    name: 'success',
    windowMs: window * MINUTE,
    intervalMs: every * MINUTE,
    initialDelayMs: (every - 1) * MINUTE,
    successCondition: { is: '>=', than: least },
    failureLimit: limit,
  };
  return (minutes, kind) => {
    if (kind === 'latency') return slowWindows(minutes, { every, window, limit });
    let judge = startThreshold([metric]);
    for (const [index, minute] of minutes.entries()) {
      judge = addToThreshold(judge, { at: (index + 1) * MINUTE, metrics: { success: pairOf(minute) } });
      if (judge.phase === 'Failed') return { failedAt: index + 1, held: true };
    }
    return { failedAt: null, held: false };
  };
}

/** A p99 above 500 ms in a window, as the mean of its minutes; the fourth (with a limit of 3) ends it. */
function slowWindows(minutes: readonly MinuteOfAll[], { every, window, limit }: Omit<ArgoRule, 'least'>): RivalOutcome {
  let failed = 0;
  for (let end = every; end <= minutes.length; end += every) {
    if (mean(minutes.slice(Math.max(0, end - window), end).map(({ p99 }) => p99.canary)) > 500) failed += 1;
    if (failed > limit) return { failedAt: end, held: true };
  }
  return { failedAt: null, held: false };
}

/** Each minute at least 99 % successful; the threshold of 5 failed checks is looked at when the next one begins. */
function flagger(minutes: readonly MinuteOfAll[], kind: 'errors' | 'latency'): RivalOutcome {
  let failed = 0;
  for (const [index, minute] of minutes.entries()) {
    if (failed >= 5) return { failedAt: index + 1, held: true };
    const bad = kind === 'latency' ? minute.p99.canary > 500 : minute.canary.requests > 0 && rate(minute.canary) > 0.01;
    if (bad) failed += 1;
  }
  return { failedAt: null, held: failed >= 5 };
}

/** Rolled back as soon as one of the fixed comparisons does not hold: 0.5 points more errors, 5 % for two minutes, p99 above 1.2 times. */
function fixedDelta(window: number): Rival {
  return (minutes, kind) => {
    for (let end = 1; end <= minutes.length; end++) {
      if (breaksFixed(minutes.slice(0, end), window, kind)) return { failedAt: end, held: true };
    }
    return { failedAt: null, held: false };
  };
}

function breaksFixed(minutes: readonly MinuteOfAll[], window: number, kind: 'errors' | 'latency'): boolean {
  const last = minutes.slice(-window);
  if (kind === 'latency') {
    const part = (side: 'canary' | 'baseline'): number => mean(last.map(({ p99 }) => p99[side]));
    return last.length === window && part('canary') > 1.2 * part('baseline');
  }
  const twoMinutes = minutes.slice(-2);
  if (twoMinutes.length === 2 && twoMinutes.every(({ canary }) => rate(canary) > 0.05)) return true;
  return (
    last.length === window && rate(total(last.map(({ canary }) => canary))) > rate(total(last.map(({ baseline }) => baseline))) + 0.005
  );
}

/** The policy `documented` itself: a trigger takes the canary back, a criterion that does not hold at the end holds it. */
function documented(minutes: readonly MinuteOfAll[], kind: 'errors' | 'latency'): RivalOutcome {
  let judge = startDocumented();
  for (const [index, minute] of minutes.entries()) {
    judge = addToDocumented(judge, documentedTick(minute, index, kind));
    if (judge.fired.length > 0) return { failedAt: index + 1, held: true };
  }
  return { failedAt: null, held: documentedJudgement(judge).verdict !== 'pass' };
}

function documentedTick({ canary, baseline, durations }: MinuteOfAll, index: number, kind: 'errors' | 'latency'): DocumentedTick {
  const alike = { canary: 1, stable: 1 };
  const none = { requests: 0, bad: 0 };
  const errors =
    kind === 'errors'
      ? { canary, stable: baseline }
      : { canary: { ...none, requests: canary.requests }, stable: { ...none, requests: baseline.requests } };
  return {
    at: (index + 1) * MINUTE,
    lengthMs: MINUTE,
    errors,
    durations: { canary: durations.canary, stable: durations.baseline },
    cpu: alike,
    memory: alike,
    memoryOfLimit: 0.5,
    restarts: 0,
    probes: { failing: 0, all: 1 },
    breakersOpen: false,
    corrupted: false,
    custom: {},
  };
}

/** Kayenta's judge on all minutes so far, at the given ones: of one series, High fails. Its defects are kept: no least number of points. */
function kayenta(looks: readonly number[]): Rival {
  const policy = { ...KAYENTA_DEFAULTS, leastPoints: 1, metrics: [{ ...KAYENTA_METRIC_DEFAULTS, name: 'metric' }] };
  return (minutes, kind) => {
    for (const look of looks) {
      const seen = minutes.slice(0, look);
      const side = (arm: 'canary' | 'baseline'): readonly number[] =>
        kind === 'latency'
          ? seen.map(({ p99 }) => p99[arm]).filter((value) => !Number.isNaN(value))
          : seen.filter((minute) => minute[arm].requests > 0).map((minute) => rate(minute[arm]));
      if (judgeKayenta(policy, { metric: { canary: side('canary'), stable: side('baseline') } }).verdict === 'fail')
        return { failedAt: look, held: true };
    }
    return { failedAt: null, held: false };
  };
}

function pairOf({ canary, stable }: MinuteOfAll): Pair | null {
  // A rate of no requests is nothing, which a query answers with no result.
  return canary.requests === 0 ? null : ({ canary, stable } satisfies Tick['metrics'][string]);
}

function rate({ requests, bad }: Arm): number {
  return bad / requests;
}

function total(arms: readonly Arm[]): Arm {
  return arms.reduce((sum, arm) => ({ requests: sum.requests + arm.requests, bad: sum.bad + arm.bad }), { requests: 0, bad: 0 });
}

function mean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
}
