import { LATENCY_BOUNDS_MS, bucketOf } from '../../core/histogram.ts';
import type { RouteStats, VersionStats } from '../../ports.ts';

/** How a routed request ended: an HTTP status, a broken answer, or a client that went away. */
export type Ending = number | 'broken' | 'gone';

/** Mutable counts of one version; written on every request, so plain fields. */
export interface VersionCounter {
  readonly version: string;
  readonly group: string;
  requests: number;
  errors: number;
  clientErrors: number;
  retries: number;
  readonly latency: Uint32Array;
}

/** Versions no longer routed are remembered up to this many, so an agent that runs for years stays small. */
const REMEMBERED = 32;

export interface Counters {
  of(group: string, version: string): VersionCounter;
  refuse(): void;
  /** Forgets the oldest versions that no backend uses. */
  prune(used: readonly { readonly group: string; readonly version: string }[]): void;
  read(at: number): RouteStats;
}

/** Counts of one route from `since` on. */
export function createCounters(since: number): Counters {
  const versions = new Map<string, VersionCounter>();
  let unrouted = 0;
  const key = (group: string, version: string): string => `${group}\n${version}`;
  return {
    of: (group, version) => {
      const found = versions.get(key(group, version));
      if (found !== undefined) return found;
      const made: VersionCounter = {
        version,
        group,
        requests: 0,
        errors: 0,
        clientErrors: 0,
        retries: 0,
        latency: new Uint32Array(LATENCY_BOUNDS_MS.length),
      };
      versions.set(key(group, version), made);
      return made;
    },
    refuse: () => {
      unrouted++;
    },
    prune: (used) => {
      const inUse = new Set(used.map(({ group, version }) => key(group, version)));
      const idle = [...versions.keys()].filter((name) => !inUse.has(name));
      for (const name of idle.slice(0, Math.max(0, idle.length - REMEMBERED))) versions.delete(name);
    },
    read: (at) => ({ at, since, versions: [...versions.values()].map(snapshot), unrouted }),
  };
}

/** Adds one finished request. */
export function count(counter: VersionCounter, ending: Ending, latencyMs: number): void {
  counter.requests++;
  if (ending === 'broken' || (ending !== 'gone' && ending >= 500)) counter.errors++;
  else if (ending === 'gone' || ending >= 400) counter.clientErrors++;
  const bucket = bucketOf(Math.max(0, latencyMs));
  counter.latency[bucket] = (counter.latency[bucket] ?? 0) + 1;
}

function snapshot(counter: VersionCounter): VersionStats {
  const { version, group, requests, errors, clientErrors, retries } = counter;
  return {
    version,
    group,
    requests,
    errors,
    clientErrors,
    retries,
    latency: { boundsMs: LATENCY_BOUNDS_MS, counts: [...counter.latency] },
  };
}
