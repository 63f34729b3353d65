import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../../kernel/index.ts';
import type { Binaries } from './binaries.ts';
import type { Identity } from './identity.ts';

/** What it takes to run one of PostgreSQL's programs here. */
export interface Launch {
  readonly binaries: Binaries;
  readonly identity: Identity;
}

/** A server process of ours, until it is ready or has given up. */
export interface Launched {
  /** What it logged when it stopped before it was ready; null while it runs. */
  failure(): string | null;
}

const LOG_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Settings for a small store on a machine that has other work to do: about 17 MB of memory, no TCP, no replication,
 * no extra workers. Durability stays on: an acknowledged commit survives `kill -9` and power loss.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '16MB',
  max_wal_senders: '0',
  wal_level: 'minimal',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  autovacuum_max_workers: '1',
  autovacuum_worker_slots: '1',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  // Who still sends what is a question before something of a schema goes; CREATE EXTENSION makes the counts visible.
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.max': '2000',
  jit: 'off',
  ssl: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  // Statements, and what the server says of those it refused, may hold what users wrote; they stay out of the log.
  log_min_error_statement: 'panic',
  log_min_messages: 'log',
};

/** PG* variables of the user's shell must not reach the server. */
export function serverEnvironment(binaries: Binaries): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(binaries.libraryPath === null ? {} : { LD_LIBRARY_PATH: binaries.libraryPath }),
  };
}

/** Starts the server in a session of its own, so it outlives the command that needed it first. */
export function launchServer(launch: Launch, dataDirectory: string, socketDirectory: string): Launched {
  const file = join(dirname(dataDirectory), 'postgres.log');
  rotate(file);
  const log = openSync(file, 'a', 0o600);
  const from = fstatSync(log).size;
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: socketDirectory }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const [command = '', ...args] = [...launch.identity.prefix, launch.binaries.postgres, '-D', dataDirectory, ...settings];
  let failure: string | null = null;
  const child = spawn(command, args, {
    cwd: dataDirectory,
    env: serverEnvironment(launch.binaries),
    detached: true,
    stdio: ['ignore', log, log],
    ...launch.identity.credentials,
  });
  child.once('error', (error) => (failure = messageOf(error)));
  child.once('exit', () => (failure ??= lastWords(file, from)));
  child.unref();
  closeSync(log);
  return { failure: () => failure };
}

/** The folder may be gone by then: a server that loses its data stops long after it was ready. */
function lastWords(file: string, from: number): string {
  try {
    return readFileSync(file).subarray(from).toString();
  } catch (error) {
    return messageOf(error);
  }
}

function rotate(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < LOG_LIMIT_BYTES) return;
  rmSync(`${file}.1`, { force: true });
  renameSync(file, `${file}.1`);
}
