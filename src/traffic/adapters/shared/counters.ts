import type { Clock } from '../../../kernel/index.ts';
import { LATENCY_BOUNDS_MS, bucketOf } from '../../core/histogram.ts';
import { createRecent, type RecentCounter } from '../../core/recent.ts';
import { createMinuteRing, HISTORY_MINUTES, historyOf, minuteOf, type MinuteRing } from '../../core/minutes.ts';
import type { Endpoint, InstanceHistory, RouteStats, VersionStats } from '../../ports.ts';

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
  readonly recent: RecentCounter;
  /** By `host:port`. */
  readonly instances: Map<string, MinuteRing>;
}

/** Versions no longer routed are remembered up to this many, so an agent that runs for years stays small. */
const REMEMBERED = 32;

export interface Counters {
  of(group: string, version: string): VersionCounter;
  refuse(): void;
  /** Forgets the oldest versions that no backend uses. */
  prune(used: readonly { readonly group: string; readonly version: string }[]): void;
  read(): RouteStats;
  history(group: string): readonly InstanceHistory[];
  /**
   * Counts from zero, with another `since`, because requests were missed of late: counts that are too small would make a judge believe
   * something. What instances did in earlier minutes is known as before.
   */
  again(): Counters;
}

/** Missed requests are noticed within this many minutes. */
const NOTICED_WITHIN = 1;

/** Counts of one route from now on. */
export function createCounters(clock: Clock): Counters {
  return countFrom(clock, clock.now(), new Map());
}

function countFrom(clock: Clock, since: number, versions: Map<string, VersionCounter>): Counters {
  let unrouted = 0;
  const key = (group: string, version: string): string => `${group}\n${version}`;
  return {
    of: (group, version) => {
      const found = versions.get(key(group, version));
      if (found !== undefined) return found;
      const made = createVersion(group, version, new Map());
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
    read: () => ({
      at: clock.now(),
      since,
      versions: [...versions.values()].map((counter) => snapshot(counter, clock.monotonic())),
      unrouted,
    }),
    history: (group) =>
      [...versions.values()]
        .filter((counter) => counter.group === group)
        .flatMap(({ instances }) => historyOf(instances, clock.monotonic())),
    again: () => {
      const missed = minuteOf(clock.monotonic()) - NOTICED_WITHIN;
      for (const { instances } of versions.values()) for (const ring of instances.values()) ring.forget(missed);
      const fresh = [...versions].map(([name, { group, version, instances }]) => [name, createVersion(group, version, instances)] as const);
      // Another moment in any case, so that nobody takes the new counts for the old.
      return countFrom(clock, Math.max(clock.now(), since + 1), new Map(fresh));
    },
  };
}

function createVersion(group: string, version: string, instances: Map<string, MinuteRing>): VersionCounter {
  return {
    version,
    group,
    requests: 0,
    errors: 0,
    clientErrors: 0,
    retries: 0,
    latency: new Uint32Array(LATENCY_BOUNDS_MS.length),
    recent: createRecent(),
    instances,
  };
}

/** One finished request; times are monotonic. */
export interface Finished {
  readonly endpoint: Endpoint;
  readonly ending: Ending;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Adds it to what is known of its version. */
export function count(counter: VersionCounter, { endpoint, ending, startedAt, endedAt }: Finished): void {
  const latencyMs = endedAt - startedAt;
  const isError = ending === 'broken' || (ending !== 'gone' && ending >= 500);
  counter.requests++;
  counter.recent.add(endedAt, isError);
  ringOf(counter, `${endpoint.host}:${endpoint.port}`, endedAt).add(endedAt, isError);
  if (isError) counter.errors++;
  else if (ending === 'gone' || ending >= 400) counter.clientErrors++;
  const bucket = bucketOf(Math.max(0, latencyMs));
  counter.latency[bucket] = (counter.latency[bucket] ?? 0) + 1;
}

/** Adds a request that was broken off, of which nothing else is known: not how long it took, nor which instance it was. */
export function countUnseen(counter: VersionCounter, endedAt: number): void {
  counter.requests++;
  counter.errors++;
  counter.recent.add(endedAt, true);
}

/** Instances come and go, each with a port of its own: those of long ago are forgotten when a new one comes. */
function ringOf({ instances }: VersionCounter, name: string, now: number): MinuteRing {
  const found = instances.get(name);
  if (found !== undefined) return found;
  for (const [other, { last }] of instances) if (last !== null && last < minuteOf(now) - HISTORY_MINUTES) instances.delete(other);
  const made = createMinuteRing(HISTORY_MINUTES + 1);
  instances.set(name, made);
  return made;
}

function snapshot(counter: VersionCounter, now: number): VersionStats {
  const { version, group, requests, errors, clientErrors, retries } = counter;
  return {
    version,
    group,
    requests,
    errors,
    clientErrors,
    retries,
    recent: counter.recent.read(now),
    latency: { boundsMs: LATENCY_BOUNDS_MS, counts: [...counter.latency] },
  };
}
