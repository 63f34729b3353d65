import { formatDuration, type Instant, type Verdict } from '../../kernel/pure.ts';
import type { JudgeRules } from './judge.ts';
import type { MetricJudgement } from './judgement.ts';
import {
  addToSpans,
  judgeKayenta,
  seriesOf,
  type Classification,
  type KayentaJudgement,
  type KayentaPolicy,
  type Spans,
} from './kayenta.ts';
import { addToTally, type Tally } from './tally.ts';

export interface MannWhitneyState {
  readonly kind: 'mann-whitney';
  readonly policy: KayentaPolicy;
  readonly lastAt: Instant | null;
  readonly since: Instant | null;
  readonly spans: Spans;
  /** The newest score; null before the first interval is over. */
  readonly scored: { readonly interval: number; readonly judgement: KayentaJudgement } | null;
  readonly tally: Tally;
}

/**
 * Scores the whole checkpoint each time an interval is over; the newest score is the verdict, and one at or below the marginal score
 * ends it at once. Between two scores nothing changes: nothing in the test allows for more looks.
 */
export const MANN_WHITNEY_RULES: JudgeRules<KayentaPolicy, MannWhitneyState> = {
  start: (policy) => {
    if (policy.metrics.length === 0) throw new Error('A policy names at least one metric');
    return { kind: 'mann-whitney', policy, lastAt: null, since: null, spans: { byNumber: [] }, scored: null, tally: {} };
  },
  checkpoint: (state, at) =>
    verdict(state) === 'fail'
      ? { ...state, lastAt: at }
      : { ...state, lastAt: at, since: at, spans: { byNumber: [] }, scored: null, tally: {} },
  tick: (state, tick) => {
    if (verdict(state) === 'fail') return { ...state, lastAt: tick.at };
    const since = state.since ?? tick.at;
    const spans = addToSpans(state.spans, tick, { since, spanMs: state.policy.spanMs });
    const interval = Math.floor((tick.at - since) / state.policy.intervalMs);
    const due = interval > (state.scored?.interval ?? 0);
    const scored = due ? { interval, judgement: judgeKayenta(state.policy, allSeries(state.policy, spans)) } : state.scored;
    return { ...state, lastAt: tick.at, since, spans, scored, tally: addToTally(state.tally, tick) };
  },
  judgement: (state) => {
    const { policy, scored } = state;
    const metrics = policy.metrics.map(({ name }) => judged(state, name));
    const score =
      scored === null
        ? `the first score comes ${formatDuration(policy.intervalMs)} after the weight began`
        : scoreText(policy, scored.judgement);
    return { verdict: verdict(state), because: score, metrics, thresholds: null };
  },
  verdict,
};

function verdict({ scored }: MannWhitneyState): Verdict {
  return scored?.judgement.verdict ?? 'unknown';
}

function allSeries(policy: KayentaPolicy, spans: Spans): Readonly<Record<string, ReturnType<typeof seriesOf>>> {
  return Object.fromEntries(policy.metrics.map(({ name }) => [name, seriesOf(spans, name)]));
}

function scoreText({ pass, marginal }: KayentaPolicy, { score, metrics }: KayentaJudgement): string {
  const told = metrics.map(({ name, classification }) => `${name} ${classification}`).join(', ');
  return `score ${score}, where ${pass} passes and ${marginal} or less fails (${told})`;
}

const VERDICTS: Readonly<Record<Classification, Verdict>> = {
  Pass: 'pass',
  High: 'fail',
  Low: 'fail',
  Nodata: 'unknown',
  NodataFailMetric: 'unknown',
};

function judged({ policy, scored, spans, tally }: MannWhitneyState, name: string): MetricJudgement {
  const classification = scored?.judgement.metrics.find((one) => one.name === name)?.classification ?? null;
  const { canary, stable } = seriesOf(spans, name);
  const points = Math.min(canary.length, stable.length);
  const enough = points >= policy.leastPoints ? '' : `, ${points} of the ${policy.leastPoints} points that are needed`;
  return {
    name,
    verdict: classification === null ? 'unknown' : VERDICTS[classification],
    rule: classification ?? 'open',
    because: `${classification ?? 'not scored yet'}${enough}`,
    seen: tally[name] ?? null,
    figures: null,
    shift: null,
    compared: [
      { what: 'points of the shorter series', value: points, limit: policy.leastPoints },
      { what: 'score of all metrics', value: scored?.judgement.score ?? null, limit: policy.pass },
    ],
    needs: null,
  };
}
