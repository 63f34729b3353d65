import type { Instant, Verdict } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import { CATASTROPHIC, PERIOD_MS, type MetricPolicy, type Thresholds } from './policy.ts';
import type { Scatter } from './dispersion.ts';
import {
  addToRatioTest,
  mostOfOneSpan,
  ratioEvidence,
  ratioInterval,
  restartRatioTest,
  startRatioTest,
  type RatioTest,
} from './ratio-test.ts';
import { evidenceAbove, evidenceBelow } from './share-test.ts';

/** The interval of the ratio that is shown covers the true one, at every look, with all but this chance. */
const INTERVAL_ALPHA = 0.05;

/** After a gap, or a clock that jumped, no more periods than this have begun at once. */
const MOST_BEGUN = 6;

/** Everything the judge remembers of one metric. A pure fold over ticks: the same ticks give the same state. */
export interface MetricState {
  readonly policy: MetricPolicy;
  readonly ratio: RatioTest;
  readonly scatter: Scatter;
  /** It has taken requests for as long as its warm-up is. */
  readonly warm: boolean;
  /** Since the checkpoint began, or since it is warm. */
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

export function startMetric(policy: MetricPolicy, scatter: Scatter): MetricState {
  return {
    policy,
    ratio: startRatioTest(policy.margin),
    scatter,
    warm: policy.warmupMs === 0,
    seen: NO_REQUESTS,
    bake: NO_REQUESTS,
    badTicks: 0,
    startedAt: null,
    period: -1,
    silentSince: null,
  };
}

/** A new checkpoint begins. How much counts scatter must be known before the counts that are judged by it. */
export function metricAtCheckpoint(state: MetricState, scatter: Scatter): MetricState {
  return { ...state, ratio: restartRatioTest(state.ratio), seen: NO_REQUESTS, scatter };
}

/** One tick added; null when the source gave nothing for it. */
export function addToMetric(state: MetricState, at: Instant, pair: Pair | null, thresholds: Thresholds): MetricState {
  if (pair === null) return { ...state, silentSince: state.silentSince ?? at };
  const heard = { ...state, silentSince: null };
  if (state.startedAt === null && pair.canary.requests === 0) return heard;
  const startedAt = state.startedAt ?? at;
  // What was counted while it was cold says nothing about how it is when warm, neither good nor bad.
  const warms = !state.warm && at - startedAt >= state.policy.warmupMs;
  const { ratio, seen, warm } = warms ? { ratio: restartRatioTest(state.ratio), seen: NO_REQUESTS, warm: true } : state;
  const period = Math.max(state.period, Math.floor((at - startedAt) / PERIOD_MS));
  return {
    ...heard,
    startedAt,
    period,
    warm,
    ratio: compare(state, ratio, pair, { warm, begun: warm ? Math.min(MOST_BEGUN, period - state.period) : 0, thresholds }),
    seen: addPairs(seen, pair),
    bake: addPairs(state.bake, pair),
    badTicks: state.badTicks + (pair.canary.bad > 0 ? 1 : 0),
  };
}

function compare(
  { policy, scatter }: MetricState,
  ratio: RatioTest,
  pair: Pair,
  { warm, begun, thresholds }: { readonly warm: boolean; readonly begun: number; readonly thresholds: Thresholds },
): RatioTest {
  const tolerated = toleratedOf(policy, scatter, warm);
  if (tolerated === null) return ratio;
  const most = { bad: mostOfOneSpan(thresholds.bad, policy.leastTicks), change: mostOfOneSpan(thresholds.change, policy.leastTicks) };
  return addToRatioTest(ratio, pair, { dispersion: scatter.dispersion, tolerated, most, begun });
}

/** How many times the stable rate is no reason to fail the canary; null while anything is. */
export function toleratedOf(policy: MetricPolicy, { luck }: Scatter, warm: boolean): number | null {
  const margin = warm ? policy.margin : policy.warmupMargin;
  return margin === null ? null : Math.max(margin, policy.margin) * luck;
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
  readonly luck: number;
  /** Rate of the canary over the stable one's, since the checkpoint began: estimate and the interval that every look may rely on. */
  readonly ratio: { readonly estimate: number | null; readonly low: number; readonly high: number };
  readonly e: Evidence;
}

export function figuresOf(state: MetricState): MetricFigures {
  const { seen, bake, scatter } = state;
  const ratio = { estimate: estimateOf(seen), ...ratioInterval(state.ratio, INTERVAL_ALPHA) };
  return { seen, bake, dispersion: scatter.dispersion, luck: scatter.luck, ratio, e: evidenceOf(state) };
}

export function evidenceOf({ seen, scatter: { dispersion }, policy, ratio }: MetricState): Evidence {
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
export type Rule = 'checkpoint' | 'change' | 'limit' | 'catastrophe' | 'good' | 'clean' | 'silent' | 'cold' | 'open';

/**
 * The verdict on one metric. `fail`: one of the tests says the canary is outside the margin, and enough bad requests were seen to say so.
 * `pass`: it is proven to be inside. Everything else is `unknown`, however long it lasts.
 */
export function decideMetric(state: MetricState, e: Evidence, thresholds: Thresholds): { readonly verdict: Verdict; readonly rule: Rule } {
  const bad = badRule(state, e, thresholds);
  if (bad !== null) return { verdict: 'fail', rule: bad };
  if (state.silentSince !== null) return { verdict: 'unknown', rule: 'silent' };
  if (!state.warm) return { verdict: 'unknown', rule: 'cold' };
  if (e.clean >= thresholds.good) return { verdict: 'pass', rule: 'clean' };
  return e.good >= thresholds.good ? { verdict: 'pass', rule: 'good' } : { verdict: 'unknown', rule: 'open' };
}

function badRule(state: MetricState, e: Evidence, thresholds: Thresholds): Rule | null {
  const { seen, policy, warm } = state;
  if (!mayFail(state)) return null;
  if (e.bad >= thresholds.bad && seen.canary.bad >= policy.leastBad) return 'checkpoint';
  if (e.change >= thresholds.change) return 'change';
  if (e.catastrophe >= thresholds.guard && worseThanStable(state, 1)) return 'catastrophe';
  return e.limit >= thresholds.guard && warm && worseThanStable(state, state.scatter.luck) ? 'limit' : null;
}

/** Enough bad requests were seen, in enough ticks, at a time when it matters. */
function mayFail({ bake, badTicks, policy, warm }: MetricState): boolean {
  return bake.canary.bad >= policy.leastBad && badTicks >= policy.leastTicks && (warm || policy.warmupMargin !== null);
}

/** A limit alone would fire when everything fails, the stable version too. Where that takes no requests, nothing can be compared. */
function worseThanStable({ ratio, seen }: MetricState, times: number): boolean {
  return seen.stable.requests === 0 || ratioInterval(ratio, INTERVAL_ALPHA).low > times;
}
