import type { Duration, Instant, Verdict } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import type { Tick } from './judge.ts';

/**
 * A judge with the semantics of Argo Rollouts 1.10 (`analysis/analysis.go`, `metricproviders/evaluate`), so that a policy can be moved from
 * there and compared. Each measurement is one number from a window, held against fixed conditions; how often it may fail is a limit.
 *
 * It differs where Argo's behaviour is a defect: an error of the source is `unknown`, so that an outage of the monitoring never takes
 * back a canary; and a running analysis without a single measurement is `unknown` too, where Argo lets the rollout go on.
 */
export interface ThresholdMetric {
  readonly name: string;
  readonly value: ThresholdValue;
  readonly windowMs: Duration;
  /** Null: measured once, unless `count` says otherwise. */
  readonly intervalMs: Duration | null;
  readonly initialDelayMs: Duration;
  /** Measurements that are not errors, until it is complete; null: one without an interval, no end with one. */
  readonly count: number | null;
  readonly successCondition: Condition | null;
  readonly failureCondition: Condition | null;
  /** Limits mean more than: a limit of 3 is broken by the fourth. */
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly consecutiveErrorLimit: number;
  /** Complete and successful after so many in a row; 0: off. */
  readonly consecutiveSuccessLimit: number;
  /** Measured and shown, never decides. */
  readonly dryRun: boolean;
}

/** What is measured over the window: a share of the canary's requests, or its bad share less, or over, the stable one. */
export type ThresholdValue = 'success' | 'bad' | 'difference' | 'ratio';

export interface Condition {
  readonly is: '<' | '<=' | '>' | '>=';
  readonly than: number;
}

/** Argo's defaults. */
export const THRESHOLD_DEFAULTS: Omit<ThresholdMetric, 'name'> = {
  value: 'success',
  windowMs: 300_000,
  intervalMs: null,
  initialDelayMs: 0,
  count: null,
  successCondition: null,
  failureCondition: null,
  failureLimit: 0,
  inconclusiveLimit: 0,
  consecutiveErrorLimit: 4,
  consecutiveSuccessLimit: 0,
  dryRun: false,
};

/** A source that failed is asked again after this, whatever the interval. */
const RETRY_MS: Duration = 10_000;
const KEPT = 10;

export type Phase = 'Successful' | 'Running' | 'Pending' | 'Inconclusive' | 'Error' | 'Failed';
type Outcome = 'Successful' | 'Failed' | 'Inconclusive' | 'Error';

/** From the mildest: within one run of several metrics the last that occurs is the run's. */
const WORST_OF_RUN: readonly Phase[] = ['Successful', 'Running', 'Pending', 'Inconclusive', 'Error', 'Failed'];

export interface ThresholdState {
  readonly metric: ThresholdMetric;
  readonly phase: Phase;
  readonly dueAt: Instant | null;
  readonly window: readonly { readonly at: Instant; readonly pair: Pair | null }[];
  readonly successful: number;
  readonly failed: number;
  readonly inconclusive: number;
  readonly errors: number;
  readonly consecutiveErrors: number;
  readonly consecutiveSuccesses: number;
  /** The newest ones. */
  readonly measurements: readonly { readonly at: Instant; readonly value: number | null; readonly outcome: Outcome }[];
}

/** The judge of one analysis run. */
export interface ThresholdJudge {
  readonly phase: Phase;
  readonly metrics: readonly ThresholdState[];
}

/** @throws Error without metrics: nothing judged must not look like something judged */
export function startThreshold(metrics: readonly ThresholdMetric[]): ThresholdJudge {
  if (metrics.length === 0) throw new Error('A policy names at least one metric');
  return { phase: 'Pending', metrics: metrics.map(startState) };
}

function startState(metric: ThresholdMetric): ThresholdState {
  const none = { successful: 0, failed: 0, inconclusive: 0, errors: 0, consecutiveErrors: 0, consecutiveSuccesses: 0 };
  return { metric, phase: 'Pending', dueAt: null, window: [], ...none, measurements: [] };
}

/** One tick added. A run that ended badly stays as it is: its metrics are terminated. */
export function addToThreshold(judge: ThresholdJudge, tick: Tick): ThresholdJudge {
  if (endedBadly(judge.phase)) return judge;
  const metrics = judge.metrics.map((state) => addToState(state, tick.at, tick.metrics[state.metric.name] ?? null));
  return { phase: phaseOf(metrics), metrics };
}

/** `fail` only for Failed; a run without an end passes while it holds, if it measured at all and its newest measurement was no error. */
export function thresholdVerdict({ phase, metrics }: ThresholdJudge): Verdict {
  if (phase === 'Failed') return 'fail';
  const deciding = metrics.filter(({ metric }) => !metric.dryRun);
  if (phase === 'Error' || phase === 'Inconclusive' || deciding.length === 0) return 'unknown';
  return deciding.every((state) => state.phase === 'Successful' || holds(state)) ? 'pass' : 'unknown';
}

