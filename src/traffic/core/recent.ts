import { createMinuteRing, minuteOf, type MinuteRing } from './minutes.ts';

/** How many whole minutes besides the current one still count as recent. */
const EARLIER_MINUTES = 4;
const MINUTE_MS = 60_000;

/** What happened lately; cumulative counts of months cannot say how it is now. */
export interface Recent {
  /** At most this long ago. */
  readonly forMs: number;
  readonly requests: number;
  readonly errors: number;
}

/** Counts of one version by the minute. */
export interface RecentCounter {
  add(atMs: number, isError: boolean): void;
  read(atMs: number): Recent;
}

export function createRecent(): RecentCounter {
  const ring: MinuteRing = createMinuteRing(EARLIER_MINUTES + 1);
  return {
    add: ring.add,
    read: (atMs) => {
      const fresh = ring.read(minuteOf(atMs) - EARLIER_MINUTES, minuteOf(atMs));
      return {
        forMs: (EARLIER_MINUTES + 1) * MINUTE_MS,
        requests: fresh.reduce((sum, { requests }) => sum + requests, 0),
        errors: fresh.reduce((sum, { errors }) => sum + errors, 0),
      };
    },
  };
}
