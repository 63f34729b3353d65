import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { locateBinaries } from '../../src/store/embedded/binaries.ts';
import { chooseIdentity, type Identity } from '../../src/store/embedded/identity.ts';
import { onceInRun } from './run-folder.ts';

/** A PostgreSQL server for one test file: own data folder, unix socket only, nothing is synced to disk. */
export interface TestPostgres {
  /** Connection URL of a database as the superuser `slipway`. */
  url(database: string): string;
  /** Runs one statement in a database and answers its rows. */
  query(database: string, sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Creates a database and answers its URL. */
  create(database: string): Promise<string>;
  readonly socketDirectory: string;
  /** Ends it at once, in the middle of whatever it does. */
  crash(): Promise<void>;
  /** Starts it again after that; answers when it does. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

const DEADLINE_MS = 30_000;
const SETTINGS = [
  'listen_addresses=',
  'max_connections=50',
  'shared_buffers=16MB',
  'fsync=off',
  'full_page_writes=off',
  'max_wal_senders=0',
  'autovacuum=off',
  'max_prepared_transactions=2',
];

/** Folder of the newest PostgreSQL server that the system has installed with its client programs; null when there is none. */
export function systemPostgres(): string | null {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return null;
  const folders = readdirSync(root)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'));
  return folders.find((folder) => ['initdb', 'postgres', 'pg_dump'].every((name) => existsSync(join(folder, name)))) ?? null;
}

/** Which PostgreSQL: Slipway's own, the system's newest, or one whose programs are in a folder. */
export type Version = 'embedded' | 'system' | { readonly programs: string };

/** Starts a server; `system` needs {@link systemPostgres}. */
export async function startPostgres(
  options: { readonly version?: Version; readonly settings?: readonly string[] } = {},
): Promise<TestPostgres> {
  return launch(options, ({ data, initdb, identity, env }) =>
    onceInRun(`pg-${createHash('sha256').update(initdb).digest('hex').slice(0, 8)}`, data, async () => {
      ownFolder(data, identity);
      const made = spawnAs(identity, [initdb, '-D', data, '-U', 'slipway', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], env);
      await ended(made, 'initdb');
    }),
  );
}

/** Starts a streaming replica of a server that was started with `max_wal_senders`. It answers queries, and is read-only. */
export async function startReplica(primary: TestPostgres, more: readonly string[] = []): Promise<TestPostgres> {
  // A replica must allow at least as many of everything as its primary.
  const settings = [...more, 'max_wal_senders=10', `primary_conninfo=host=${primary.socketDirectory} user=slipway`];
  return launch({ settings }, async ({ data, identity }) => {
    ownFolder(data, identity);
    const client = new pg.Client({ connectionString: primary.url('postgres') });
    await client.connect();
    await client.query(`SELECT pg_backup_start('replica', true)`);
    const from = join(primary.socketDirectory, '..', 'data');
    const left = new Set(['postmaster.pid', 'postmaster.opts', 'pg_replslot']);
    cpSync(from, data, { recursive: true, filter: (path) => !left.has(basename(path)) });
    mkdirSync(join(data, 'pg_replslot'));
    const { rows } = await client.query<{ label: string }>('SELECT labelfile AS label FROM pg_backup_stop(false)');
    await client.end();
    writeFileSync(join(data, 'backup_label'), rows[0]?.label ?? '');
    writeFileSync(join(data, 'standby.signal'), '');
    chmodSync(data, 0o700);
    if (identity.credentials !== null) {
      const { uid, gid } = identity.credentials;
      for (const path of ['', ...readdirSync(data, { recursive: true, encoding: 'utf8' })]) chownSync(join(data, path), uid, gid);
    }
  });
}

interface Making extends Programs {
  readonly data: string;
  readonly identity: Identity;
}

function ownFolder(folder: string, { credentials }: Identity): void {
  mkdirSync(folder, { mode: 0o700 });
  if (credentials !== null) chownSync(folder, credentials.uid, credentials.gid);
}

/** A data folder, by whatever makes it, and a server in it. */
async function launch(
  options: { readonly version?: Version; readonly settings?: readonly string[] },
  make: (making: Making) => Promise<void>,
): Promise<TestPostgres> {
  const root = mkdtempSync(join(tmpdir(), 'slw-pg-'));
  chmodSync(root, 0o755);
  const data = join(root, 'data');
  const socketDirectory = join(root, 's');
  const found = programs(options.version ?? 'embedded', join(root, 'lib'));
  const { postgres, env } = found;
  const identity = chooseIdentity([postgres, data], null);
  ownFolder(socketDirectory, identity);
  await make({ ...found, data, identity });
  const settings = [...SETTINGS, ...(options.settings ?? []), `unix_socket_directories=${socketDirectory}`].flatMap((setting) => [
    '-c',
    setting,
  ]);
  const begin = (): ChildProcess => spawnAs(identity, [postgres, '-D', data, ...settings], env);
  let server = begin();
  const url = (database: string): string =>
    `postgresql://slipway@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(socketDirectory)}&sslmode=disable`;
  const query = (database: string, sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> =>
    ask(url(database), sql, values);
  const answers = (): Promise<void> => answering(server, () => query('postgres', 'SELECT 1'));
  const crash = async (): Promise<void> => {
    // SIGQUIT is PostgreSQL's immediate shutdown: nothing is written.
    const gone = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null && server.signalCode === null && server.kill('SIGQUIT')) await gone;
  };
  await answers();
  return {
    url,
    query,
    socketDirectory,
    crash,
    revive: () => {
      server = begin();
      return answers();
    },
    create: async (database) => {
      await query('postgres', `CREATE DATABASE ${pg.escapeIdentifier(database)}`);
      return url(database);
    },
    stop: async () => {
      // The data is thrown away.
      await crash();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Stops a running server from forcing anything to disk: whoever is killed in a test loses no more for it, only a machine would. */
export async function neverSync(url: string): Promise<void> {
  await ask(url, 'ALTER SYSTEM SET fsync = off', []);
  await ask(url, 'SELECT pg_reload_conf()', []);
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
  readonly env: NodeJS.ProcessEnv;
}

function programs(version: Version, links: string): Programs {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  if (version === 'system') {
    const folder = systemPostgres();
    if (folder === null) throw new Error('no PostgreSQL server is installed; ask systemPostgres() first');
    return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), env };
  }
  if (version !== 'embedded') return { initdb: join(version.programs, 'initdb'), postgres: join(version.programs, 'postgres'), env };
  const { initdb, postgres, libraryPath } = locateBinaries(links);
  return { initdb, postgres, env: libraryPath === null ? env : { ...env, LD_LIBRARY_PATH: libraryPath } };
}

function spawnAs(identity: Identity, argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const [command = '', ...args] = [...identity.prefix, ...argv];
  const user = identity.credentials === null ? {} : identity.credentials;
  return spawn(command, args, {
    env,
    cwd: '/',
    stdio: ['ignore', 'ignore', process.env['SLIPWAY_TEST_PG_LOG'] === undefined ? 'ignore' : 'inherit'],
    ...user,
  });
}

async function ended(child: ChildProcess, name: string): Promise<void> {
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${name} failed with exit ${code ?? 'by a signal'}; set SLIPWAY_TEST_PG_LOG=1 to see why`);
}

async function answering(server: ChildProcess, ping: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      await ping();
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline)
        throw new Error('PostgreSQL did not start; set SLIPWAY_TEST_PG_LOG=1 to see why', { cause: error });
      await delay(20);
    }
  }
}

async function ask(url: string, sql: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const answer = await client.query<Record<string, unknown>>(sql, values.length === 0 ? undefined : [...values]);
    return answer.rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
