import type { Clock, Log } from '../../../kernel/index.ts';
import type { Endpoint, RouteSpec } from '../../ports.ts';
import { changed, countLine, createEntry, type Entry } from './entry.ts';
import type { Plan } from './files.ts';
import type { Line } from './line.ts';
import type { Unanswered } from './unanswered.ts';
import { countUnseen } from '../shared/counters.ts';
import { createMemory } from './memory.ts';
import { entryOf, type Owner, type Server, serversOf } from './table.ts';

/** What the routes are now, where their instances are, and what was counted. Knows no process. */
export class Book {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  readonly #endpoints = new Map<string, readonly Endpoint[]>();
  /** Routes as they were when a request came, by generation. */
  readonly #routed = createMemory<number, Entry>();
  /** Which version a server is of, by `backend/server`. */
  readonly #owners = createMemory<string, Owner>();
  /** Routes, by their name in HAProxy, whose counting began again since the last look. */
  readonly #begun = new Set<string>();
  #generation = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The next state of a route, not kept yet. */
  next(spec: RouteSpec): Entry {
    const before = this.#entries.get(spec.id);
    const generation = ++this.#generation;
    return before === undefined ? createEntry(spec, generation, this.#clock) : changed(before, spec, generation);
  }

  keep(entry: Entry): void {
    this.#entries.set(entry.spec.id, entry);
    this.#routed.keep(entry.generation, entry);
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }

  setEndpoints(group: string, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) this.#endpoints.delete(group);
    else this.#endpoints.set(group, endpoints);
  }

  readonly endpointsOf = (group: string): readonly Endpoint[] => this.#endpoints.get(group) ?? [];

  serversOf({ spec, frontend, seats }: Entry): readonly Server[] {
    const servers = serversOf(spec, { frontend, seats, endpointsOf: this.endpointsOf });
    for (const { backend, name, owner } of servers) this.#owners.keep(`${backend}/${name}`, owner);
    return servers;
  }

  /** True when every version that users are sent to has an instance. */
  isServed(): boolean {
    const groups = this.all().flatMap(({ spec }) => spec.backends.filter(({ weight }) => weight > 0).map(({ group }) => group));
    return groups.every((group) => this.endpointsOf(group).length > 0);
  }

  /** What a new process must know of the routes that can listen. */
  routes(): Pick<Plan, 'routes' | 'entries'> {
    const entries = this.all().filter(({ listening }) => listening);
    return {
      routes: entries.map((entry) => ({
        id: entry.spec.id,
        frontend: entry.frontend,
        listen: entry.spec.listen,
        servers: this.serversOf(entry),
      })),
      entries: new Map(entries.map(({ frontend, spec, seats, generation }) => [frontend, entryOf(spec, seats, generation)])),
    };
  }

  count(line: Line): void {
    const routedBy = line.generation === null ? undefined : this.#routed.get(line.generation);
    const counters = routedBy === undefined ? undefined : this.#entries.get(routedBy.spec.id)?.counters;
    if (routedBy !== undefined && counters !== undefined) countLine(line, routedBy, counters, this.#clock);
  }

  /**
   * Counts requests that HAProxy ended without an answer and without a line since the last look, which is over with {@link looked}. Where it cannot
   * be known whose they were, or whether they came before counting began, it begins again.
   */
  countSilent(backend: string, { silent, servers }: Unanswered): void {
    const entry = this.all().find(({ frontend }) => backend.startsWith(`${frontend}.`));
    if (silent === 0 || entry === undefined) return;
    const broke = [...servers].filter(([, { unanswered }]) => unanswered > 0).map(([name]) => this.#owners.get(`${backend}/${name}`));
    const owners = new Map(broke.map((owner) => [JSON.stringify(owner ?? null), owner]));
    const [owner] = owners.values();
    if (owner === undefined || owners.size > 1) return this.#again(entry, 'instances of more than one version broke requests off');
    if (this.#begun.has(entry.frontend)) return this.#again(entry, 'requests were broken off while counting began');
    const counter = entry.counters.of(owner.group, owner.version);
    for (let request = 0; request < silent; request++) countUnseen(counter, this.#clock.monotonic());
  }

  /** A look at all that {@link countSilent} counts is over. */
  looked(): void {
    this.#begun.clear();
  }

  /** Begins again from zero, see {@link Counters.again}; one route by its name in HAProxy, or all. */
  countAgain(frontend: string | null, reason: string): void {
    for (const entry of this.all()) {
      if (frontend !== null && entry.frontend !== frontend) continue;
      this.#begun.add(entry.frontend);
      this.#again(entry, reason);
    }
  }

  #again(entry: Entry, reason: string): void {
    this.#log('warn', `Requests of ${entry.spec.id} are counted from zero again: ${reason}`);
    this.keep({ ...entry, counters: entry.counters.again() });
  }
}
