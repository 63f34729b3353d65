import type { Clock, Log } from '../../kernel/index.ts';
import { SlipwayError, messageOf } from '../../kernel/index.ts';
import type { Endpoint, ListenAddress, ListenAnswer, RouteSpec, Router } from '../ports.ts';
import { routeSpecSchema } from '../wire.ts';
import { DEFAULT_LIMITS, type RouterLimits } from './embedded/limits.ts';
import { type Listener, listen } from './embedded/listener.ts';
import { type Route, createRoute } from './embedded/route.ts';
import { type DesiredState, readState, writeState } from './embedded/store.ts';
import { askListen } from './embedded/vacancy.ts';

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

/** The router that runs inside the agent's process. */
export interface EmbeddedRouter extends Router {
  /** Replaces the endpoints of a group. One that is missing now finishes what it has in flight and gets nothing new. */
  setEndpoints(group: string, endpoints: readonly Endpoint[]): void;
  /** Stops listening, lets requests finish within the drain time. Desired state stays for the next start. */
  close(): Promise<void>;
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
export async function createEmbeddedRouter(options: EmbeddedRouterOptions): Promise<EmbeddedRouter> {
  const state = await readState(options.directory);
  const router = new Control(options, state);
  await router.restore();
  return router;
}

class Control implements EmbeddedRouter {
  readonly #options: EmbeddedRouterOptions;
  readonly #limits: RouterLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #endpoints = new Map<string, readonly Endpoint[]>();
  #state: DesiredState;
  #closed = false;
  /** Changes are made one after another; requests never wait for them. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddedRouterOptions, state: DesiredState) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#state = state;
  }

  async restore(): Promise<void> {
    for (const spec of this.#state.routes) {
      const entry: Entry = { route: this.#createRoute(spec), listener: null, retry: null };
      this.#entries.set(spec.id, entry);
      await this.#listenAgain(entry, true);
    }
  }

  apply(fence: number, spec: RouteSpec): Promise<void> {
    return this.#serially(async () => {
      this.#checkFence(fence, spec.id);
      const wanted = validated(spec);
      const entry = this.#entries.get(wanted.id) ?? { route: this.#createRoute({ ...wanted, backends: [] }), listener: null, retry: null };
      // The port first: when it is taken nothing has changed yet.
      const before = entry.listener;
      const moved = before === null || before.host !== wanted.listen.host || before.port !== wanted.listen.port;
      const listener = moved ? await listen(entry.route, wanted.listen) : before;
      try {
        await this.#record(fence, wanted.id, wanted);
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
    return this.#serially(() => {
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
    const { drained } = await this.#serially(async () => {
      this.#checkFence(fence, id);
      await this.#record(fence, id, null);
      const entry = this.#entries.get(id);
      this.#entries.delete(id);
      // Not awaited in the queue: requests that take their time must not keep other routes from changing.
      return { drained: entry === undefined ? null : stop(entry) };
    });
    await drained;
  }

  setEndpoints(group: string, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) this.#endpoints.delete(group);
    else this.#endpoints.set(group, endpoints);
    for (const { route } of this.#entries.values()) route.refresh(group);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#serially(async () => {
      const entries = [...this.#entries.values()];
      this.#entries.clear();
      await Promise.all(entries.map(stop));
    });
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
        void this.#serially(() => (this.#entries.get(id) === entry ? this.#listenAgain(entry, false) : Promise.resolve()));
      entry.retry = setTimeout(again, this.#limits.listenRetryMs);
    }
  }

  #checkFence(fence: number, id: string): void {
    const highest = this.#state.fences[id] ?? 0;
    if (fence < highest) throw new SlipwayError('fenced', `Route ${id} was last changed with fence ${highest}; ${fence} is older`);
  }

  async #record(fence: number, id: string, spec: RouteSpec | null): Promise<void> {
    const others = this.#state.routes.filter((route) => route.id !== id);
    const next: DesiredState = { routes: spec === null ? others : [...others, spec], fences: { ...this.#state.fences, [id]: fence } };
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return;
    await writeState(this.#options.directory, next);
    this.#state = next;
  }

  #serially<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

async function stop(entry: Entry): Promise<void> {
  if (entry.retry !== null) clearTimeout(entry.retry);
  entry.route.hold.close();
  await entry.listener?.close();
  entry.route.retire();
}

function validated(spec: RouteSpec): RouteSpec {
  const parsed = routeSpecSchema.safeParse(spec);
  if (parsed.success) return parsed.data;
  throw new SlipwayError('config_invalid', `Route ${spec.id}: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}
