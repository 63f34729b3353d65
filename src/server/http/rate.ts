import type { Clock, Duration } from '../../kernel/index.ts';

export interface RateOptions {
  readonly perSecond: number;
  /** So many at once, after a quiet time. */
  readonly burst: number;
}

export interface Rate {
  /** Takes one for this key: 0 when there was one, else how long until there is. */
  take(key: string): Duration;
  /** So many more for this key, for a while: who asks because they were told to is not refused for it. */
  grant(key: string, count: number): void;
}

/** Keys that are remembered; more are only ever made by somebody who makes them up. */
const MOST_KEYS = 10_000;
/** Who was told to ask does so at once; what is left of it after this is nobody's. */
const GRANTED_MS = 30_000;
/** Of several changes one after the other; more than this were granted to clients that a process cannot have. */
const MOST_GRANTED = 100_000;

interface Bucket {
  left: number;
  at: Duration;
  granted: number;
  grantedUntil: Duration;
}

/** A token bucket for each key. Buckets that are full again say nothing, so those are forgotten first. */
export function createRate({ perSecond, burst }: RateOptions, clock: Pick<Clock, 'monotonic'>): Rate {
  const buckets = new Map<string, Bucket>();
  const refilled = (bucket: Bucket, now: Duration): number => Math.min(burst, bucket.left + ((now - bucket.at) / 1_000) * perSecond);
  const forget = (now: Duration): void => {
    for (const [key, bucket] of buckets) if (refilled(bucket, now) >= burst && now >= bucket.grantedUntil) buckets.delete(key);
    for (const key of buckets.keys()) {
      // Many at once, or every new key would look at all the others.
      if (buckets.size < 0.9 * MOST_KEYS) break;
      buckets.delete(key);
    }
  };
  const bucketOf = (key: string, now: Duration): Bucket => {
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      if (buckets.size >= MOST_KEYS) forget(now);
      buckets.set(key, (bucket = { left: burst, at: now, granted: 0, grantedUntil: 0 }));
    }
    bucket.left = refilled(bucket, now);
    bucket.at = now;
    if (now >= bucket.grantedUntil) bucket.granted = 0;
    return bucket;
  };
  return {
    take: (key) => {
      const bucket = bucketOf(key, clock.monotonic());
      if (bucket.left >= 1) bucket.left -= 1;
      else if (bucket.granted >= 1) bucket.granted -= 1;
      else return ((1 - bucket.left) / perSecond) * 1_000;
      return 0;
    },
    grant: (key, count) => {
      const now = clock.monotonic();
      const bucket = bucketOf(key, now);
      bucket.granted = Math.min(MOST_GRANTED, bucket.granted + count);
      bucket.grantedUntil = now + GRANTED_MS;
    },
  };
}
