import { z } from 'zod';
import { silent, type Both, type Histogram, type Reading } from '../../core/reading.ts';
import type { Ask } from '../../ports.ts';
import { PART, type Part, type Side } from './query.ts';

/** As in Prometheus' HTTP API, "Instant queries": the value is `[seconds, "text"]`. */
const answerSchema = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({
      resultType: z.literal('vector'),
      result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
    }),
    z.object({ resultType: z.enum(['matrix', 'scalar', 'string']) }),
  ]),
  warnings: z.array(z.string()).optional(),
});

interface Series {
  readonly part: string;
  readonly le: string | undefined;
  readonly at: number;
  readonly value: number;
}

/** What a Prometheus answered, as a reading. */
export function readAnswer(json: unknown, kind: Ask['kind']): Reading {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return silent('it answered JSON that is not a Prometheus answer');
  const { data, warnings = [] } = parsed.data;
  if (data.resultType !== 'vector') return silent(`the query gives a ${data.resultType}, where one number per version is needed`);
  // Of a part of the stores, say: what is missing is not told.
  if (warnings.length > 0) return silent(`it answered with a warning: ${(warnings[0] ?? '').slice(0, 200)}`);
  const series = data.result.map(({ metric, value: [at, value] }): Series => ({
    part: metric[PART] ?? '',
    le: metric['le'],
    at,
    value: numberOf(value),
  }));
  const at = series[0]?.at ?? 0;
  try {
    return { ...measuredOf(series, kind), at: Math.round(at * 1_000), epoch: '' };
  } catch (error) {
    if (error instanceof Unusable) return silent(error.message);
    throw error;
  }
}

/** Single numbers of an answer by the value of a label, or why there are none. */
export function numbersIn(json: unknown, label: string): ReadonlyMap<string, number> | string {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return 'it answered JSON that is not a Prometheus answer';
  const { data, warnings = [] } = parsed.data;
  if (data.resultType !== 'vector') return `the query gives a ${data.resultType}`;
  // Of a part of the stores, say: what is missing is not told.
  if (warnings.length > 0) return `it answered with a warning: ${(warnings[0] ?? '').slice(0, 200)}`;
  const numbers = new Map(data.result.map(({ metric, value: [, value] }) => [metric[label] ?? '', Number(value)]));
  return [...numbers.values()].every(Number.isFinite) ? numbers : 'it answered what is no number';
}

/** An answer that is well formed and of no use; only on its way to {@link readAnswer}. */
class Unusable extends Error {}

function measuredOf(series: readonly Series[], kind: Ask['kind']) {
  switch (kind) {
    case 'counts':
      return {
        kind,
        versions: both((side) => ({ requests: only(series, `${side} requests`), bad: only(series, `${side} bad`) })),
      };
    case 'histogram':
      return {
        kind,
        versions: both((side) =>
          histogramOf(
            series.filter(({ part }) => part === `${side} histogram`),
            side,
          ),
        ),
      };
    case 'gauge':
      return { kind, versions: both((side) => only(series, `${side} gauge`)) };
  }
}

function both<T>(of: (side: Side) => T): Both<T> {
  return { canary: of('canary'), stable: of('stable') };
}

function only(series: readonly Series[], part: Part): number {
  const found = series.filter((one) => one.part === part);
  const [first] = found;
  if (first === undefined)
    throw new Unusable(
      `no series of ${part}${part.endsWith(' bad') ? '; where none means zero, write `... or vector(0)`' : ': not scraped, or no such labels'}`,
    );
  if (found.length > 1) throw new Unusable(`${found.length} series of ${part}, where one is needed: put a sum() around the query`);
  if (Number.isNaN(first.value)) throw new Unusable(`${part} is not a number (NaN)`);
  return countOf(first.value, part);
}

function countOf(value: number, part: Part): number {
  if (part.endsWith('gauge') || Number.isInteger(value)) return value;
  throw new Unusable(`${part} is ${value}: counts are whole numbers, so ask for the counter itself, without rate() or increase()`);
}

function histogramOf(series: readonly Series[], side: Side): Histogram {
  if (series.length === 0) throw new Unusable(`no buckets of ${side}: not scraped, or no such labels`);
  const buckets = series.map(({ le, value }) => ({
    bound: boundOf(le),
    value: Number.isNaN(value) ? Number.NaN : countOf(value, `${side} histogram`),
  }));
  const sorted = buckets.toSorted((one, other) => (one.bound ?? Number.POSITIVE_INFINITY) - (other.bound ?? Number.POSITIVE_INFINITY));
  if (sorted.some(({ bound }, index) => index > 0 && bound === sorted[index - 1]?.bound))
    throw new Unusable(`several series of one bucket of ${side}: put a sum by (le) (...) around the query`);
  if (sorted.at(-1)?.bound !== null) throw new Unusable(`the buckets of ${side} have no le="+Inf"`);
  // Each of Prometheus' buckets holds the ones below as well.
  const counts = sorted.map(({ value }, index) => value - (sorted[index - 1]?.value ?? 0));
  if (counts.some((count) => !(count >= 0))) throw new Unusable(`the buckets of ${side} contradict each other: a larger one counts less`);
  return { bounds: sorted.map(({ bound }) => bound), counts };
}

function boundOf(le: string | undefined): number | null {
  const bound = le === undefined ? Number.NaN : numberOf(le);
  if (Number.isNaN(bound)) throw new Unusable('a series has no bucket bound: keep the label le, as in sum by (le) (...)');
  return bound === Number.POSITIVE_INFINITY ? null : bound;
}

/** `+Inf` and `NaN` are how Prometheus writes what JSON cannot. */
function numberOf(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : text.trim() === '' ? Number.NaN : Number(text);
}
