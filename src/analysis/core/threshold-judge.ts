import type { Instant, Verdict } from '../../kernel/pure.ts';
import type { JudgeRules } from './judge.ts';
import { becauseOf, type MetricJudgement } from './judgement.ts';
import { addToTally, type Tally } from './tally.ts';
import {
  addToThreshold,
  holds,
  startThreshold,
  thresholdVerdict,
  type Condition,
  type ThresholdJudge,
  type ThresholdMetric,
  type ThresholdState,
} from './threshold.ts';

/** The policy `threshold` as data: the metrics of one analysis run. Each checkpoint is a run of its own, as an analysis step is in Argo. */
export interface ThresholdPolicy {
  readonly kind: 'threshold';
  readonly metrics: readonly ThresholdMetric[];
}

export interface ThresholdRun {
  readonly kind: 'threshold';
  readonly policy: ThresholdPolicy;
  readonly lastAt: Instant | null;
  readonly run: ThresholdJudge;
  readonly tally: Tally;
}

export const THRESHOLD_RULES: JudgeRules<ThresholdPolicy, ThresholdRun> = {
  start: (policy) => ({ kind: 'threshold', policy, lastAt: null, run: startThreshold(policy.metrics), tally: {} }),
  // What failed stays failed: a new weight is no second chance.
  checkpoint: (state, at) =>
    state.run.phase === 'Failed'
      ? { ...state, lastAt: at }
      : { ...state, lastAt: at, run: startThreshold(state.policy.metrics), tally: {} },
  tick: (state, tick) => ({ ...state, lastAt: tick.at, run: addToThreshold(state.run, tick), tally: addToTally(state.tally, tick) }),
  judgement: ({ run, tally }) => {
    const metrics = run.metrics.map((state) => judged(state, tally));
    const verdict = thresholdVerdict(run);
    const deciding = metrics.filter((_metric, index) => run.metrics[index]?.metric.dryRun !== true);
    // One metric that ended badly ends its siblings, whatever they were at.
    const because = becauseOf(verdict, deciding) || `the run is ${run.phase}`;
    return { verdict, because, metrics, thresholds: null };
  },
  verdict: ({ run }) => thresholdVerdict(run),
};

function verdictOf(state: ThresholdState): Verdict {
  if (state.metric.dryRun) return 'pass';
  if (state.phase === 'Failed') return 'fail';
  return state.phase === 'Successful' || holds(state) ? 'pass' : 'unknown';
}

function judged(state: ThresholdState, tally: Tally): MetricJudgement {
  const { metric, phase, measurements } = state;
  const newest = measurements.at(-1);
  const compared = [
    {
      what: `${metric.value} over its window`,
      value: newest?.value ?? null,
      limit: (metric.successCondition ?? metric.failureCondition)?.than ?? null,
    },
    { what: 'failed measurements', value: state.failed, limit: metric.failureLimit },
    { what: 'inconclusive measurements', value: state.inconclusive, limit: metric.inconclusiveLimit },
    { what: 'errors in a row', value: state.consecutiveErrors, limit: metric.consecutiveErrorLimit },
  ];
  return {
    name: metric.name,
    verdict: verdictOf(state),
    rule: phase,
    because: sentence(state),
    seen: tally[metric.of ?? metric.name] ?? null,
    figures: null,
    shift: null,
    compared,
    needs: null,
  };
}

function sentence(state: ThresholdState): string {
  const { metric, phase, measurements, successful, failed, inconclusive } = state;
  const dry = metric.dryRun ? 'dry run, decides nothing: ' : '';
  if (measurements.length === 0) return `${dry}not measured yet`;
  const value = measurements.at(-1)?.value ?? null;
  const newest = value === null ? 'its source gives nothing' : `${measured(metric.value, value)}${conditions(metric)}`;
  const counts = `${successful} measurements were successful, ${failed} failed (limit ${metric.failureLimit}), ${inconclusive} were inconclusive (limit ${metric.inconclusiveLimit})`;
  return `${dry}${phase}: ${newest}; ${counts}`;
}

function measured(what: ThresholdMetric['value'], value: number): string {
  if (!Number.isNaN(value)) return `${what} ${Number(value.toPrecision(3))}`;
  switch (what) {
    case 'difference':
      return `${what} is not known: a version had no requests in the window`;
    case 'ratio':
      return `${what} is not known: a version had no requests in the window, or neither had bad ones`;
    default:
      return `${what} is not known: the canary had no requests in the window`;
  }
}

function conditions({ successCondition, failureCondition }: ThresholdMetric): string {
  const tell = (word: string, condition: Condition | null): string =>
    condition === null ? '' : `${word} ${condition.is} ${condition.than}`;
  const told = [tell('success is', successCondition), tell('failure is', failureCondition)].filter((one) => one !== '');
  return told.length === 0 ? '' : `, ${told.join(', ')}`;
}
