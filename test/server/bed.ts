import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  createToken,
  type Flag,
  type FlagAction,
  type FlagChange,
  type Scope,
  type Segment,
  type WantedWrite,
} from '../../src/flags/index.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { MAIN } from '../cli/support.ts';
import { LEASE } from '../store/support.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** A store that can be cut off, and any number of `slipway serve` processes on it. */
export interface Bed {
  readonly store: OpenStore;
  /** Starts what users start; answers when it is ready. */
  serve(...args: readonly string[]): Promise<Served>;
  /** The same, whose process has these variables besides. */
  serveIn(variables: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Served>;
  /** A new token's text. */
  token(scopes: readonly Scope[], environment?: string): Promise<string>;
  /** Writes past the server, as the command line does. */
  write(writes: readonly Write[], action?: FlagAction): Promise<FlagChange>;
  /** Runs a command as users do, on the bed's own way to the store. */
  cli(...args: readonly string[]): Promise<{ readonly exit: number | null; readonly out: string; readonly err: string }>;
  /** The same, whose process has these variables besides. */
  cliIn(variables: NodeJS.ProcessEnv, ...args: readonly string[]): ReturnType<Bed['cli']>;
  /** One statement, past everything. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends the connections by which servers hear of changes: for a second they know only what they ask for. */
  deafen(): Promise<void>;
  /** Cuts the servers' way to the store, or mends it; the bed's own stays. */
  cut(): void;
  mend(): void;
  /**
   * Nothing comes through any more, and nobody is told: connections stay open and silent, new ones too. After `thaw` new ones are well;
   * those from before are silent for ever.
   */
  freeze(): void;
  thaw(): void;
  /** Ends PostgreSQL itself, at once, in the middle of whatever it does; and starts it again. */
  crash(): Promise<void>;
  revive(): Promise<void>;
  stop(): Promise<void>;
}

/** `{ key: flag }`, in dev; null takes one away. */
type Write = readonly [key: string, after: Flag | null] | readonly [key: string, after: Segment, kind: 'segment'];

export interface Served {
  readonly base: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Every line it logged, as it was. */
  readonly log: readonly string[];
  call(what: string, options?: CallOptions): Promise<Answer>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
}

export interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look at what comes back with matchers.
  readonly json: Readonly<Record<string, unknown>>;
}

export async function openBed(): Promise<Bed> {
  const home = mkdtempSync(path.join(tmpdir(), 'slw-serve-'));
  const postgres = await startPostgres();
  const url = await postgres.create('slipway');
  const store = await openStore({ home, url, node: 'bed', clock: systemClock, lease: LEASE });
  const way = await openWay(postgres);
  const served: Served[] = [];
  const revisions = new Map<string, number>();
  const serveIn: Bed['serveIn'] = async (variables, ...args) => {
    const one = await start({ SLIPWAY_HOME: home, SLIPWAY_DATABASE_URL: way.url, ...variables }, args);
    served.push(one);
    return one;
  };
  const cliIn: Bed['cliIn'] = (variables, ...args) => runCli(home, { SLIPWAY_HOME: home, SLIPWAY_DATABASE_URL: url, ...variables }, args);
  return {
    store,
    serve: (...args) => serveIn({}, ...args),
    serveIn,
    token: async (scopes, environment = 'dev') =>
      (await createToken({ ...store, ids: systemIds }, { environment, scopes, description: 'test', actor: 'ann', expiresAt: null })).text,
    write: async (writes, action = 'change') => {
      const wanted = writes.map(([key, after, kind = 'flag']) => ({ kind, key, after, revision: revisions.get(`${kind} ${key}`) ?? null }));
      const change = await store.flags.commit({
        environment: 'dev',
        actor: 'ann',
        reason: 'test',
        action,
        acknowledge: action === 'kill',
        writes: wanted as readonly WantedWrite[],
      });
      for (const { kind, key, after } of wanted)
        if (after === null) revisions.delete(`${kind} ${key}`);
        else revisions.set(`${kind} ${key}`, change.seq);
      return change;
    },
    cli: (...args) => cliIn({}, ...args),
    cliIn,
    query: (sql) => postgres.query('slipway', sql),
    deafen: async () =>
      void (await postgres.query(
        'slipway',
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway-listener'`,
      )),
    cut: way.cut,
    mend: way.mend,
    freeze: way.freeze,
    thaw: way.thaw,
    crash: postgres.crash,
    revive: postgres.revive,
    stop: async () => {
      way.mend();
      await Promise.all(served.map((one) => one.stop()));
      await store.close();
      way.close();
      await postgres.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A way to the database over TCP, which can be cut, or go silent. */
async function openWay(
  postgres: TestPostgres,
): Promise<Pick<Bed, 'cut' | 'mend' | 'freeze' | 'thaw'> & { readonly url: string; close(): void }> {
  const open = new Set<Socket>();
  let isCut = false;
  let isFrozen = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(path.join(postgres.socketDirectory, '.s.PGSQL.5432'));
    for (const one of [near, far]) {
      open.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(one);
          // A frozen way does not carry the end either: the database goes on waiting for a client that has gone.
          if (isSilent(one)) return;
          near.destroy();
          far.destroy();
        });
    }
    if (isFrozen) [near, far].forEach(silence);
    else near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = new WeakSet<Socket>();
  const isSilent = (one: Socket): boolean => silent.has(one);
  const silence = (one: Socket): void => {
    silent.add(one);
    one.unpipe();
    // Read and thrown away, so that the other end does not even feel that nobody reads.
    one.on('data', () => undefined);
  };
  const cut = (): void => {
    isCut = true;
    for (const one of open) one.destroy();
  };
  return {
    url: `postgresql://slipway@127.0.0.1:${port}/slipway?sslmode=disable`,
    cut,
    mend: () => void (isCut = false),
    freeze: () => {
      isFrozen = true;
      open.forEach(silence);
    },
    thaw: () => void (isFrozen = false),
    close: () => {
      cut();
      server.close();
    },
  };
}

async function start(variables: NodeJS.ProcessEnv, args: readonly string[]): Promise<Served> {
  const env = { ...process.env, SLIPWAY_LOG: 'debug', ...variables };
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const log: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`slipway serve ended with ${code}: ${log.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const said = JSON.parse(line) as { readonly message: string; readonly port: number };
      if (said.message === 'serving') resolve(said.port);
    });
  });
  const base = `http://127.0.0.1:${port}`;
  const call = caller(base);
  await until(async () => (await call('GET /health/ready')).status === 200);
  return {
    base,
    port,
    child,
    log,
    call,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      // Not its exit: until then its last lines may not be here.
      const gone = once(child, 'close');
      child.kill('SIGTERM');
      const [code] = (await gone) as [number | null];
      return code;
    },
  };
}

async function runCli(home: string, variables: NodeJS.ProcessEnv, args: readonly string[]): ReturnType<Bed['cli']> {
  const env = { ...process.env, ...variables };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8') };
}

function caller(base: string): Served['call'] {
  return async (what, { token, body, headers = {} } = {}) => {
    const [method = 'GET', target = ''] = what.split(' ');
    const response = await fetch(`${base}${target}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, headers: response.headers, text, json: (isJson ? JSON.parse(text) : {}) as Answer['json'] };
  };
}

/** Waits until it is so, looking again and again. @throws Error after a minute */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = systemClock.monotonic() + 60_000;
  while (!(await isSo())) {
    if (systemClock.monotonic() > end) throw new Error(`It did not come to pass: ${isSo.toString()}`);
    await systemClock.sleep(20);
  }
}

/** A flag with what tests are about. */
export { aFlag } from '../../src/flags/contract-flag.ts';