function holds({ metric, phase, measurements }: ThresholdState): boolean {
  return phase === 'Running' && countOf(metric) === null && measurements.length > 0 && measurements.at(-1)?.outcome !== 'Error';
}

/** Failed > Error > Inconclusive > Pending > Running > Successful; a dry run never counts. */
function phaseOf(metrics: readonly ThresholdState[]): Phase {
  const phases = new Set(metrics.filter(({ metric }) => !metric.dryRun).map(({ phase }) => phase));
  return WORST_OF_RUN.findLast((phase) => phases.has(phase)) ?? 'Successful';
}

function endedBadly(phase: Phase): boolean {
  return phase === 'Failed' || phase === 'Error' || phase === 'Inconclusive';
}

function addToState(state: ThresholdState, at: Instant, pair: Pair | null): ThresholdState {
  // A metric that is complete is never assessed again.
  if (state.phase === 'Successful' || endedBadly(state.phase)) return state;
  const { metric } = state;
  const window = [...state.window.filter((one) => one.at > at - metric.windowMs), { at, pair }];
  const dueAt = state.dueAt ?? at + metric.initialDelayMs;
  if (at < dueAt) return { ...state, window, dueAt };
  // The newest tick being silent is what a failing query would be.
  const value =
    pair === null
      ? null
      : valueOf(
          metric.value,
          window.reduce((sum, one) => addPairs(sum, one.pair ?? NO_REQUESTS), NO_REQUESTS),
        );
  const outcome: Outcome = value === null ? 'Error' : outcomeOf(metric, value);
  const counted = count({ ...state, window }, outcome);
  const wait = outcome === 'Error' ? RETRY_MS : (metric.intervalMs ?? 0);
  const measurements = [...state.measurements, { at, value, outcome }].slice(-KEPT);
  return { ...counted, dueAt: at + wait, measurements, phase: phaseOfMetric(counted) };
}

/** Without requests a share is NaN, as a query would give it. */
function valueOf(kind: ThresholdValue, { canary, stable }: Pair): number {
  const bad = canary.bad / canary.requests;
  switch (kind) {
    case 'success':
      return 1 - bad;
    case 'bad':
      return bad;
    case 'difference':
      return bad - stable.bad / stable.requests;
    case 'ratio':
      return bad / (stable.bad / stable.requests);
  }
}

/** One condition stands for the contrary of the other; with both, neither true is Inconclusive; with none all is well. NaN compares false. */
export function outcomeOf({ successCondition, failureCondition }: ThresholdMetric, value: number): Exclude<Outcome, 'Error'> {
  const success = successCondition === null ? null : isTrue(successCondition, value);
  const failure = failureCondition === null ? null : isTrue(failureCondition, value);
  if (failure ?? success === false) return 'Failed';
  return (success ?? true) ? 'Successful' : 'Inconclusive';
}

function isTrue({ is, than }: Condition, value: number): boolean {
  switch (is) {
    case '<':
      return value < than;
    case '<=':
      return value <= than;
    case '>':
      return value > than;
    case '>=':
      return value >= than;
  }
}

/** Errors are counted only in a row, which everything else ends. */
function count(state: ThresholdState, outcome: Outcome): ThresholdState {
  if (outcome === 'Error') {
    return { ...state, errors: state.errors + 1, consecutiveErrors: state.consecutiveErrors + 1, consecutiveSuccesses: 0 };
  }
  return {
    ...state,
    successful: state.successful + (outcome === 'Successful' ? 1 : 0),
    failed: state.failed + (outcome === 'Failed' ? 1 : 0),
    inconclusive: state.inconclusive + (outcome === 'Inconclusive' ? 1 : 0),
    consecutiveErrors: 0,
    consecutiveSuccesses: outcome === 'Successful' ? state.consecutiveSuccesses + 1 : 0,
  };
}

/** Within one metric the order is Error > Inconclusive > Failed, other than across metrics. */
function phaseOfMetric(state: ThresholdState): Phase {
  const { metric } = state;
  if (state.consecutiveErrors > metric.consecutiveErrorLimit) return 'Error';
  if (state.inconclusive > metric.inconclusiveLimit) return 'Inconclusive';
  if (state.failed > metric.failureLimit) return 'Failed';
  if (metric.consecutiveSuccessLimit > 0 && state.consecutiveSuccesses >= metric.consecutiveSuccessLimit) return 'Successful';
  const end = countOf(metric);
  return end !== null && state.successful + state.failed + state.inconclusive >= end ? 'Successful' : 'Running';
}

function countOf({ count, intervalMs }: ThresholdMetric): number | null {
  return count ?? (intervalMs === null ? 1 : null);
}
