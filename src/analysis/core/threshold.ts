import type { Duration, Instant, Verdict } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import { mergeDurations, quantileOf } from './documented-windows.ts';
import type { TickFacts } from './documented-facts.ts';
import { newsOf, type Tick } from './tick.ts';

/**
 * A judge with the semantics of Argo Rollouts 1.10 (`analysis/analysis.go`, `metricproviders/evaluate`), so that a policy can be moved from
 * there and compared. Each measurement is one number from a window, held against fixed conditions; how often it may fail is a limit.
 *
 * It differs where Argo's behaviour is a defect: an error of the source is `unknown`, so that an outage of the monitoring never takes
 * back a canary; a share of no requests that would count as a success (NaN meets no failure condition) is such an error; and a
 * running analysis without a single measurement, or whose newest one was no success, is `unknown` too, where Argo lets the rollout go on.
 */
export interface ThresholdMetric {
  readonly name: string;
  /** The counts it is made from; its name where they are called alike. */
  readonly of?: string;
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

/** What is measured over the window: a share of the canary's requests; its bad share less, or over, the stable one; a percentile of its durations in ms. */
export type ThresholdValue = 'success' | 'bad' | 'difference' | 'ratio' | 'p50' | 'p99';

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
  readonly window: readonly Measured[];
  readonly successful: number;
  readonly failed: number;
  readonly inconclusive: number;
  readonly errors: number;
  readonly consecutiveErrors: number;
  readonly consecutiveSuccesses: number;
  /** The newest ones. */
  readonly measurements: readonly { readonly at: Instant; readonly value: number | null; readonly outcome: Outcome }[];
}

interface Measured {
  readonly at: Instant;
  readonly pair: Pair | null;
  readonly durations: TickFacts['durations'];
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
  const metrics = judge.metrics.map((state) => addToState(state, measuredIn(tick, state.metric)));
  return { phase: phaseOf(metrics), metrics };
}

/** `fail` only for Failed; a run without an end passes while its newest measurement was a success. */
export function thresholdVerdict({ phase, metrics }: ThresholdJudge): Verdict {
  if (phase === 'Failed') return 'fail';
  const deciding = metrics.filter(({ metric }) => !metric.dryRun);
  if (phase === 'Error' || phase === 'Inconclusive' || deciding.length === 0) return 'unknown';
  return deciding.every((state) => state.phase === 'Successful' || holds(state)) ? 'pass' : 'unknown';
}

export function holds({ metric, phase, measurements }: ThresholdState): boolean {
  return phase === 'Running' && countOf(metric) === null && measurements.at(-1)?.outcome === 'Successful';
}

/** Failed > Error > Inconclusive > Pending > Running > Successful; a dry run never counts. */
function phaseOf(metrics: readonly ThresholdState[]): Phase {
  const phases = new Set(metrics.filter(({ metric }) => !metric.dryRun).map(({ phase }) => phase));
  return WORST_OF_RUN.findLast((phase) => phases.has(phase)) ?? 'Successful';
}

function endedBadly(phase: Phase): boolean {
  return phase === 'Failed' || phase === 'Error' || phase === 'Inconclusive';
}

/** What a tick says of the counts a metric is made from; null when it has no news of them. */
function measuredIn(tick: Tick, { name, of }: ThresholdMetric): Measured | null {
  const pair = newsOf(tick, of ?? name);
  return pair === undefined ? null : { at: tick.at, pair, durations: tick.facts?.durations ?? null };
}

function addToState(state: ThresholdState, newest: Measured | null): ThresholdState {
  if (newest === null) return state;
  // A metric that is complete is never assessed again.
  if (state.phase === 'Successful' || endedBadly(state.phase)) return state;
  const { metric } = state;
  const { at } = newest;
  const window = [...state.window.filter((one) => one.at > at - metric.windowMs), newest];
  const dueAt = state.dueAt ?? at + metric.initialDelayMs;
  if (at < dueAt) return { ...state, window, dueAt };
  const value = measure(metric.value, window);
  const outcome = value === null ? 'Error' : outcomeOfMeasured(metric, value);
  const counted = count({ ...state, window }, outcome);
  const wait = outcome === 'Error' ? RETRY_MS : (metric.intervalMs ?? 0);
  const measurements = [...state.measurements, { at, value, outcome }].slice(-KEPT);
  return { ...counted, dueAt: at + wait, measurements, phase: phaseOfMetric(counted) };
}

/** Null is what a failing query would be: the newest tick is silent. */
function measure(kind: ThresholdValue, window: readonly Measured[]): number | null {
  if (kind === 'p50' || kind === 'p99') return percentile(kind === 'p50' ? 0.5 : 0.99, window);
  if (window.at(-1)?.pair === null) return null;
  const sum = window.reduce((total, { pair }) => addPairs(total, pair ?? NO_REQUESTS), NO_REQUESTS);
  return shareOf(kind, sum);
}

function percentile(part: number, window: readonly Measured[]): number | null {
  if (window.at(-1)?.durations === null) return null;
  const merged = mergeDurations(window.flatMap(({ durations }) => (durations === null ? [] : [durations.canary])));
  return merged === null ? null : quantileOf(merged, part);
}

/** Without requests a share is NaN, as a query would give it. */
function shareOf(kind: Exclude<ThresholdValue, 'p50' | 'p99'>, { canary, stable }: Pair): number {
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

/** Nothing is no success. */
function outcomeOfMeasured(metric: ThresholdMetric, value: number): Outcome {
  const outcome = outcomeOf(metric, value);
  return outcome === 'Successful' && Number.isNaN(value) ? 'Error' : outcome;
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
