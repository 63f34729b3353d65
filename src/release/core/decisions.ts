import { addPairs, NO_REQUESTS, roundTop, type Pair, type Plot, type Tick } from '../../analysis/pure.ts';
import { isJsonObject, type Duration, type Instant, type JsonObject, type Verdict } from '../../kernel/pure.ts';
import type { ReleaseEvent } from './events.ts';
import { judgedCheckpoints, type JudgedCheckpoint } from './judged.ts';
import type { Plan } from './plan.ts';

/** What was decided at one checkpoint of a canary, with everything it was decided from; for a person, a program and an auditor. */
export interface Decision {
  readonly step: string;
  /** Whole percent of the requests the canary had. */
  readonly weight: number;
  readonly canary: string;
  readonly stable: string;
  readonly judge: string;
  readonly startedAt: Instant;
  readonly decidedAt: Instant;
  readonly verdict: Verdict;
  /** One sentence: why. */
  readonly reason: string;
  /** The judge's own record: sample sizes, e-values or compared values, thresholds. */
  readonly judgement: JsonObject;
  readonly series: readonly MetricSeries[];
}

/** Both versions' counts of one metric in equal spans since the checkpoint began. */
export interface MetricSeries {
  readonly metric: string;
  readonly spanMs: Duration;
  readonly spans: readonly Pair[];
}

/** A plot has room for so many; a checkpoint of a day has 8,640 ticks. */
const MOST_SPANS = 120;
const SHORTEST_SPAN_MS: Duration = 500;

/** Each checkpoint that was judged, in order. */
export function decisionsOf(plan: Plan, events: readonly ReleaseEvent[]): readonly Decision[] {
  return judgedCheckpoints(plan, events).map((one) => ({
    step: one.step,
    weight: one.input.weight,
    canary: one.input.canary.version,
    stable: one.input.stable.version,
    judge: one.input.policy.kind,
    startedAt: one.startedAt,
    decidedAt: one.decidedAt,
    verdict: one.verdict,
    reason: one.reason,
    judgement: one.judgement,
    series: metricsIn(one).map((metric) => seriesOf(one, metric)),
  }));
}

/** The metrics the judge spoke of; what was counted beside them decided nothing. */
function metricsIn({ judgement, ticks }: JudgedCheckpoint): readonly string[] {
  const listed = Array.isArray(judgement['metrics']) ? judgement['metrics'].filter(isJsonObject) : [];
  const named = listed.map(({ name }) => name).filter((name) => typeof name === 'string');
  return named.filter((name) => ticks.some(({ metrics }) => metrics[name] !== undefined));
}

function seriesOf({ startedAt, ticks }: JudgedCheckpoint, metric: string): MetricSeries {
  const length = Math.max(SHORTEST_SPAN_MS, (ticks.at(-1)?.at ?? startedAt) - startedAt);
  const spanMs = Math.max(SHORTEST_SPAN_MS, Math.ceil(length / MOST_SPANS / SHORTEST_SPAN_MS) * SHORTEST_SPAN_MS);
  const spans: Pair[] = Array.from({ length: Math.ceil(length / spanMs) }, () => NO_REQUESTS);
  for (const tick of ticks) add(spans, spanOf(tick, startedAt, spanMs), tick.metrics[metric]);
  return { metric, spanMs, spans };
}

/** A tick tells of the time before it; one of a clock that was set back belongs to the first span. */
function spanOf({ at }: Tick, startedAt: Instant, spanMs: Duration): number {
  return Math.max(0, Math.ceil((at - startedAt) / spanMs) - 1);
}

function add(spans: Pair[], index: number, pair: Pair | null | undefined): void {
  if (pair !== null && pair !== undefined) spans[index] = addPairs(spans[index] ?? NO_REQUESTS, pair);
}

/** Both versions' bad share over time, and when it was decided. A gap is a span without requests. */
export function plotOf(decision: Decision, { metric, spanMs, spans }: MetricSeries): Plot {
  const shares = (side: keyof Pair): readonly (number | null)[] =>
    spans.map((pair) => (pair[side].requests === 0 ? null : pair[side].bad / pair[side].requests));
  const [canary, stable] = [shares('canary'), shares('stable')];
  const decidedAt = Math.max(0, decision.decidedAt - decision.startedAt);
  const points = (values: readonly (number | null)[]): Plot['lines'][number]['points'] => [
    ...values.map((y, index) => ({ x: index * spanMs, y })),
    { x: values.length * spanMs, y: null },
  ];
  return {
    title: `${decision.step}: ${metric}, ${decision.canary} at ${decision.weight} % against ${decision.stable}`,
    x: { label: 'time since the checkpoint began', from: 0, to: Math.max(spans.length * spanMs, decidedAt, spanMs), unit: 'time' },
    y: { label: 'bad requests', from: 0, to: roundTop(Math.max(0, ...canary.map(Number), ...stable.map(Number))), unit: 'share' },
    lines: [
      { name: `canary ${decision.canary}`, points: points(canary) },
      { name: `stable ${decision.stable}`, points: points(stable) },
    ],
    marks: [{ x: decidedAt, label: decision.verdict }],
  };
}
