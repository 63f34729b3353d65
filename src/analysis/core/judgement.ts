import type { Duration, Verdict } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import type { MetricFigures } from './metric-judge.ts';
import type { Thresholds } from './policy.ts';
import type { Shift } from './shift.ts';

/** The verdict on one metric, or by one rule, with everything it was made from. */
export interface MetricJudgement {
  readonly name: string;
  readonly verdict: Verdict;
  /** Which of the judge's rules decided. */
  readonly rule: string;
  /** One sentence for a person. */
  readonly because: string;
  /** Both versions' counts since the checkpoint began; null for a rule that is not about requests. */
  readonly seen: Pair | null;
  /** The sequential judge's numbers; null for the others. */
  readonly figures: MetricFigures | null;
  /** Of the sequential judge: unlike the stable version, and tolerated; null where that is not so, or not known. */
  readonly shift: Shift | null;
  /** What another judge held against what. */
  readonly compared: readonly Compared[];
  /** What is still needed for a pass, at the rates seen so far; null when it passed, failed or would not come, and where nobody can say. */
  readonly needs: { readonly requests: number; readonly ms: Duration } | null;
}

/** A value beside its limit; null where it is not known, or where there is no limit. */
export interface Compared {
  readonly what: string;
  readonly value: number | null;
  readonly limit: number | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The sentence of the metric that decided, or that is still open. */
  readonly because: string;
  readonly metrics: readonly MetricJudgement[];
  /** What a person is to do beside, already in the sentence; absent mostly. */
  readonly advice?: string;
  /** Of the sequential judge; null for the others, whose limits stand beside each value. */
  readonly thresholds: Thresholds | null;
}

/** The sentences of those metrics that have the verdict of the whole. */
export function becauseOf(verdict: Verdict, metrics: readonly Pick<MetricJudgement, 'name' | 'verdict' | 'because'>[]): string {
  return metrics
    .filter((one) => one.verdict === verdict)
    .map(({ name, because }) => `${name}: ${because}`)
    .join('; ');
}

/** The judgement with some of its metrics told in better words; what nobody had words for keeps its own sentence. */
export function retold(judgement: Judgement, metrics: readonly MetricJudgement[]): Judgement {
  if (metrics.every((one, index) => one === judgement.metrics[index])) return judgement;
  return { ...judgement, metrics, because: `${becauseOf(judgement.verdict, metrics)}${judgement.advice ?? ''}` };
}
