import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { systemClock, type Clock } from '../../src/kernel/index.ts';
import type { Driver, EventData, NewEvent, Plan } from '../../src/release/index.ts';
import { endStore, placeStore } from '../support/place-store.ts';
import { openEmbedded, openStore, thisDriver, type OpenStore, type StoreOptions } from '../../src/store/index.ts';

export const LEASE = { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 };

/** Polls until `condition` answers something truthy; fails loudly after `withinMs`. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  withinMs = 60_000,
): Promise<T> {
  const deadline = systemClock.monotonic() + withinMs;
  for (;;) {
    const found = await condition();
    if (found !== null && found !== false && found !== undefined) return found;
    if (systemClock.monotonic() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await systemClock.sleep(20);
  }
}

export interface Scratch {
  readonly home: string;
  remove(): void;
}

/** A folder of its own for one test, which any user may enter when the test runs as root. */
export function scratch(): Scratch {
  const home = mkdtempSync(join(tmpdir(), 'slipway-store-'));
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) };
}

/** May any user go through every folder on the way to this one? */
export function isOpenToOthers(folder: string): boolean {
  const open = (statSync(folder).mode & 0o001) !== 0;
  return dirname(folder) === folder ? open : open && isOpenToOthers(dirname(folder));
}

let counter = 0;

/** A plan with only what the store looks at. */
export function planFor(changes: Partial<Plan> = {}): Plan {
  counter += 1;
  const release = `01rel${String(counter).padStart(5, '0')}${Math.random().toString(36).slice(2, 8)}`;
  const plan = {
    schema: 'slipway.plan/1',
    release,
    kind: 'release',
    service: 'shop',
    environment: 'prd',
    version: '1.1.0',
    node: 'here:/state',
    steps: [],
    ...changes,
  };
  return plan as unknown as Plan;
}

export function driver(id: string, changes: Partial<Driver> = {}): Driver {
  return { ...thisDriver(id), ...changes };
}

export const intended = (step: string, attempt = 1): NewEvent => ({
  type: 'step.intended',
  data: { step, stage: 'deploy', attempt, key: `k/${step}/${attempt}` },
});
export const finished = (outcome: EventData['release.finished']['outcome'] = 'released'): NewEvent => ({
  type: 'release.finished',
  data: { outcome, reason: 'done' },
});

/** A clock that is the system's, moved by `offset()`. */
export function movedClock(offset: () => number): Clock {
  return { ...systemClock, now: () => systemClock.now() + offset() };
}

/** A PostgreSQL for a file of tests, with a new database for each store. */
export interface TestServer {
  newDatabase(): Promise<string>;
  open(url: string, changes?: Partial<StoreOptions>): Promise<OpenStore>;
  stop(): Promise<void>;
}

/** Binaries of a server beside the bundled one: the oldest that is supported. */
const SYSTEM_BINARIES = '/usr/lib/postgresql/15/bin';
export const hasSystemPostgres = existsSync(join(SYSTEM_BINARIES, 'postgres'));

export async function embeddedServer(): Promise<TestServer> {
  const place = scratch();
  await placeStore(place.home);
  const embedded = await openEmbedded({ home: place.home });
  let databases = 0;
  const open = new Set<OpenStore>();
  return {
    newDatabase: async () => {
      const name = `test_${(databases += 1)}`;
      await embedded.ensureDatabase(name);
      return embedded.url(name);
    },
    open: (url, changes) => openTracked(open, { home: place.home, url, ...changes }),
    stop: async () => {
      await Promise.all([...open].map((store) => store.close()));
      await endStore(embedded);
      place.remove();
    },
  };
}

/** One query on a connection of its own. */
export async function query<T>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that is killed before the query was sent says so in an event.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T & object>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The system's PostgreSQL 15, started like a server of the user's own. */
export async function systemServer(): Promise<TestServer> {
  const { chooseIdentity } = await import('../../src/store/embedded/identity.ts');
  const place = scratch();
  const data = join(place.home, 'pg');
  const identity = chooseIdentity([SYSTEM_BINARIES, data], null);
  const run = (program: string, args: readonly string[]): ChildProcess => {
    const [command = '', ...rest] = [...identity.prefix, join(SYSTEM_BINARIES, program), ...args];
    return spawn(command, rest, { stdio: 'ignore', ...identity.credentials });
  };
  if (identity.credentials !== null) chownSync(place.home, identity.owner, identity.owner);
  await once(run('initdb', ['-D', data, '-U', 'slipway', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync']), 'exit');
  const server = run('postgres', ['-D', data, '-c', 'listen_addresses=', '-c', `unix_socket_directories=${place.home}`, '-c', 'fsync=off']);
  const urlOf = (name: string): string => `postgresql://slipway@localhost/${name}?host=${encodeURIComponent(place.home)}`;
  await eventually('PostgreSQL 15 answers', () =>
    query(urlOf('postgres'), 'select 1').then(
      () => true,
      () => false,
    ),
  );
  let databases = 0;
  const open = new Set<OpenStore>();
  return {
    newDatabase: async () => {
      const name = `test_${(databases += 1)}`;
      await query(urlOf('postgres'), `create database ${name}`);
      return urlOf(name);
    },
    open: (url, changes) => openTracked(open, { home: place.home, url, ...changes }),
    stop: async () => {
      await Promise.all([...open].map((store) => store.close()));
      const gone = once(server, 'exit');
      server.kill('SIGQUIT');
      await gone;
      place.remove();
    },
  };
}

async function openTracked(open: Set<OpenStore>, options: Partial<StoreOptions> & { readonly home: string }): Promise<OpenStore> {
  const store = await openStore({ node: 'here:/state', clock: systemClock, lease: LEASE, ...options });
  const tracked: OpenStore = {
    ...store,
    close: async () => {
      if (!open.delete(tracked)) return;
      await store.close();
    },
  };
  open.add(tracked);
  return tracked;
}
