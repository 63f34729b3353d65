import { joinVerdicts, type Instant } from '../../kernel/pure.ts';
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
} from './metric-judge.ts';
import { thresholdsOf, type SequentialPolicy, type Thresholds } from './policy.ts';
import { requestsNeeded } from './forecast.ts';
import { sentenceOf } from './sentence.ts';
import type { JudgeRules } from './judge.ts';
import { becauseOf, type MetricJudgement } from './judgement.ts';
import { shiftIn, shiftText } from './shift.ts';
import { newsOf } from './tick.ts';

/** The sequential judge of one canary. */
export interface SequentialJudge {
  readonly kind: 'sequential';
  readonly policy: SequentialPolicy;
  readonly thresholds: Thresholds;
  readonly checkpointAt: Instant | null;
  readonly lastAt: Instant | null;
  readonly metrics: readonly MetricState[];
}

function scatterFrom(known: number | Scatter | undefined, before: Scatter): Scatter {
  return typeof known === 'number' ? { ...before, dispersion: known } : (known ?? before);
}

export const SEQUENTIAL_RULES: JudgeRules<SequentialPolicy, SequentialJudge> = {
  start: (policy, shape, dispersions) => {
    if (policy.metrics.length === 0) throw new Error('A policy names at least one metric');
    return {
      kind: 'sequential',
      policy,
      thresholds: thresholdsOf(policy, shape),
      checkpointAt: null,
      lastAt: null,
      metrics: policy.metrics.map((metric) => startMetric(metric, scatterFrom(dispersions[metric.name], NO_SCATTER))),
    };
  },
  checkpoint: (judge, at, dispersions) => ({
    ...judge,
    checkpointAt: at,
    lastAt: at,
    metrics: judge.metrics.map((state) => metricAtCheckpoint(state, scatterFrom(dispersions[state.policy.name], state.scatter))),
  }),
  tick: (judge, tick) => ({
    ...judge,
    checkpointAt: judge.checkpointAt ?? tick.at,
    lastAt: tick.at,
    metrics: judge.metrics.map((state) => {
      const pair = newsOf(tick, state.policy.name);
      return pair === undefined ? state : addToMetric(state, tick.at, pair, judge.thresholds);
    }),
  }),
  judgement: (judge) => {
    const metrics = judge.metrics.map((state) => judgeMetric(judge, state));
    const verdict = joinVerdicts(metrics.map((one) => one.verdict));
    return { verdict, because: becauseOf(verdict, metrics), metrics, thresholds: judge.thresholds };
  },
  verdict: ({ metrics, thresholds }) => joinVerdicts(metrics.map((state) => decideMetric(state, evidenceOf(state), thresholds).verdict)),
};

function judgeMetric(judge: SequentialJudge, state: MetricState): MetricJudgement {
  const figures = figuresOf(state);
  const { verdict, rule } = decideMetric(state, figures.e, judge.thresholds);
  const needs = verdict === 'unknown' ? needsOf(judge, state, figures) : null;
  const shift = state.warm && state.silentSince === null ? shiftIn(figures, state.policy, verdict) : null;
  const sentence = sentenceOf({ state, figures, rule, needs });
  const because = shift === null ? sentence : `${sentence}; it is ${shiftText(shift)}`;
  return { name: state.policy.name, verdict, rule, because, seen: figures.seen, figures, shift, compared: [], needs };
}

function needsOf(judge: SequentialJudge, state: MetricState, figures: MetricFigures): MetricJudgement['needs'] {
  const requests = requestsNeeded(state, figures, judge.thresholds);
  const elapsed = (judge.lastAt ?? 0) - (judge.checkpointAt ?? 0);
  const { requests: seen } = state.seen.canary;
  return requests === null || seen === 0 || elapsed === 0 ? null : { requests, ms: Math.round((requests * elapsed) / seen) };
}
