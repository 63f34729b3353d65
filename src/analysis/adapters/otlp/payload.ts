import { z } from 'zod';

/** A 64-bit whole number, which JSON writes as text (protobuf's JSON mapping). */
const int64 = z.union([z.string().regex(/^-?\d{1,20}$/), z.number()]).transform(Number);
/** Nanoseconds since the epoch -> milliseconds; 0 when nothing was said. */
const nanos = z.union([z.string().regex(/^\d{1,20}$/), z.number()]).transform((value) => Math.floor(Number(value) / 1_000_000));

const anyValue = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: int64.optional(),
  doubleValue: z.number().optional(),
});
const attributes = z
  .array(z.object({ key: z.string(), value: anyValue.optional() }))
  .transform((list) => Object.fromEntries(list.flatMap(({ key, value }) => (value === undefined ? [] : [[key, textOf(value)]]))));

function textOf({ stringValue, boolValue, intValue, doubleValue }: z.output<typeof anyValue>): string {
  return stringValue ?? String(boolValue ?? intValue ?? doubleValue ?? '');
}

const point = {
  attributes: attributes.default({}),
  startTimeUnixNano: nanos.default(0),
  timeUnixNano: nanos.default(0),
  flags: z.number().default(0),
};
const numberPoint = z.object({ ...point, asInt: int64.optional(), asDouble: z.number().optional() });
const histogramPoint = z.object({ ...point, explicitBounds: z.array(z.number()).default([]), bucketCounts: z.array(int64).default([]) });

/** 1 is delta, 2 is cumulative (opentelemetry-proto, metrics.proto). */
const temporality = z.number().default(0);

const metric = z.object({
  name: z.string(),
  sum: z
    .object({ dataPoints: z.array(numberPoint).default([]), aggregationTemporality: temporality, isMonotonic: z.boolean().default(false) })
    .optional(),
  gauge: z.object({ dataPoints: z.array(numberPoint).default([]) }).optional(),
  histogram: z.object({ dataPoints: z.array(histogramPoint).default([]), aggregationTemporality: temporality }).optional(),
  exponentialHistogram: z.object({ dataPoints: z.array(z.unknown()).default([]) }).optional(),
  summary: z.object({ dataPoints: z.array(z.unknown()).default([]) }).optional(),
});

/** An `ExportMetricsServiceRequest` as OTLP/HTTP writes it in JSON; keys not known here are ignored, as the specification asks. */
export const payloadSchema = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource: z.object({ attributes: attributes.default({}) }).default({ attributes: {} }),
        scopeMetrics: z.array(z.object({ metrics: z.array(metric).default([]) })).default([]),
      }),
    )
    .default([]),
});

export type Metric = z.output<typeof metric>;
export type NumberPoint = z.output<typeof numberPoint>;
export type HistogramPoint = z.output<typeof histogramPoint>;
export type Payload = z.output<typeof payloadSchema>;
