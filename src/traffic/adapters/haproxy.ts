import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SlipwayError, messageOf } from '../../kernel/index.ts';
import type { Endpoint, ListenAddress, ListenAnswer, LocalRouter, RouteSpec, Router } from '../ports.ts';
import { Book } from './haproxy/book.ts';
import { endpointStates, type Entry, inFlightOf } from './haproxy/entry.ts';
import type { Plan } from './haproxy/files.ts';
import { Fleet } from './haproxy/fleet.ts';
import { DEFAULT_LIMITS, type HaproxyLimits, LOOK_MS, PATIENCE_MS } from './haproxy/limits.ts';
import type { LineId } from './haproxy/line.ts';
import { type LogStream, openLogStream } from './haproxy/log-stream.ts';
import type { HaproxyRouterOptions } from './haproxy/options.ts';
import { checkProgram } from './haproxy/program.ts';
import { refusalOf } from './haproxy/refusal.ts';
import { entryOf, tooMany } from './haproxy/table.ts';
import { Watch } from './haproxy/watch.ts';
import { isFree, tryToBind } from './shared/bind.ts';
import { Desired, validated } from './shared/desired.ts';
import { askListen, sameAddress } from './shared/vacancy.ts';

export type { HaproxyLimits } from './haproxy/limits.ts';
export type { HaproxyRouterOptions } from './haproxy/options.ts';

/**
 * Starts HAProxy with the routes there were before; without any it starts with the first. One that an agent left running is
 * replaced without a request being refused.
 * @throws SlipwayError `client_tool_missing`, `state_corrupt`
 */
export async function createHaproxyRouter(options: HaproxyRouterOptions): Promise<LocalRouter> {
  await checkProgram(options.program ?? 'haproxy');
  const router = new Control(options, await Desired.open(options.directory));
  await router.start();
  return router;
}

class Control implements LocalRouter {
  readonly outlivesAgent = true;
  readonly #options: HaproxyRouterOptions;
  readonly #limits: HaproxyLimits;
  readonly #desired: Desired;
  readonly #token = randomBytes(8).toString('hex');
  readonly #seed: number;
  readonly #fleet: Fleet;
  readonly #book: Book;
  #lines: LogStream | null = null;
  readonly #watch: Watch;
  #audit: NodeJS.Timeout | null = null;
  #looks: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  /** Set while HAProxy is still the one another agent left. */
  #patience: NodeJS.Timeout | null = null;
  #closed = false;
  #looking = false;

