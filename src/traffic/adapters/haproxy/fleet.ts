import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../kernel/index.ts';
import { type Entry, inFlightOf } from './entry.ts';
import { CONFIG, type Plan, TABLE, writeFiles } from './files.ts';
import { endOf, findLeft, note, signal, untilDeaf } from './left.ts';
import type { LineId } from './line.ts';
import { oversleeps } from './oversleeps.ts';
import { type Haproxy, type KnownServer, startHaproxy } from './process.ts';
import { openRuntime } from './runtime.ts';
import { readStatistics, type Row } from './statistics.ts';
import { addServers, retireServers, sweepServers } from './servers.ts';
import type { Server } from './table.ts';

export interface FleetOptions {
  readonly program: string;
  /** Where configuration, table and output lie. */
  readonly directory: string;
  /** A short folder for runtime sockets, nobody else's. */
  readonly sockets: string;
  readonly clock: Clock;
  /** The process that serves has ended without being told to. */
  readonly onCrash: () => void;
  readonly onStart: (pid: number) => void;
}

/** The process that serves, and those that finish what they have in flight. */
export class Fleet {
  readonly #options: FleetOptions;
  #current: Haproxy | null = null;
  #old: readonly Haproxy[] = [];
  /** Those of them that had nothing left to do at the last look. */
  #idle: readonly Haproxy[] = [];
  #started = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Takes on the process an agent left that did not end cleanly; it goes on serving until it is replaced. */
  async adopt(): Promise<Haproxy | null> {
    this.#current = await findLeft(this.#options.directory, this.#options.clock);
    return this.#current;
  }

  serves(): boolean {
    return this.#current !== null && !this.#current.hasEnded();
  }

  frontends(): ReadonlySet<string> {
    return this.#current?.hasEnded() === false ? this.#current.frontends : new Set();
  }

