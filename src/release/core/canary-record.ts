import type { Judgement, MetricJudgement } from '../../analysis/pure.ts';
import type { JsonObject, JsonValue } from '../../kernel/pure.ts';

/** A judgement as it is recorded: everything the decision was made from, in numbers that JSON can hold (null for what has no bound). */
export function recordOf({ verdict, because, metrics, thresholds }: Judgement): JsonObject {
  return { verdict, because, thresholds: finite({ ...thresholds }), metrics: metrics.map(metricRecord) };
}

function metricRecord({ name, verdict, rule, because, needs, figures }: MetricJudgement): JsonObject {
  const { seen, bake, dispersion, ratio, e } = figures;
  return {
    name,
    verdict,
    rule,
    because,
    needs: needs === null ? null : { ...needs },
    seen: { canary: { ...seen.canary }, stable: { ...seen.stable } },
    bake: { canary: { ...bake.canary }, stable: { ...bake.stable } },
    dispersion,
    ratio: finite({ ...ratio }),
    logE: finite({ ...e }),
  };
}

function finite(values: Readonly<Record<string, number | null>>): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([name, value]): [string, JsonValue] => [name, round(value)]));
}

/** Four digits say as much as a person or a plot can use; a replay counts from the ticks. */
function round(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}
