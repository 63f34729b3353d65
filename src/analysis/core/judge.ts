import { joinVerdicts, type Duration, type Instant, type Verdict } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import { NO_SCATTER, type Scatter } from './dispersion.ts';
import {
  addToMetric,
  decideMetric,
  evidenceOf,
  figuresOf,
  metricAtCheckpoint,
  startMetric,
  type MetricFigures,
  type MetricState,
  type Rule,
} from './metric-judge.ts';
import { thresholdsOf, type BakeShape, type SequentialPolicy, type Thresholds } from './policy.ts';
import { requestsNeeded } from './forecast.ts';
import { sentenceOf } from './sentence.ts';

/**
 * What one reading of the sources gave: the counts since the reading before, per metric; null where a source was silent. A metric
 * that is not named has no news: its source is read at another pace. Without any (as older builds wrote it) all were silent.
 */
export interface Tick {
  readonly at: Instant;
  readonly metrics: Readonly<Record<string, Pair | null>>;
}

/** The judge of one canary: a fold over ticks and checkpoints, so recorded ticks give the recorded decisions again. */
export interface Judge {
  readonly policy: SequentialPolicy;
  readonly thresholds: Thresholds;
  readonly checkpointAt: Instant | null;
  readonly lastAt: Instant | null;
  readonly metrics: readonly MetricState[];
}

/** How much the stable version's counts scatter, per metric (see `scatterOf`, or `dispersionOf` for the number alone); none where nothing is known. */
export type Dispersions = Readonly<Record<string, number | Scatter>>;

function scatterFrom(known: number | Scatter | undefined, before: Scatter): Scatter {
  return typeof known === 'number' ? { ...before, dispersion: known } : (known ?? before);
}

/**
 * Begins to judge a canary.
 * @throws Error for a policy without metrics: nothing judged must not look like something judged
 */
export function startJudge(policy: SequentialPolicy, shape: BakeShape, dispersions: Dispersions = {}): Judge {
  if (policy.metrics.length === 0) throw new Error('A policy names at least one metric');
  return {
    policy,
    thresholds: thresholdsOf(policy, shape),
    checkpointAt: null,
    lastAt: null,
    metrics: policy.metrics.map((metric) => startMetric(metric, scatterFrom(dispersions[metric.name], NO_SCATTER))),
  };
}

/** A new weight: each metric must pass anew. */
export function atCheckpoint(judge: Judge, at: Instant, dispersions: Dispersions = {}): Judge {
  return {
    ...judge,
    checkpointAt: at,
    lastAt: at,
    metrics: judge.metrics.map((state) => metricAtCheckpoint(state, scatterFrom(dispersions[state.policy.name], state.scatter))),
  };
}

/** One tick added. A tick of before the newest one (a clock that jumped back) counts as of that time. */
export function addTick(judge: Judge, tick: Tick): Judge {
  const at = Math.max(tick.at, judge.lastAt ?? tick.at);
  const isOfSome = Object.keys(tick.metrics).length > 0;
  return {
    ...judge,
    checkpointAt: judge.checkpointAt ?? at,
    lastAt: at,
    metrics: judge.metrics.map((state) => {
      const pair = tick.metrics[state.policy.name];
      return pair === undefined && isOfSome ? state : addToMetric(state, at, pair ?? null, judge.thresholds);
    }),
  };
}

/** The verdict on one metric with everything it was made from. */
export interface MetricJudgement {
  readonly name: string;
  readonly verdict: Verdict;
  readonly rule: Rule;
  /** One sentence for a person. */
  readonly because: string;
  readonly figures: MetricFigures;
  /** What is still needed for a pass, at the rates seen so far; null when it passed, failed or would not come. */
  readonly needs: { readonly requests: number; readonly ms: Duration } | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The sentence of the metric that decided, or that is still open. */
  readonly because: string;
  readonly metrics: readonly MetricJudgement[];
  readonly thresholds: Thresholds;
}

/** What the ticks so far say. `pass` only when every metric passed. */
export function judgementOf(judge: Judge): Judgement {
  const metrics = judge.metrics.map((state) => judgeMetric(judge, state));
  const verdict = joinVerdicts(metrics.map((one) => one.verdict));
  const deciding = metrics.filter((one) => one.verdict === verdict);
  return { verdict, because: deciding.map((one) => `${one.name}: ${one.because}`).join('; '), metrics, thresholds: judge.thresholds };
}

/** The verdict of {@link judgementOf} alone, for when it is asked millions of times. */
export function verdictOf({ metrics, thresholds }: Judge): Verdict {
  return joinVerdicts(metrics.map((state) => decideMetric(state, evidenceOf(state), thresholds).verdict));
}

function judgeMetric(judge: Judge, state: MetricState): MetricJudgement {
  const figures = figuresOf(state);
  const { verdict, rule } = decideMetric(state, figures.e, judge.thresholds);
  const needs = verdict === 'unknown' ? needsOf(judge, state, figures) : null;
  return { name: state.policy.name, verdict, rule, because: sentenceOf({ state, figures, rule, needs }), figures, needs };
}

function needsOf(judge: Judge, state: MetricState, figures: MetricFigures): MetricJudgement['needs'] {
  const requests = requestsNeeded(state, figures, judge.thresholds);
  const elapsed = (judge.lastAt ?? 0) - (judge.checkpointAt ?? 0);
  const { requests: seen } = state.seen.canary;
  return requests === null || seen === 0 || elapsed === 0 ? null : { requests, ms: Math.round((requests * elapsed) / seen) };
}
