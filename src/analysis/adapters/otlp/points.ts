import type { HistogramPoint, Metric, NumberPoint, Payload } from './payload.ts';

/** Which process sent a point. */
export interface Sender {
  readonly service: string;
  readonly version: string;
  /** Empty where it was not told, which only deltas can do without. */
  readonly instance: string;
}

/** One data point in our own shape. Times in ms. */
export interface Point {
  readonly sender: Sender;
  readonly metric: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly temporality: 'delta' | 'cumulative';
  /** One number, or one per bucket. */
  readonly values: readonly number[];
  /** Upper bounds of a histogram, without the last; empty for numbers. */
  readonly bounds: readonly number[];
  readonly startedAt: number;
  readonly at: number;
}

/** A point that is not taken, and why. */
export interface Rejected {
  readonly count: number;
  readonly reason: string;
}

/** Points of a payload, and those that cannot be used with the reason. */
export function pointsOf({ resourceMetrics }: Payload): { readonly points: readonly Point[]; readonly rejected: readonly Rejected[] } {
  const made = resourceMetrics.flatMap(({ resource, scopeMetrics }) => {
    const { 'service.name': service, 'service.version': version, 'service.instance.id': instance = '' } = resource.attributes;
    return scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .flatMap((metric) =>
        service && version
          ? ofMetric(metric, { service, version, instance })
          : unusable(metric, 'the resource has no service.name or no service.version'),
      );
  });
  return {
    points: made.filter((one): one is Point => !('reason' in one)),
    rejected: made.filter((one): one is Rejected => 'reason' in one),
  };
}

function unusable(metric: Metric, reason: string): readonly Rejected[] {
  const lists = [metric.sum, metric.gauge, metric.histogram, metric.exponentialHistogram, metric.summary];
  return [{ count: lists.reduce((sum, list) => sum + (list?.dataPoints.length ?? 0), 0), reason }];
}

function ofMetric(metric: Metric, sender: Sender): readonly (Point | Rejected)[] {
  const { name, sum, gauge, histogram } = metric;
  if (sum !== undefined)
    return sum.isMonotonic
      ? sum.dataPoints.map((point) =>
          counted({ metric: name, sender, kind: 'counter', point, values: numberOf(point), bounds: [] }, sum.aggregationTemporality),
        )
      : sum.dataPoints.map((point) => gaugePoint(name, sender, point));
  if (gauge !== undefined) return gauge.dataPoints.map((point) => gaugePoint(name, sender, point));
  if (histogram !== undefined)
    return histogram.dataPoints.map((point) =>
      point.bucketCounts.length === point.explicitBounds.length + 1
        ? counted(
            { metric: name, sender, kind: 'histogram', point, values: point.bucketCounts, bounds: point.explicitBounds },
            histogram.aggregationTemporality,
          )
        : { count: 1, reason: `${name}: ${point.bucketCounts.length} bucket counts for ${point.explicitBounds.length} bounds` },
    );
  return unusable(metric, `${name}: only sums, gauges and histograms with explicit bounds are taken`);
}

function numberOf({ asInt, asDouble }: NumberPoint): readonly number[] {
  return [asInt ?? asDouble ?? Number.NaN];
}

function gaugePoint(metric: string, sender: Sender, point: NumberPoint): Point | Rejected {
  const values = numberOf(point);
  if (!values.every(Number.isFinite)) return { count: 1, reason: `${metric}: a value is no number` };
  return { sender, metric, attributes: point.attributes, kind: 'gauge', temporality: 'cumulative', values, bounds: [], ...times(point) };
}

interface Counted extends Pick<Point, 'metric' | 'sender' | 'kind' | 'values' | 'bounds'> {
  readonly point: NumberPoint | HistogramPoint;
}

function counted({ point, ...rest }: Counted, temporality: number): Point | Rejected {
  const refuse = (reason: string): Rejected => ({ count: 1, reason: `${rest.metric}: ${reason}` });
  if (temporality !== 1 && temporality !== 2) return refuse('its aggregationTemporality is neither delta (1) nor cumulative (2)');
  if (!rest.values.every((value) => Number.isFinite(value) && value >= 0)) return refuse('a count is not a number of 0 or more');
  if (temporality === 2 && rest.sender.instance === '')
    return refuse('cumulative counts need service.instance.id, to tell the processes of one version apart');
  return { ...rest, attributes: point.attributes, temporality: temporality === 1 ? 'delta' : 'cumulative', ...times(point) };
}

function times({ startTimeUnixNano, timeUnixNano }: NumberPoint | HistogramPoint): Pick<Point, 'startedAt' | 'at'> {
  return { startedAt: startTimeUnixNano, at: timeUnixNano };
}
