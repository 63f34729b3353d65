import type { Clock, Duration } from '../../kernel/index.ts';

export interface RateOptions {
  readonly perSecond: number;
  /** So many at once, after a quiet time. */
  readonly burst: number;
}

export interface Rate {
  /** Takes one for this key: 0 when there was one, else how long until there is. */
  take(key: string): Duration;
}

/** Keys that are remembered; more are only ever made by somebody who makes them up. */
const MOST_KEYS = 10_000;

/** A token bucket for each key. Buckets that are full again say nothing, so those are forgotten first. */
export function createRate({ perSecond, burst }: RateOptions, clock: Pick<Clock, 'monotonic'>): Rate {
  const buckets = new Map<string, { left: number; at: Duration }>();
  const refilled = (bucket: { left: number; at: Duration }, now: Duration): number =>
    Math.min(burst, bucket.left + ((now - bucket.at) / 1_000) * perSecond);
  const forget = (now: Duration): void => {
    for (const [key, bucket] of buckets) if (refilled(bucket, now) >= burst) buckets.delete(key);
    for (const key of buckets.keys()) {
      // Many at once, or every new key would look at all the others.
      if (buckets.size < 0.9 * MOST_KEYS) break;
      buckets.delete(key);
    }
  };
  return {
    take: (key) => {
      const now = clock.monotonic();
      let bucket = buckets.get(key);
      if (bucket === undefined) {
        if (buckets.size >= MOST_KEYS) forget(now);
        buckets.set(key, (bucket = { left: burst, at: now }));
      }
      bucket.left = refilled(bucket, now);
      bucket.at = now;
      if (bucket.left < 1) return ((1 - bucket.left) / perSecond) * 1_000;
      bucket.left -= 1;
      return 0;
    },
  };
}
