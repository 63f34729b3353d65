import type { Judgement, MetricJudgement } from '../../analysis/pure.ts';
import type { JsonObject, JsonValue } from '../../kernel/pure.ts';

/** A judgement as it is recorded: everything the decision was made from, in numbers that JSON can hold (null for what has no bound). */
export function recordOf({ verdict, because, metrics, thresholds }: Judgement): JsonObject {
  return { verdict, because, thresholds: thresholds === null ? null : finite({ ...thresholds }), metrics: metrics.map(metricRecord) };
}

function metricRecord({ name, verdict, rule, because, needs, seen, figures, shift, compared }: MetricJudgement): JsonObject {
  return {
    name,
    verdict,
    rule,
    because,
    needs: needs === null ? null : { ...needs },
    seen: seen === null ? null : pairRecord(seen),
    ...(shift === null ? {} : { shift: { direction: shift.direction, ...finite({ low: shift.low, high: shift.high }) } }),
    ...(figures === null ? {} : figuresRecord(figures)),
    ...(compared.length === 0 ? {} : { compared: compared.map(({ what, value, limit }) => ({ what, ...finite({ value, limit }) })) }),
  };
}

/** The sequential judge's numbers. */
function figuresRecord({ bake, dispersion, ratio, e }: NonNullable<MetricJudgement['figures']>): JsonObject {
  return { bake: pairRecord(bake), dispersion, ratio: finite({ ...ratio }), logE: finite({ ...e }) };
}

function pairRecord({ canary, stable }: NonNullable<MetricJudgement['seen']>): JsonObject {
  return { canary: { ...canary }, stable: { ...stable } };
}

function finite(values: Readonly<Record<string, number | null>>): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([name, value]): [string, JsonValue] => [name, round(value)]));
}

/** Four digits say as much as a person or a plot can use; a replay counts from the ticks. */
function round(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}
