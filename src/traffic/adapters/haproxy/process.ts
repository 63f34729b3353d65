import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Clock } from '../../../kernel/index.ts';
import { alertsIn } from './program.ts';
import { openRuntime, type Runtime } from './runtime.ts';

const READY_WITHIN_MS = 15_000;
const LOOK_MS = 10;

/** What is known of a server in a process. */
export interface KnownServer {
  readonly state: 'ready' | 'maint';
  /** Monotonic. */
  readonly since: number;
}

/** One running HAProxy. */
export interface Haproxy {
  readonly pid: number;
  readonly socket: string;
  readonly runtime: Runtime;
  /** The routes it serves. */
  readonly frontends: ReadonlySet<string>;
  /** By `backend/server`; null for one that another agent started. */
  readonly servers: Map<string, KnownServer> | null;
  hasEnded(): boolean;
}

export interface StartOptions {
  readonly program: string;
  /** Where it runs; paths in its configuration start here. */
  readonly directory: string;
  readonly config: string;
  readonly socket: string;
  readonly output: string;
  /** Whose sockets it takes over, and who is told to finish. */
  readonly previous: { readonly pid: number; readonly socket: string } | null;
  readonly clock: Clock;
  readonly onExit: () => void;
}

/** It did not start; the message is HAProxy's. */
class StartFailure extends Error {}

/**
 * Starts HAProxy in a session of its own, so that it outlives us and no terminal's Ctrl-C reaches it; resolves when it answers.
 * @throws StartFailure
 */
export async function startHaproxy(
  options: StartOptions,
): Promise<{ readonly pid: number; readonly runtime: Runtime; hasEnded(): boolean }> {
  const { program, directory, config, socket, output, previous, clock } = options;
  const file = openSync(output, 'a', 0o600);
  const before = fstatSync(file).size;
  const takeOver = previous === null ? [] : ['-x', previous.socket, '-sf', String(previous.pid)];
  const child = spawn(program, ['-db', '-f', config, ...takeOver], { cwd: directory, detached: true, stdio: ['ignore', file, file] });
  closeSync(file);
  child.unref();
  let ended = false;
  const hasEnded = (): boolean => ended;
  child.on('error', () => (ended = true));
  child.once('exit', () => {
    ended = true;
    options.onExit();
  });
  const until = clock.monotonic() + READY_WITHIN_MS;
  while (!hasEnded() && clock.monotonic() < until) {
    const runtime = await openRuntime(socket).catch(() => null);
    if (runtime !== null && child.pid !== undefined) return { pid: child.pid, runtime, hasEnded };
    await clock.sleep(LOOK_MS);
  }
  child.kill('SIGKILL');
  throw new StartFailure(alertsIn(readFileSync(output).subarray(before).toString()) || 'HAProxy did not start');
}
