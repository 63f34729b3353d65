import type { Clock } from '../../../kernel/index.ts';
import type { BackendSpec, Endpoint, EndpointState, RouteSpec } from '../../ports.ts';
import { type Counters, createCounters } from '../shared/counters.ts';
import { type HoldQueue, createHoldQueue } from './hold.ts';
import { createAssigner, type Assigned } from './assign.ts';
import type { CohortRequest } from '../../core/cohort.ts';
import type { RouterLimits } from './limits.ts';
import { type Backend, type Choice, type Seeker, ordered, pick } from './pick.ts';
import { type Upstream, createUpstream } from './upstream.ts';

/** A route as the data plane sees it; a new spec replaces the whole table at once, so no request sees half of it. */
export interface Route {
  readonly spec: RouteSpec;
  readonly limits: RouterLimits;
  readonly clock: Clock;
  /** True when answers carry `x-slipway-version`. */
  readonly exposeVersion: boolean;
  readonly hold: HoldQueue;
  readonly counters: Counters;
  inFlight: number;
  update(spec: RouteSpec): void;
  /** Takes up the endpoints its group has now. */
  refresh(group: string): void;
  /** The version a request belongs to, by its cohort or by weight. */
  assign(request: () => CohortRequest): Assigned;
  /** The endpoint for one attempt, see {@link pick}. */
  pick(preferred: Backend, seeker: Seeker): Choice | null;
  endpoints(): readonly EndpointState[];
  /** Refuses who waits and lets the rest finish. */
  retire(): void;
}

export interface RouteSetup {
  readonly limits: RouterLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly exposeVersion: boolean;
  readonly endpointsOf: (group: string) => readonly Endpoint[];
}

/** A route that serves `spec` from now on; its counters begin at zero. */
export function createRoute(first: RouteSpec, setup: RouteSetup): Route {
  const { limits, clock, random } = setup;
  let backends: readonly Backend[] = [];
  const assigner = createAssigner(random);
  let turn = 0;
  const hold = createHoldQueue(limits);
  const counters = createCounters(clock);
  const pool = (current: readonly Upstream[], spec: BackendSpec): readonly Upstream[] =>
    reconcile(current, serving(setup.endpointsOf(spec.group), spec), (endpoint) => createUpstream(endpoint, limits, clock));

  const route: Route & { spec: RouteSpec } = {
    spec: first,
    limits,
    clock,
    exposeVersion: setup.exposeVersion,
    hold,
    counters,
    inFlight: 0,
    update: (spec) => {
      const before = backends;
      route.spec = spec;
      backends = spec.backends.map((next) => ({
        spec: next,
        upstreams: pool(before.find((old) => old.spec.group === next.group)?.upstreams ?? [], next),
      }));
      for (const gone of before.filter((old) => !spec.backends.some(({ group }) => group === old.spec.group))) retireAll(gone.upstreams);
      counters.prune(spec.backends);
      if (spec.mode === 'open') hold.open();
      if (spec.mode === 'closed') hold.close();
    },
    refresh: (group) => {
      backends = backends.map((backend) =>
        backend.spec.group === group ? { spec: backend.spec, upstreams: pool(backend.upstreams, backend.spec) } : backend,
      );
    },
    assign: (request) => assigner.assign(route.spec, backends, request),
    pick: (preferred, seeker) => pick(ordered(backends, preferred), seeker, turn++),
    endpoints: () => backends.flatMap(({ spec, upstreams }) => upstreams.map((upstream) => stateOf(spec.group, upstream))),
    retire: () => {
      hold.close();
      for (const backend of backends) retireAll(backend.upstreams);
      backends = [];
    },
  };
  route.update(first);
  return route;
}

/** Keeps the upstreams that are still listed (with their connections and health), adds the new, retires the rest. */
function reconcile(
  current: readonly Upstream[],
  wanted: readonly Endpoint[],
  create: (endpoint: Endpoint) => Upstream,
): readonly Upstream[] {
  const kept = wanted.map((endpoint) => current.find((upstream) => sameAddress(upstream.endpoint, endpoint)) ?? create(endpoint));
  retireAll(current.filter((upstream) => !kept.includes(upstream)));
  return kept;
}

function serving(endpoints: readonly Endpoint[], spec: BackendSpec): readonly Endpoint[] {
  const matching = endpoints.filter(({ process }) => process === undefined || process === spec.process);
  return matching.filter((endpoint, index) => matching.findIndex((other) => sameAddress(other, endpoint)) === index);
}

function sameAddress(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.port === other.port;
}

function retireAll(upstreams: readonly Upstream[]): void {
  for (const upstream of upstreams) upstream.retire();
}

function stateOf(group: string, upstream: Upstream): EndpointState {
  const { host, port } = upstream.endpoint;
  return { group, host, port, healthy: upstream.available(), inFlight: upstream.inFlight };
}
