import type { Clock, Log } from '../../kernel/index.ts';
import { SlipwayError, messageOf } from '../../kernel/index.ts';
import type { Endpoint, ListenAddress, ListenAnswer, LocalRouter, RouteSpec, Router } from '../ports.ts';
import { DEFAULT_LIMITS, type RouterLimits } from './embedded/limits.ts';
import { type Listener, listen } from './embedded/listener.ts';
import { type Route, createRoute } from './embedded/route.ts';
import { Desired, validated } from './shared/desired.ts';
import { askListen } from './shared/vacancy.ts';

export type { RouterLimits } from './embedded/limits.ts';

export interface EmbeddedRouterOptions {
  /** Where `routes.json` lives. One router per directory; its owner (the agent) holds the lock. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ready endpoints of a group, asked whenever a route changes; later changes come by {@link EmbeddedRouter.setEndpoints}. */
  readonly endpoints?: (group: string) => readonly Endpoint[];
  /** [0, 1); chooses the order in which weights are dealt. */
  readonly random: () => number;
  readonly limits?: Partial<RouterLimits>;
  /** Answers carry `x-slipway-version`. Off by default: users need not know. */
  readonly exposeVersion?: boolean;
}

interface Entry {
  readonly route: Route;
  listener: Listener | null;
  retry: NodeJS.Timeout | null;
}

/**
 * Starts the router with the routes it had before.
 * @throws SlipwayError `state_corrupt` when `routes.json` cannot be read
 */
export async function createEmbeddedRouter(options: EmbeddedRouterOptions): Promise<LocalRouter> {
  const router = new Control(options, await Desired.open(options.directory));
  await router.restore();
  return router;
}

/** The router that runs inside the agent's process. */
class Control implements LocalRouter {
  readonly outlivesAgent = false;
  readonly #options: EmbeddedRouterOptions;
  readonly #limits: RouterLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #endpoints = new Map<string, readonly Endpoint[]>();
  readonly #desired: Desired;
  #closed = false;

  constructor(options: EmbeddedRouterOptions, desired: Desired) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#desired = desired;
  }

  async restore(): Promise<void> {
    for (const spec of this.#desired.routes) {
      const entry: Entry = { route: this.#createRoute(spec), listener: null, retry: null };
      this.#entries.set(spec.id, entry);
      await this.#listenAgain(entry, true);
    }
  }

  apply(fence: number, spec: RouteSpec): Promise<void> {
    return this.#desired.serially(async () => {
      this.#desired.checkFence(fence, spec.id);
      const wanted = validated(spec);
      const entry = this.#entries.get(wanted.id) ?? { route: this.#createRoute({ ...wanted, backends: [] }), listener: null, retry: null };
      // The port first: when it is taken nothing has changed yet.
      const before = entry.listener;
      const moved = before === null || before.host !== wanted.listen.host || before.port !== wanted.listen.port;
      const listener = moved ? await listen(entry.route, wanted.listen) : before;
      try {
        await this.#desired.record(fence, wanted.id, wanted);
      } catch (error) {
        if (moved) await listener.close();
        throw error;
      }
      this.#entries.set(wanted.id, entry);
      entry.listener = listener;
      for (const { group } of wanted.backends) this.#pull(group);
      entry.route.update(wanted);
      if (moved) void before?.close();
    });
  }

  inspect(id: string): ReturnType<Router['inspect']> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return Promise.resolve(null);
    const { route, listener } = entry;
    return Promise.resolve({
      spec: route.spec,
      inFlight: route.inFlight,
      held: route.hold.size,
      listening: listener !== null,
      endpoints: route.endpoints(),
    });
  }

  /** Among the changes: trying an address out while a route takes it would answer wrongly, and keep the route from it. */
  canListen(id: string, address: ListenAddress): Promise<ListenAnswer> {
    return this.#desired.serially(() => {
      const tenants = [...this.#entries.values()].map(({ route, listener }) => ({
        id: route.spec.id,
        address: route.spec.listen,
        listening: listener !== null,
      }));
      return askListen(id, address, tenants);
    });
  }

  stats(id: string): ReturnType<Router['stats']> {
    return Promise.resolve(this.#entries.get(id)?.route.counters.read() ?? null);
  }

  history(id: string, group: string): ReturnType<Router['history']> {
    return Promise.resolve(this.#entries.get(id)?.route.counters.history(group) ?? null);
  }

  async remove(fence: number, id: string): Promise<void> {
    const { drained } = await this.#desired.serially(async () => {
      this.#desired.checkFence(fence, id);
      await this.#desired.record(fence, id, null);
      const entry = this.#entries.get(id);
      this.#entries.delete(id);
      // Not awaited in the queue: requests that take their time must not keep other routes from changing.
      return { drained: entry === undefined ? null : stop(entry) };
    });
    await drained;
  }

  setEndpoints(group: string, endpoints: readonly Endpoint[]): Promise<void> {
    if (endpoints.length === 0) this.#endpoints.delete(group);
    else this.#endpoints.set(group, endpoints);
    for (const { route } of this.#entries.values()) route.refresh(group);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#desired.serially(async () => {
      const entries = [...this.#entries.values()];
      this.#entries.clear();
      await Promise.all(entries.map(stop));
    });
  }

  leave(): Promise<void> {
    return this.close();
  }

  #createRoute(spec: RouteSpec): Route {
    const { clock, random, exposeVersion = false } = this.#options;
    for (const { group } of spec.backends) this.#pull(group);
    return createRoute(spec, {
      limits: this.#limits,
      clock,
      random,
      exposeVersion,
      endpointsOf: (group) => this.#endpoints.get(group) ?? [],
    });
  }

  #pull(group: string): void {
    const endpoints = this.#options.endpoints?.(group);
    if (endpoints !== undefined) this.#endpoints.set(group, endpoints);
  }

  /** One taken port must not keep the other services down, so a restart goes on without it and tries again. */
  async #listenAgain(entry: Entry, first: boolean): Promise<void> {
    entry.retry = null;
    if (this.#closed || entry.listener !== null) return;
    const { id, listen: address } = entry.route.spec;
    try {
      entry.listener = await listen(entry.route, address);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      if (first) this.#options.log('error', `Route ${id} is down: ${messageOf(error)}. Trying again until the port is free.`);
      const again = (): void =>
        void this.#desired.serially(() => (this.#entries.get(id) === entry ? this.#listenAgain(entry, false) : Promise.resolve()));
      entry.retry = setTimeout(again, this.#limits.listenRetryMs);
    }
  }
}

async function stop(entry: Entry): Promise<void> {
  if (entry.retry !== null) clearTimeout(entry.retry);
  entry.route.hold.close();
  await entry.listener?.close();
  entry.route.retire();
}
