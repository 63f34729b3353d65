import type { Clock } from './effects.ts';
import type { Duration } from './pure.ts';

/** What comes of `work` within `ms`, else null; work that is late goes on, and nobody hears of its failure. */
export async function within<T>(work: Promise<T>, ms: Duration, clock: Pick<Clock, 'sleep'>): Promise<T | null> {
  const enough = new AbortController();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, clock.sleep(ms, enough.signal).then(() => null)]);
  } finally {
    enough.abort();
  }
}
