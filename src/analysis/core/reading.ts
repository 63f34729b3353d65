import { formatDuration, type Duration, type Instant } from '../../kernel/pure.ts';
import { problemOfPair, type Arm, type Pair } from './counts.ts';

/** A value of each of the two versions that are compared. */
export interface Both<T> {
  readonly canary: T;
  readonly stable: T;
}

/** Samples by bucket since counting began: inclusive upper bounds (the last is +Infinity, written null), counts not summed up. */
export interface Histogram {
  readonly bounds: readonly (number | null)[];
  readonly counts: readonly number[];
}

/** What a source measured of both versions: counts since counting began, or a value that goes up and down. */
export type Measured =
  | { readonly kind: 'counts'; readonly versions: Pair }
  | { readonly kind: 'histogram'; readonly versions: Both<Histogram> }
  | { readonly kind: 'gauge'; readonly versions: Both<number> };

/** One answer of a source, of one moment for both versions. */
export type Heard = Measured & {
  /** When it was so, by the source's own clock. */
  readonly at: Instant;
  /** Another value than before: counting began again. */
  readonly epoch: string;
};

/** Nothing is known; never mistaken for a zero. */
export interface Silent {
  readonly kind: 'silent';
  readonly reason: string;
}

export type Reading = Heard | Silent;

/** Further apart, and it is not known which span a reading is about. */
const MOST_SKEW: Duration = 5 * 60_000;

export function silent(reason: string): Silent {
  return { kind: 'silent', reason };
}

/** The reading, or silence with the reason why its numbers cannot be. `receivedAt` is the runner's clock. */
export function checkedReading(reading: Reading, receivedAt: Instant): Reading {
  if (reading.kind === 'silent') return reading;
  const problem = problemOfMoment(reading.at, receivedAt) ?? problemOfMeasured(reading);
  return problem === null ? reading : silent(problem);
}

function problemOfMoment(at: Instant, receivedAt: Instant): string | null {
  if (!Number.isFinite(at)) return `${at} is no time`;
  const ahead = at - receivedAt;
  if (Math.abs(ahead) <= MOST_SKEW) return null;
  return `its clock is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} this machine's, so what it is about is not known`;
}

function problemOfMeasured(measured: Measured): string | null {
  switch (measured.kind) {
    case 'counts':
      return problemOfPair(measured.versions);
    case 'gauge':
      return firstProblem(measured.versions, (value) => (Number.isFinite(value) ? null : `${value} is no number`));
    case 'histogram':
      return firstProblem(measured.versions, problemOfHistogram) ?? sameBounds(measured.versions);
  }
}

function firstProblem<T>({ canary, stable }: Both<T>, problemOf: (value: T) => string | null): string | null {
  for (const [side, value] of [
    ['canary', canary],
    ['stable', stable],
  ] as const) {
    const problem = problemOf(value);
    if (problem !== null) return `${side}: ${problem}`;
  }
  return null;
}

function problemOfHistogram({ bounds, counts }: Histogram): string | null {
  if (bounds.length === 0 || bounds.length !== counts.length) return `${counts.length} counts for ${bounds.length} buckets`;
  if (bounds.at(-1) !== null) return 'the last bucket has an upper bound, so what is above it is not counted';
  const finite = bounds.slice(0, -1);
  if (finite.some((bound, index) => bound === null || !Number.isFinite(bound) || bound <= (finite[index - 1] ?? Number.NEGATIVE_INFINITY)))
    return 'its bucket bounds are not in order';
  const odd = counts.find((count) => !Number.isSafeInteger(count) || count < 0);
  return odd === undefined ? null : `a bucket counts ${odd}, which is no whole number of 0 or more`;
}

function sameBounds({ canary, stable }: Both<Histogram>): string | null {
  return equalBounds(canary, stable) ? null : 'the two versions have different buckets, which cannot be compared';
}

