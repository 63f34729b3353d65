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

/** Counts by the minute; written on every request, so a ring of plain fields. */
export interface RecentCounter {
  add(atMs: number, isError: boolean): void;
  read(atMs: number): Recent;
}

/** @remarks Times are monotonic: a clock that is set must not bring old minutes back. */
export function createRecent(): RecentCounter {
  const ring = Array.from({ length: EARLIER_MINUTES + 1 }, () => ({ minute: -Infinity, requests: 0, errors: 0 }));
  return {
    add: (atMs, isError) => {
      const minute = Math.floor(atMs / MINUTE_MS);
      const slot = ring[minute % ring.length];
      if (slot === undefined) return;
      if (slot.minute !== minute) Object.assign(slot, { minute, requests: 0, errors: 0 });
      slot.requests++;
      if (isError) slot.errors++;
    },
    read: (atMs) => {
      const oldest = Math.floor(atMs / MINUTE_MS) - EARLIER_MINUTES;
      const fresh = ring.filter(({ minute }) => minute >= oldest);
      return {
        forMs: ring.length * MINUTE_MS,
        requests: fresh.reduce((sum, { requests }) => sum + requests, 0),
        errors: fresh.reduce((sum, { errors }) => sum + errors, 0),
      };
    },
  };
}
