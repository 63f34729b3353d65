import type { Latency } from './histogram.ts';

/** The counters of one version; the same shape as the port's `VersionStats`. */
export interface Counters {
  readonly version: string;
  readonly group: string;
  readonly requests: number;
  readonly errors: number;
  readonly clientErrors: number;
  readonly retries: number;
  readonly latency: Latency;
}

/** Cumulative counts of a route at one moment; the same shape as the port's `RouteStats`. */
export interface Counts {
  readonly at: number;
  /** When counting began. Another `since` means the counters started again from zero. */
  readonly since: number;
  readonly versions: readonly Counters[];
  readonly unrouted: number;
}

/**
 * What happened between two readings, as counts of the same shape. Null when it cannot be known: the counters
 * were reset in between (another `since`, or any of them smaller than before). A version that appears only in the later
 * reading counts from zero; one that appears only in the earlier has been forgotten and is left out.
 */
export function difference(later: Counts, earlier: Counts): Counts | null {
  if (later.since !== earlier.since || later.unrouted < earlier.unrouted) return null;
  const versions: Counters[] = [];
  for (const now of later.versions) {
    const before = earlier.versions.find((other) => other.version === now.version && other.group === now.group);
    const change = before === undefined ? now : subtract(now, before);
    if (change === null) return null;
    versions.push(change);
  }
  return { at: later.at, since: later.since, versions, unrouted: later.unrouted - earlier.unrouted };
}

function subtract(now: Counters, before: Counters): Counters | null {
  const counts = subtractCounts(now.latency, before.latency);
  const change = {
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
    clientErrors: now.clientErrors - before.clientErrors,
    retries: now.retries - before.retries,
  };
  if (counts === null || Object.values(change).some((value) => value < 0)) return null;
  return { version: now.version, group: now.group, ...change, latency: { boundsMs: now.latency.boundsMs, counts } };
}

function subtractCounts(now: Latency, before: Latency): readonly number[] | null {
  const sameBounds =
    now.boundsMs.length === before.boundsMs.length && now.boundsMs.every((bound, index) => bound === before.boundsMs[index]);
  if (!sameBounds) return null;
  const counts = now.counts.map((count, index) => count - (before.counts[index] ?? 0));
  return counts.some((count) => count < 0) ? null : counts;
}