  constructor(options: HaproxyRouterOptions, desired: Desired) {
    const { directory, sockets, clock, log, random, program = 'haproxy' } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#desired = desired;
    this.#book = new Book(clock, log);
    this.#seed = Math.floor(random() * 2 ** 31);
    this.#fleet = new Fleet({
      program,
      directory: join(directory, 'haproxy'),
      sockets,
      clock,
      onStart: (pid) => this.#lines?.follow(pid),
      onCrash: () => void desired.serially(() => this.#recover('HAProxy has ended')),
    });
    this.#watch = new Watch(this.#fleet, this.#book, clock);
  }

  async start(): Promise<void> {
    const { clock } = this.#options;
    this.#lines = await openLogStream({
      token: this.#token,
      clock,
      bufferBytes: this.#limits.logBufferBytes,
      onLine: (line) => this.#book.count(line),
      onGap: (frontend) => this.#book.countAgain(frontend, 'log lines were lost'),
    });
    const left = await this.#fleet.adopt();
    for (const spec of this.#desired.routes) {
      this.#pull(spec);
      this.#book.keep(this.#book.next(spec));
    }
    if (left === null) await this.#bringUp();
    else this.#keepLeft();
    this.#looks = setInterval(() => void this.#watch.look().catch(() => undefined), LOOK_MS).unref();
    this.#audit = setInterval(() => void this.#lookAround(), this.#limits.auditMs).unref();
  }

  apply(fence: number, spec: RouteSpec): Promise<void> {
    return this.#desired.serially(async () => {
      this.#desired.checkFence(fence, spec.id);
      const wanted = validated(spec);
      const problem = tooMany(wanted);
      if (problem !== null) throw new SlipwayError('config_invalid', `Route ${spec.id}: ${problem}`);
      const before = this.#book.get(wanted.id);
      const stays = before?.listening === true && sameAddress(before.spec.listen, wanted.listen);
      // The port first: when it is taken nothing has changed yet.
      if (!stays) await tryToBind(wanted.listen);
      await this.#desired.record(fence, wanted.id, wanted);
      this.#pull(wanted);
      const next = this.#book.next(wanted);
      this.#book.keep({ ...next, listening: true });
      if (!stays) await this.#replaceOrUndo(fence, next, before);
      await this.#push(next);
      next.counters.prune(wanted.backends);
    });
  }

  async inspect(id: string): ReturnType<Router['inspect']> {
    const entry = this.#book.get(id);
    if (entry === undefined) return null;
    const [rows, held] = await Promise.all([this.#fleet.statistics(), this.#fleet.waiting(entry.frontend)]);
    const endpoints = endpointStates(entry, rows, this.#book.endpointsOf);
    return { spec: entry.spec, inFlight: inFlightOf(entry, rows), held, listening: entry.listening && this.#fleet.serves(), endpoints };
  }

  /** Among the changes: trying an address out while a route takes it would answer wrongly, and keep the route from it. */
  canListen(id: string, address: ListenAddress): Promise<ListenAnswer> {
    return this.#desired.serially(() => {
      const tenants = this.#book.all().map(({ spec, listening }) => ({ id: spec.id, address: spec.listen, listening }));
      return askListen(id, address, tenants);
    });
  }

  async stats(id: string): ReturnType<Router['stats']> {
    const entry = this.#book.get(id);
    if (entry === undefined) return null;
    await Promise.all([this.#checkLines(({ frontend }) => frontend === entry.frontend), this.#watch.look()]);
    return this.#book.get(id)?.counters.read() ?? null;
  }

  async history(id: string, group: string): ReturnType<Router['history']> {
    return this.#book.get(id)?.counters.history(group) ?? null;
  }

  async remove(fence: number, id: string): Promise<void> {
    const removed = await this.#desired.serially(async () => {
      this.#desired.checkFence(fence, id);
      await this.#desired.record(fence, id, null);
      const entry = this.#book.get(id);
      this.#book.forget(id);
      if (entry?.listening === true) await this.#takeDown(entry);
      return entry;
    });
    // Not awaited among the changes: requests that take their time must not keep other routes from changing.
    if (removed !== undefined) await this.#fleet.untilIdle(removed, this.#limits.drainMs);
  }

  setEndpoints(group: string, endpoints: readonly Endpoint[]): Promise<void> {
    this.#book.setEndpoints(group, endpoints);
    return this.#desired.serially(async () => {
      if (this.#patience !== null && this.#book.isServed()) return this.#takeOver();
      for (const entry of this.#book.all()) if (entry.spec.backends.some((backend) => backend.group === group)) await this.#push(entry);
    });
  }

  close(): Promise<void> {
    return this.#end(() => this.#fleet.close(this.#limits.drainMs));
  }

  leave(): Promise<void> {
    return this.#end(() => this.#fleet.leave());
  }

  async #end(how: () => void | Promise<void>): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#audit, this.#looks, this.#retry, this.#patience]) if (timer !== null) clearTimeout(timer);
    await this.#desired.serially(how);
    this.#lines?.close();
    this.#lines = null;
  }

  /** What an agent left knows where the instances are; this one may have to find them first. */
  #keepLeft(): void {
    const held = this.#fleet.frontends();
    for (const entry of this.#book.all()) this.#book.keep({ ...entry, listening: held.has(entry.frontend) });
    const isReady = this.#book.isServed();
    this.#patience = setTimeout(() => void this.#desired.serially(() => this.#takeOver()), isReady ? 0 : PATIENCE_MS);
  }

  async #takeOver(): Promise<void> {
    if (this.#patience === null || this.#closed) return;
    clearTimeout(this.#patience);
    this.#patience = null;
    await this.#bringUp();
  }

  #pull({ backends }: RouteSpec): void {
    for (const { group } of backends) {
      const endpoints = this.#options.endpoints?.(group);
      if (endpoints !== undefined) this.#book.setEndpoints(group, endpoints);
    }
  }

  #plan(): Plan {
    const { holdRequests, holdMs, drainMs } = this.#limits;
    const log = { port: this.#lines?.port ?? 0, token: this.#token };
    return { holdRequests, holdMs, drainMs, seed: this.#seed, log, ...this.#book.routes() };
  }

  /** What the runtime API cannot do: a route that is new or listens elsewhere. */
  async #replaceOrUndo(fence: number, next: Entry, before: Entry | undefined): Promise<void> {
    try {
      await this.#fleet.replace(this.#plan());
    } catch (cause) {
      if (before === undefined) this.#book.forget(next.spec.id);
      else this.#book.keep(before);
      await this.#desired.record(fence, next.spec.id, before?.spec ?? null);
      throw refusalOf(cause, next.spec.listen);
    }
  }

  /** A process without the route; where none comes up, the one that serves closes it. Then nothing is left of it, or it is asked again. */
  async #takeDown(entry: Entry): Promise<void> {
    try {
      await this.#fleet.replace(this.#plan());
    } catch (error) {
      this.#options.log('error', `HAProxy was not replaced, route ${entry.spec.id} is closed in the one that runs: ${messageOf(error)}`);
      await this.#fleet.shut(entry.frontend).catch((cause: unknown) => {
        this.#book.keep(entry);
        throw cause;
      });
    }
  }

  /** Makes every process follow an entry: instances it may need first, then who goes where, then instances it no longer needs. */
  async #push(entry: Entry): Promise<void> {
    if (!this.#fleet.frontends().has(entry.frontend)) return this.#fleet.serves() ? undefined : this.#recover('HAProxy does not run');
    const servers = this.#book.serversOf(entry);
    try {
      await this.#fleet.addServers(entry.frontend, servers);
      await this.#fleet.set(entry.frontend, entryOf(entry.spec, entry.seats, entry.generation));
      await this.#fleet.retireServers(entry.frontend, servers);
    } catch (error) {
      await this.#recover(messageOf(error));
    }
  }

  /** Whatever went wrong, a new process with everything as it should be is the cure. */
  async #recover(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#options.log('error', `HAProxy is replaced: ${reason}`);
    this.#book.countAgain(null, reason);
    await this.#bringUp();
  }

  /** One taken port must not keep the other routes down, so it goes on without it and tries again. */
  async #bringUp(): Promise<void> {
    const held = this.#fleet.frontends();
    for (const entry of this.#book.all()) {
      const listening = held.has(entry.frontend) || (await isFree(entry.spec.listen));
      if (!listening && entry.listening)
        this.#options.log('error', `Route ${entry.spec.id} is down: its port is taken. Trying again until it is free.`);
      this.#book.keep({ ...entry, listening });
    }
    try {
      await this.#fleet.replace(this.#plan());
    } catch (error) {
      this.#options.log('error', `HAProxy did not start: ${messageOf(error)}`);
      if (!this.#fleet.serves()) for (const entry of this.#book.all()) this.#book.keep({ ...entry, listening: false });
    }
    this.#tryAgain();
  }

  #tryAgain(): void {
    if (this.#closed || this.#retry !== null || this.#book.all().every(({ listening }) => listening)) return;
    const again = async (): Promise<void> => {
      this.#retry = null;
      const down = this.#book.all().filter(({ listening }) => !listening);
      const free = await Promise.all(down.map(({ spec }) => isFree(spec.listen)));
      if (free.includes(true)) await this.#bringUp();
      else this.#tryAgain();
    };
    this.#retry = setTimeout(() => void this.#desired.serially(again), this.#limits.listenRetryMs);
  }

  /** Waits for the lines HAProxy has written by now. */
  async #checkLines(of: (line: LineId) => boolean): Promise<void> {
    const lines = this.#lines;
    await Promise.all((await this.#fleet.serials()).filter(of).map(async (line) => lines?.reached(line)));
  }

  async #lookAround(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      if (!(await this.#fleet.watch())) await this.#desired.serially(() => this.#recover('it closed our conversation'));
      await this.#checkLines(() => true);
      if (!this.#closed) await this.#desired.serially(() => this.#fleet.tidy(this.#limits.forgetMs));
    } finally {
      this.#looking = false;
    }
  }
}
