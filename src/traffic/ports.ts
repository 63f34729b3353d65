import type { Verdict } from '../kernel/index.ts';
import type { Cohort } from './core/cohort.ts';

/** What splits traffic. One contract suite (`contract.ts`) holds for every adapter. */
export interface Router {
  /**
   * Makes the route look like `spec`, durably, without dropping a request in flight. Idempotent.
   * @throws SlipwayError `fenced` for a stale fence, `port_in_use` when the listen port is taken by someone else, `config_invalid`
   * for a route that cannot be. After these three the route is what it was before.
   */
  apply(fence: number, spec: RouteSpec): Promise<void>;
  inspect(route: string): Promise<RouteState | null>;
  /**
   * Could the route listen there, were it applied now? `pass` also where it does already. Changes nothing, and is no promise:
   * somebody may take the address before the route does.
   */
  canListen(route: string, address: ListenAddress): Promise<ListenAnswer>;
  /** Cumulative counts since the route was made or the router restarted (see `since`), per version; null when there is no such route. */
  stats(route: string): Promise<RouteStats | null>;
  /** What each instance of a group did lately; empty where nothing is known of it, null where there is no such route, or an agent of an older build. */
  history(route: string, group: string): Promise<readonly InstanceHistory[] | null>;
  remove(fence: number, route: string): Promise<void>;
}

/** A router that the agent runs itself and tells where instances are. */
export interface LocalRouter extends Router {
  /** Replaces the endpoints of a group; resolves when requests follow. One that is missing now finishes what it has in flight and gets nothing new. */
  setEndpoints(group: string, endpoints: readonly Endpoint[]): Promise<void>;
  /** True when requests are still routed after the agent is gone. */
  readonly outlivesAgent: boolean;
  /** Stops listening, lets requests finish within the drain time. Desired state stays for the next start. */
  close(): Promise<void>;
  /** Lets go of a router that outlives the agent: it goes on with what it knows until the next one takes it over. Others end as with `close`. */
  leave(): Promise<void>;
}

/**
 * `open` sends requests on; `hold` keeps new requests waiting (bounded in number and time, then 503 with Retry-After)
 * until the route opens again; `closed` answers 503 with Retry-After at once.
 */
export type RouteMode = 'open' | 'hold' | 'closed';

/** Where users reach a route. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Whether a route could listen on an address; the reason names the address and, where that is known, who has it. */
export interface ListenAnswer {
  readonly verdict: Verdict;
  readonly reason: string;
  /** What to do; null for `pass`. */
  readonly fix: string | null;
}

export interface RouteSpec {
  /** `service/environment`. */
  readonly id: string;
  readonly listen: ListenAddress;
  readonly mode: RouteMode;
  /** The stable version first, then the canary. */
  readonly backends: readonly BackendSpec[];
  /** Ties users to versions; without it each request is dealt by weight. For at most two backends. */
  readonly cohort?: Cohort | undefined;
}

export interface BackendSpec {
  /** The target group that serves, `service/environment/slot`. */
  readonly group: string;
  readonly version: string;
  /** Whole percent. Weights of a route's backends sum to 100 (or there is no backend). */
  readonly weight: number;
  /** Name of the process in the group that takes the requests. */
  readonly process: string;
}

export interface RouteState {
  readonly spec: RouteSpec;
  /** Requests in flight, all backends. */
  readonly inFlight: number;
  /** Requests kept waiting by mode `hold`. */
  readonly held: number;
  /** False while the listen port could not be taken (after a restart, when someone else has it); the router keeps trying. */
  readonly listening: boolean;
  readonly endpoints: readonly EndpointState[];
}

export interface EndpointState {
  readonly group: string;
  readonly host: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly inFlight: number;
}

/** Where an instance of a group answers; `process` says which process it is, absent when the group has only one. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly process?: string;
}

/** Counts from one tick for all versions; differences of two such answers are the facts a judge sees. */
export interface RouteStats {
  readonly at: number;
  /** When counting began; another value means the counters started again from zero. */
  readonly since: number;
  readonly versions: readonly VersionStats[];
  /** Answered by the router itself, no backend reached (no healthy endpoint, hold overflow, closed). */
  readonly unrouted: number;
}

/** One instance by whole minutes, oldest first; the same minutes for all of a group, without requests where one was not there yet. */
export interface InstanceHistory {
  readonly instance: string;
  readonly minutes: readonly { readonly requests: number; readonly errors: number }[];
}

export interface VersionStats {
  readonly version: string;
  readonly group: string;
  /** Requests whose last attempt went to this version. */
  readonly requests: number;
  /** 5xx answers and broken connections after the retry. */
  readonly errors: number;
  /** 4xx answers, and requests the client gave up (nginx's 499). */
  readonly clientErrors: number;
  /** Attempts of this version that failed and were tried again, here or on another version. */
  readonly retries: number;
  /** What happened in the last minutes; absent from an agent of an older build. */
  readonly recent?: { readonly forMs: number; readonly requests: number; readonly errors: number } | undefined;
  /** Time from handing a request on (after any hold) to the last byte of its answer. */
  /** Upper bounds in ms (the last is +Infinity, written null) and cumulative-free counts per bucket. */
  readonly latency: { readonly boundsMs: readonly (number | null)[]; readonly counts: readonly number[] };
}
