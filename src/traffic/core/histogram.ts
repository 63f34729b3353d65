/** Latency counts as `VersionStats.latency` carries them. */
export interface Latency {
  /** Upper bounds in ms, inclusive (Prometheus' `le`); the last is +Infinity, written null. */
  readonly boundsMs: readonly (number | null)[];
  /** Samples per bucket, not cumulative. */
  readonly counts: readonly number[];
}

/** Renard's R10 series: ten steps per decade, each about 1.26 times the last, with the round limits people choose (100, 250, 500) on an edge. */
const R10 = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8] as const;
const LONGEST_MS = 60_000;

/** The fixed bounds of every latency histogram: R10 from 1 ms to 50 s, then 60 s, then no bound (null). Never changed: differences need equal bounds. */
export const LATENCY_BOUNDS_MS: readonly (number | null)[] = [
  ...[1, 10, 100, 1_000, 10_000]
    .flatMap((decade) => R10.map((step) => Math.round(step * decade * 100) / 100))
    .filter((bound) => bound < LONGEST_MS),
  LONGEST_MS,
  null,
];

/** Index of the bucket a latency belongs to. A negative or not-a-number latency is a bug of the caller. */
export function bucketOf(ms: number): number {
  if (!(ms >= 0)) throw new Error(`Not a latency: ${ms}`);
  let low = 0;
  let high = LATENCY_BOUNDS_MS.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ms <= (LATENCY_BOUNDS_MS[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A bucket: the true value lies in (`lowMs`, `highMs`]; `highMs` null means no upper bound is known. */
export interface QuantileBounds {
  readonly lowMs: number;
  readonly highMs: number | null;
}

/**
 * The bucket that holds the q-quantile (0..1) by the nearest-rank definition: the smallest sample with at least
 * `q * n` samples at or below it. A range rather than a made-up point inside it, so a judge cannot mistake
 * interpolation for measurement. Null without samples: nothing measured is unknown, never 0 ms.
 */
export function quantile(latency: Latency, q: number): QuantileBounds | null {
  if (!(q >= 0 && q <= 1)) throw new Error(`Not a quantile: ${q}`);
  const total = latency.counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (const [index, count] of latency.counts.entries()) {
    seen += count;
    if (seen >= rank) return { lowMs: index === 0 ? 0 : (latency.boundsMs[index - 1] ?? 0), highMs: latency.boundsMs[index] ?? null };
  }
  throw new Error('A histogram has fewer samples than it counted');
}
