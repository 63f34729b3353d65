import type { Clock } from '../../../kernel/index.ts';
import { shuffleDeck } from '../../core/deck.ts';
import type { BackendSpec, Endpoint, EndpointState, RouteSpec } from '../../ports.ts';
import { type Counters, createCounters } from './counters.ts';
import { type HoldQueue, createHoldQueue } from './hold.ts';
import type { RouterLimits } from './limits.ts';
import { type Upstream, createUpstream } from './upstream.ts';

/** One version behind a route with its instances. */
export interface Backend {
  readonly spec: BackendSpec;
  readonly upstreams: readonly Upstream[];
}

/** Where one attempt of a request goes. */
export interface Choice {
  readonly backend: Backend;
  readonly upstream: Upstream;
}

/** What a request looking for an endpoint has tried, and whether it can be sent again if a probe costs it its connection. */
export interface Seeker {
  readonly tried: readonly Upstream[];
  readonly mayProbe: boolean;
}

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
  /** The backend whose turn it is by weight; null without backends. */
  deal(): Backend | null;
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
  let deck: readonly number[] = [];
  let dealt = 0;
  let turn = 0;
  const hold = createHoldQueue(limits);
  const counters = createCounters(clock.now());
  const pool = (current: readonly Upstream[], spec: BackendSpec): readonly Upstream[] => reconcile(current, serving(setup.endpointsOf(spec.group), spec), (endpoint) => createUpstream(endpoint, limits, clock));

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
      const weightsChanged = weightsOf(spec) !== weightsOf(route.spec) || deck.length === 0;
      route.spec = spec;
      backends = spec.backends.map((next) => ({ spec: next, upstreams: pool(before.find((old) => old.spec.group === next.group)?.upstreams ?? [], next) }));
      for (const gone of before.filter((old) => !spec.backends.some(({ group }) => group === old.spec.group))) retireAll(gone.upstreams);
      if (weightsChanged) {
        deck = [];
        dealt = 0;
      }
      counters.prune(spec.backends);
      if (spec.mode === 'open') hold.open();
      if (spec.mode === 'closed') hold.close();
    },
    refresh: (group) => {
      backends = backends.map((backend) => (backend.spec.group === group ? { spec: backend.spec, upstreams: pool(backend.upstreams, backend.spec) } : backend));
    },
    deal: () => {
      if (backends.length === 0) return null;
      if (dealt >= deck.length) {
        deck = shuffleDeck(route.spec.backends.map(({ weight }) => weight), random);
        dealt = 0;
      }
      return backends[deck[dealt++] ?? 0] ?? null;
    },
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

/**
 * The endpoint for one attempt. The preferred backend first, then the others that have weight: an answer from the other
 * version is better than an error. Inside a backend: one due for its probe, else the least busy one that is in service
 * and was not tried by this request. When nothing is in service, whatever is listed: the list of the target that probes them is
 * the truth, our own ejection only a guess. `turn` moves the start, so that ties take turns.
 */
export function pick(backends: readonly Backend[], { tried, mayProbe }: Seeker, turn: number): Choice | null {
  const fresh = (upstream: Upstream): boolean => !tried.includes(upstream);
  const rounds: readonly ((upstream: Upstream) => boolean)[] = [
    (upstream) => fresh(upstream) && (upstream.available() || (mayProbe && upstream.probeDue())),
    fresh,
    () => true,
  ];
  for (const eligible of rounds) {
    for (const backend of backends) {
      const upstream = leastBusy(backend.upstreams, eligible, turn);
      if (upstream !== null) return { backend, upstream };
    }
  }
  return null;
}

/** Least in flight. An endpoint due for its probe has nothing in flight, so its turn comes soon. */
function leastBusy(upstreams: readonly Upstream[], eligible: (upstream: Upstream) => boolean, start: number): Upstream | null {
  const size = upstreams.length;
  let best: Upstream | null = null;
  for (let step = 0; step < size; step++) {
    const upstream = upstreams[(start + step) % size];
    if (upstream === undefined || !eligible(upstream)) continue;
    if (best === null || upstream.inFlight < best.inFlight) best = upstream;
  }
  return best;
}

function ordered(backends: readonly Backend[], preferred: Backend): readonly Backend[] {
  const first = backends.find(({ spec }) => spec.group === preferred.spec.group);
  const rest = backends.filter((backend) => backend !== first && backend.spec.weight > 0);
  return first === undefined ? rest : [first, ...rest];
}

/** Keeps the upstreams that are still listed (with their connections and health), adds the new, retires the rest. */
function reconcile(current: readonly Upstream[], wanted: readonly Endpoint[], create: (endpoint: Endpoint) => Upstream): readonly Upstream[] {
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

function weightsOf(spec: RouteSpec): string {
  return spec.backends.map(({ group, weight }) => `${group}=${weight}`).join(' ');
}

function stateOf(group: string, upstream: Upstream): EndpointState {
  const { host, port } = upstream.endpoint;
  return { group, host, port, healthy: upstream.available(), inFlight: upstream.inFlight };
}
