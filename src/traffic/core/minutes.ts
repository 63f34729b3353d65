const MINUTE_MS = 60_000;

/** What happened in one minute. */
export interface Minute {
  readonly requests: number;
  readonly errors: number;
}

/** Counts by the minute; written on every request, so a ring of plain fields. */
export interface MinuteRing {
  /** When counting began, as a minute; null before the first request. */
  readonly first: number | null;
  /** The newest minute with a request; null before the first. */
  readonly last: number | null;
  add(atMs: number, isError: boolean): void;
  /** The minutes from `from` to `to`, both included, oldest first; one that is forgotten, or had no requests, is zero. */
  read(from: number, to: number): readonly Minute[];
  /** Makes this minute and those after it like minutes without a request. */
  forget(from: number): void;
}

/** The minute a time belongs to. Times are monotonic: a clock that is set must not bring old minutes back. */
export function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS);
}

/** Remembers the newest `size` minutes. */
export function createMinuteRing(size: number): MinuteRing {
  const ring = Array.from({ length: size }, () => ({ minute: -Infinity, requests: 0, errors: 0 }));
  let first: number | null = null;
  let last: number | null = null;
  return {
    get first() {
      return first;
    },
    get last() {
      return last;
    },
    add: (atMs, isError) => {
      const minute = minuteOf(atMs);
      const slot = ring[minute % size];
      if (slot === undefined) return;
      if (slot.minute !== minute) Object.assign(slot, { minute, requests: 0, errors: 0 });
      slot.requests++;
      if (isError) slot.errors++;
      first ??= minute;
      last = Math.max(last ?? minute, minute);
    },
    read: (from, to) =>
      Array.from({ length: Math.max(0, to - from + 1) }, (_minute, index) => {
        const slot = ring[(from + index) % size];
        return slot?.minute === from + index ? { requests: slot.requests, errors: slot.errors } : { requests: 0, errors: 0 };
      }),
    forget: (from) => {
      for (const slot of ring) if (slot.minute >= from) slot.minute = -Infinity;
    },
  };
}

/** How many whole minutes an instance's history goes back. */
export const HISTORY_MINUTES = 30;

/** An instance that had no request for so many whole minutes is gone. */
const GONE_AFTER = 2;

/**
 * The whole minutes before `atMs` of all instances that still take requests, at most {@link HISTORY_MINUTES}: the same minutes for each,
 * since the oldest of them took its first request. Minutes from before an instance was there are like minutes without a request, so
 * one that was added or replaced a moment ago does not take away what is known of all others.
 */
export function historyOf(
  rings: ReadonlyMap<string, MinuteRing>,
  atMs: number,
): readonly { readonly instance: string; readonly minutes: readonly Minute[] }[] {
  const to = minuteOf(atMs) - 1;
  const active = [...rings].filter(([, { last }]) => last !== null && last >= to - GONE_AFTER);
  // The first minute of an instance is not a whole one.
  const begun = active.map(([, { first }]) => (first ?? to) + 1);
  const from = Math.max(Math.min(...begun), to - HISTORY_MINUTES + 1);
  return active.map(([instance, ring], index) => {
    const since = Math.max(from, begun[index] ?? to);
    return { instance, minutes: [...Array.from({ length: Math.min(since, to + 1) - from }, () => NONE), ...ring.read(since, to)] };
  });
}

const NONE: Minute = { requests: 0, errors: 0 };
