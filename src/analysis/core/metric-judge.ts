import type { Duration, Instant, Verdict } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import { CATASTROPHIC, PERIOD_MS, type MetricPolicy, type Thresholds } from './policy.ts';
import { addToRatioTest, ratioEvidence, ratioInterval, restartRatioTest, startRatioTest, type RatioTest } from './ratio-test.ts';
import { evidenceAbove, evidenceBelow } from './share-test.ts';

/** The interval of the ratio that is shown covers the true one, at every look, with all but this chance. */
const INTERVAL_ALPHA = 0.05;

/** Everything the judge remembers of one metric. A pure fold over ticks: the same ticks give the same state. */
export interface MetricState {
  readonly policy: MetricPolicy;
  readonly ratio: RatioTest;
  readonly dispersion: number;
  /** Since the checkpoint began. */
  readonly seen: Pair;
  /** Since the canary began. */
  readonly bake: Pair;
  /** Ticks of the bake with a bad canary request. */
  readonly badTicks: number;
  readonly startedAt: Instant | null;
  /** The newest period in which a change is looked for. */
  readonly period: number;
  /** The newest tick had no counts for it. */
  readonly silentSince: Instant | null;
}

export function startMetric(policy: MetricPolicy, dispersion: number): MetricState {
  return {
    policy,
    ratio: startRatioTest(policy.margin),
    dispersion,
    seen: NO_REQUESTS,
    bake: NO_REQUESTS,
    badTicks: 0,
    startedAt: null,
    period: -1,
    silentSince: null,
  };
}

/** A new checkpoint begins. How much counts scatter must be known before the counts that are judged by it. */
export function metricAtCheckpoint(state: MetricState, dispersion: number): MetricState {
  return { ...state, ratio: restartRatioTest(state.ratio), seen: NO_REQUESTS, dispersion };
}

/** One tick added; null when the source gave nothing for it. */
export function addToMetric(state: MetricState, at: Instant, pair: Pair | null): MetricState {
  if (pair === null) return { ...state, silentSince: state.silentSince ?? at };
  const heard = { ...state, silentSince: null };
  if (state.startedAt === null && pair.canary.requests === 0) return heard;
  const startedAt = state.startedAt ?? at;
  const period = Math.max(state.period, Math.floor((at - startedAt) / PERIOD_MS));
  const warm = at - startedAt >= state.policy.warmupMs;
  return {
    ...heard,
    startedAt,
    period,
    ratio: warm ? addToRatioTest(state.ratio, pair, { dispersion: state.dispersion, begun: period - state.period }) : state.ratio,
    seen: addPairs(state.seen, pair),
    bake: addPairs(state.bake, pair),
    badTicks: state.badTicks + (pair.canary.bad > 0 ? 1 : 0),
  };
}

/** ln of the e-values of one metric at one moment. */
export interface Evidence {
  readonly bad: number;
  readonly change: number;
  readonly good: number;
  readonly clean: number;
  readonly catastrophe: number;
  readonly limit: number;
}

/** What is known of one metric at one moment. */
export interface MetricFigures {
  readonly seen: Pair;
  readonly bake: Pair;
  readonly dispersion: number;
  /** Rate of the canary over the stable one's, since the checkpoint began: estimate and the interval that every look may rely on. */
  readonly ratio: { readonly estimate: number | null; readonly low: number; readonly high: number };
  readonly e: Evidence;
}

export function figuresOf(state: MetricState): MetricFigures {
  const { seen, bake, dispersion } = state;
  const ratio = { estimate: estimateOf(seen), ...ratioInterval(state.ratio, INTERVAL_ALPHA) };
  return { seen, bake, dispersion, ratio, e: evidenceOf(state) };
}

export function evidenceOf({ seen, dispersion, policy, ratio }: MetricState): Evidence {
  return {
    ...ratioEvidence(ratio),
    clean: evidenceBelow(policy.clean, seen.canary, dispersion),
    catastrophe: evidenceAbove(CATASTROPHIC, seen.canary, 1),
    limit: policy.limit === null ? Number.NEGATIVE_INFINITY : evidenceAbove(policy.limit, seen.canary, dispersion),
  };
}

function estimateOf({ canary, stable }: Pair): number | null {
  if (canary.requests === 0 || stable.requests === 0 || stable.bad === 0) return null;
  return canary.bad / canary.requests / (stable.bad / stable.requests);
}

/** Which of the rules decided. */
export type Rule = 'checkpoint' | 'change' | 'limit' | 'catastrophe' | 'good' | 'clean' | 'silent' | 'open';

/**
 * The verdict on one metric. `fail`: one of the tests says the canary is outside the margin, and enough bad requests were seen to say so.
 * `pass`: it is proven to be inside. Everything else is `unknown`, however long it lasts.
 */
export function decideMetric(state: MetricState, e: Evidence, thresholds: Thresholds): { readonly verdict: Verdict; readonly rule: Rule } {
  const bad = badRule(state, e, thresholds);
  if (bad !== null) return { verdict: 'fail', rule: bad };
  if (state.silentSince !== null) return { verdict: 'unknown', rule: 'silent' };
  if (e.clean >= thresholds.good) return { verdict: 'pass', rule: 'clean' };
  return e.good >= thresholds.good ? { verdict: 'pass', rule: 'good' } : { verdict: 'unknown', rule: 'open' };
}

function badRule({ bake, badTicks, policy, ratio }: MetricState, e: Evidence, thresholds: Thresholds): Rule | null {
  if (bake.canary.bad < policy.leastBad || badTicks < policy.leastTicks) return null;
  if (e.catastrophe >= thresholds.guard) return 'catastrophe';
  if (e.bad >= thresholds.bad) return 'checkpoint';
  if (e.change >= thresholds.change) return 'change';
  // A limit alone would fire when everything fails, the stable version too.
  return e.limit >= thresholds.guard && ratioInterval(ratio, INTERVAL_ALPHA).low > 1 ? 'limit' : null;
}

/** How long a silent source has been silent at `now`; 0 when it is not. */
export function silentFor({ silentSince }: MetricState, now: Instant): Duration {
  return silentSince === null ? 0 : now - silentSince;
}