  /** Processes that answer requests. */
  all(): readonly Haproxy[] {
    return [...(this.#current === null ? [] : [this.#current]), ...this.#old].filter((one) => !one.hasEnded());
  }

  /**
   * Starts a process with this plan in place of the one that serves, which finishes what it has. Without routes there is none.
   * @throws StartFailure; then the one before goes on
   */
  async replace(plan: Plan): Promise<void> {
    const before = this.serves() ? this.#current : null;
    if (plan.routes.length === 0) {
      this.#current = null;
      if (before !== null) signal(before.pid, 'SIGUSR1');
    } else this.#current = await this.#start(plan, before);
    if (before === null) return;
    this.#old = [...this.#old, before];
    await untilDeaf(before, this.#options.clock);
  }

  async #start(plan: Plan, previous: Haproxy | null): Promise<Haproxy> {
    const { directory, program, clock } = this.#options;
    const socket = join(this.#options.sockets, `haproxy-${process.pid}-${++this.#started}.sock`);
    await writeFiles(directory, plan, { program, socket });
    let self: Haproxy | null = null;
    const onExit = (): void => this.#ended(self);
    const output = join(directory, 'haproxy.log');
    await note(directory, previous, socket);
    const started = await startHaproxy({ program, directory, config: CONFIG, socket, output, previous, clock, onExit }).catch(
      async (failure: unknown) => {
        await note(directory, previous, null);
        throw failure;
      },
    );
    const servers = new Map<string, KnownServer>();
    for (const { backend, name } of plan.routes.flatMap((route) => route.servers))
      servers.set(`${backend}/${name}`, { state: 'ready', since: clock.monotonic() });
    self = { ...started, socket, frontends: new Set(plan.routes.map(({ frontend }) => frontend)), servers };
    this.#options.onStart(self.pid);
    await note(directory, self, null);
    return self;
  }

  /** Tells every process what a route is from now on, and has it read back. @throws Error when the one that serves does not take it */
  async set(frontend: string, entry: string): Promise<void> {
    await this.#tell(frontend, async ({ runtime }) => {
      const answer = await runtime.ask(`set map ${TABLE} ${frontend} ${entry}`);
      const now = await runtime.ask(`get map ${TABLE} ${frontend}`);
      if (!now.includes(`value="${entry}"`)) throw new Error(`HAProxy did not take ${frontend} ${entry}: ${answer}${now}`);
    });
  }

  /** Closes a route for good in every process, also for those who keep a connection. */
  async shut(frontend: string): Promise<void> {
    await this.set(frontend, 'closed|0|a|a|0');
    await this.#tell(frontend, async ({ runtime }) => {
      const answer = (await runtime.ask(`shutdown frontend ${frontend}`)).trim();
      if (answer !== '') throw new Error(`HAProxy did not close ${frontend}: ${answer}`);
    });
  }

  /**
   * Kills the process that serves when it hangs, which is then a crash like any other: one that sleeps instead of answering soon, any
   * other only after two conversations failed. False when it answers, but not in the conversation we had.
   */
  async watch(): Promise<boolean> {
    const one = this.#current;
    if (one === null || one.hasEnded()) return true;
    let hasAnswered = false;
    const answer = this.#ask(one, 'show info').finally(() => (hasAnswered = true));
    if (await oversleeps(one.pid, () => hasAnswered, this.#options.clock)) {
      if (!one.hasEnded()) signal(one.pid, 'SIGKILL');
      return true;
    }
    if ((await answer) !== null) return true;
    const another = await openRuntime(one.socket).catch(() => null);
    another?.close();
    if (one !== this.#current || one.hasEnded()) return true;
    if (another === null) signal(one.pid, 'SIGKILL');
    return another === null;
  }

  async addServers(frontend: string, wanted: readonly Server[]): Promise<void> {
    await this.#tell(frontend, (one) => addServers(one, wanted, this.#options.clock));
  }

  async retireServers(frontend: string, wanted: readonly Server[]): Promise<void> {
    await this.#tell(frontend, (one) => retireServers(one, [`${frontend}.a`, `${frontend}.b`], wanted, this.#options.clock));
  }

  /** `show stat` of every process, the one that serves first. */
  async statistics(): Promise<readonly Row[]> {
    return (await this.statisticsEach()).flatMap(({ rows }) => rows);
  }

  /** The same by process; one that does not answer is left out. */
  async statisticsEach(): Promise<readonly { readonly one: Haproxy; readonly serves: boolean; readonly rows: readonly Row[] }[]> {
    const asked = this.all().map(async (one) => ({ one, serves: one === this.#current, csv: await this.#ask(one, 'show stat') }));
    return (await Promise.all(asked)).flatMap(({ csv, ...rest }) => (csv === null ? [] : [{ ...rest, rows: readStatistics(csv) }]));
  }

  /** Resolves when no instance has a request of the route any more, or when the time is over. */
  async untilIdle(entry: Entry, withinMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + withinMs;
    while (clock.monotonic() < until && inFlightOf(entry, await this.statistics()) > 0) await clock.sleep(50);
  }

  async waiting(frontend: string): Promise<number> {
    const answers = await Promise.all(this.all().map((one) => this.#ask(one, `slipway waiting ${frontend}`)));
    return answers.reduce((sum, answer) => sum + (answer === null ? 0 : Number(answer.trim()) || 0), 0);
  }

  /** How many log lines of each route each process has written. */
  async serials(): Promise<readonly LineId[]> {
    const asked = this.all().map(async (one) => {
      const lines = ((await this.#ask(one, 'slipway serials')) ?? '').split('\n').filter((line) => line !== '');
      return lines.map((line): LineId => {
        const [frontend = '', serial] = line.split(' ');
        return { pid: one.pid, frontend, serial: Number(serial) };
      });
    });
    return (await Promise.all(asked)).flat();
  }

  /**
   * What is to be done now and then: forget servers that left, let go of processes that have nothing left to do. These only at the
   * second look, so that their last log lines can be asked after between the two.
   */
  async tidy(forgetMs: number): Promise<void> {
    const idle: Haproxy[] = [];
    for (const one of this.#old) {
      const csv = await this.#ask(one, 'show stat');
      const open = csv === null ? 0 : readStatistics(csv).reduce((sum, row) => sum + (isRoute(row) ? row.current : 0), 0);
      if (open === 0) idle.push(one);
    }
    // Our own conversation is what keeps an idle one alive.
    for (const one of idle) if (this.#idle.includes(one)) one.runtime.close();
    this.#idle = idle;
    if (this.#current?.hasEnded() === false) await sweepServers(this.#current, this.#options.clock.monotonic() - forgetMs);
  }

  /** Ends all processes: what is in flight may finish within the time. */
  async close(withinMs: number): Promise<void> {
    const all = this.all();
    this.#current = null;
    this.#old = [];
    await Promise.all(all.map((one) => endOf(one, withinMs, this.#options.clock)));
    await rm(join(this.#options.directory, 'process.json'), { force: true });
  }

  /** Goes away and leaves them to themselves. */
  leave(): void {
    for (const one of this.all()) one.runtime.close();
    this.#current = null;
    this.#old = [];
  }

  /** Nobody starts what has no routes, so an end that was not asked for is a crash. */
  #ended(one: Haproxy | null): void {
    if (one === null) return;
    one.runtime.close();
    rmSync(one.socket, { force: true });
    this.#old = this.#old.filter((other) => other !== one);
    if (one === this.#current) this.#options.onCrash();
  }

  async #tell(frontend: string, change: (one: Haproxy) => Promise<void>): Promise<void> {
    const current = this.#current;
    if (current === null || current.hasEnded()) throw new Error('HAProxy does not run');
    for (const one of this.all().filter(({ frontends }) => frontends.has(frontend))) {
      if (one === current) await change(one);
      // One that only finishes may end at any moment.
      else await change(one).catch(() => undefined);
    }
  }

  async #ask(one: Haproxy, command: string): Promise<string | null> {
    return one.runtime.ask(command).catch(() => null);
  }
}

/** Rows of routes, not of the runtime socket. */
function isRoute({ server, proxy }: Row): boolean {
  return server === 'FRONTEND' && proxy.includes('.');
}