function equalBounds(one: Histogram, other: Histogram): boolean {
  return one.bounds.length === other.bounds.length && one.bounds.every((bound, index) => bound === other.bounds[index]);
}

/** What happened between two readings, or why it cannot be known. */
export type Change = { readonly pair: Pair } | { readonly pair: null; readonly reason: string };

/**
 * The counts between two readings of one source. Of a histogram those above `edge` are the bad ones.
 * Anything that does not add up gives no counts and the reason: another epoch, a count or a clock that went back, other buckets.
 */
export function changeBetween(earlier: Heard, later: Heard, edge: number | null): Change {
  if (later.epoch !== earlier.epoch) return unknown('its counters began anew');
  if (later.at < earlier.at) return unknown(`its clock went back by ${formatDuration(earlier.at - later.at)}`);
  if (later.kind === 'counts' && earlier.kind === 'counts') return counted(later.versions, earlier.versions);
  if (later.kind === 'histogram' && earlier.kind === 'histogram') return counted2(later.versions, earlier.versions, edge);
  return unknown(later.kind === 'gauge' ? 'it gives a gauge, where counts are needed' : 'it gives another kind of numbers than before');
}

function counted2(later: Both<Histogram>, earlier: Both<Histogram>, edge: number | null): Change {
  if (!equalBounds(later.canary, earlier.canary) || !equalBounds(later.stable, earlier.stable)) return unknown('its buckets changed');
  // One bucket may go back while their sum grows.
  if (lessIn(later.canary, earlier.canary) || lessIn(later.stable, earlier.stable)) return unknown(WENT_BACK);
  if (edge === null) return unknown(NO_EDGE);
  const bound = edgeProblem(later.stable, edge);
  if (bound !== null) return unknown(bound);
  const arms = (versions: Both<Histogram>): Pair => ({ canary: slowIn(versions.canary, edge), stable: slowIn(versions.stable, edge) });
  return counted(arms(later), arms(earlier));
}

const WENT_BACK = 'a count went back: counting began anew, or an instance is gone';
const NO_EDGE = `too few requests of the stable version are known to say what is slow`;

function lessIn(later: Histogram, earlier: Histogram): boolean {
  return later.counts.some((count, index) => count < (earlier.counts[index] ?? 0));
}

function counted(later: Pair, earlier: Pair): Change {
  const pair = { canary: minus(later.canary, earlier.canary), stable: minus(later.stable, earlier.stable) };
  const arms = [pair.canary, pair.stable];
  if (arms.some(({ requests, bad }) => requests < 0 || bad < 0)) return unknown(WENT_BACK);
  const problem = problemOfPair(pair);
  return problem === null ? { pair } : unknown(problem);
}

function minus(one: Arm, other: Arm): Arm {
  return { requests: one.requests - other.requests, bad: one.bad - other.bad };
}

function slowIn({ bounds, counts }: Histogram, edge: number): Arm {
  return {
    requests: counts.reduce((sum, count) => sum + count, 0),
    bad: counts.reduce((sum, count, index) => sum + ((bounds[index] ?? Number.POSITIVE_INFINITY) > edge ? count : 0), 0),
  };
}

function edgeProblem({ bounds }: Histogram, edge: number): string | null {
  if (bounds.includes(edge)) return null;
  return `${edge} is not the bound of a bucket, so what is slower is not counted; the bounds are ${bounds.filter((bound) => bound !== null).join(', ')}`;
}

function unknown(reason: string): Change {
  return { pair: null, reason };
}

/** Fewer requests than this have no 99th percentile worth the name. */
const LEAST_FOR_EDGE = 1_000;

/** Above which value a sample is slow: the upper bound of the bucket that holds the stable version's 99th percentile; null where that says nothing. */
export function edgeOf({ bounds, counts }: Histogram): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all < LEAST_FOR_EDGE) return null;
  let seen = 0;
  const index = counts.findIndex((count) => (seen += count) >= Math.ceil(0.99 * all));
  return bounds[index] ?? null;
}
