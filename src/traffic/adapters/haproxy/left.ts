import { readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../../kernel/index.ts';
import { replaceFile } from './replace-file.ts';
import type { Haproxy } from './process.ts';
import { openRuntime } from './runtime.ts';
import { readStatistics } from './statistics.ts';

const NOTE = 'process.json';
const LOOK_MS = 20;
/** How long one is waited for that was being started when its agent was killed. */
const COMES_WITHIN_MS = 2_000;

/** A process, as far as it is told to the next agent. */
type Noted = Pick<Haproxy, 'pid' | 'socket'>;

const noteSchema = z.union([
  z.object({ pid: z.int().positive(), socket: z.string(), coming: z.string().optional() }),
  z.object({ coming: z.string() }),
]);

/**
 * Leaves word of who serves, for the next agent, and at which socket one is about to take over: an agent that is killed in the middle
 * of that has started a process which no other word would lead to.
 */
export async function note(directory: string, serving: Noted | null, coming: string | null): Promise<void> {
  const word = {
    ...(serving === null ? {} : { pid: serving.pid, socket: serving.socket }),
    ...(coming === null ? {} : { coming }),
  };
  await replaceFile(join(directory, NOTE), JSON.stringify(word));
}

/** Who serves, by the last word that was left; null when it runs no more. */
export async function readNote(directory: string, clock: Clock): Promise<Noted | null> {
  const text = await readFile(join(directory, NOTE), 'utf8').catch(() => null);
  const { data } = noteSchema.safeParse(text === null ? null : parseJson(text));
  if (data === undefined) return null;
  const come = data.coming === undefined ? null : await untilComes(data.coming, clock);
  return (come && (await ifOurs(come, directory))) ?? ('pid' in data ? ifOurs(data, directory) : null);
}

/** The process at a socket, once it answers there; null when none does in time. */
async function untilComes(socket: string, clock: Clock): Promise<Noted | null> {
  const until = clock.monotonic() + COMES_WITHIN_MS;
  for (;;) {
    const runtime = await openRuntime(socket).catch(() => null);
    const info = await runtime?.ask('show info').catch(() => null);
    runtime?.close();
    const pid = Number(/^Pid: (\d+)$/m.exec(info ?? '')?.[1] ?? 0);
    if (pid > 0) return { pid, socket };
    if (clock.monotonic() > until) return null;
    await clock.sleep(LOOK_MS);
  }
}

/** The process another agent left, ready to be replaced; null when none runs. One that runs and does not answer is ended. */
export async function findLeft(directory: string, clock: Clock): Promise<Haproxy | null> {
  const noted = await readNote(directory, clock);
  if (noted === null) return null;
  const { pid, socket } = noted;
  const hasEnded = (): boolean => !isAlive(pid);
  try {
    const runtime = await openRuntime(socket);
    const rows = readStatistics(await runtime.ask('show stat'));
    const frontends = new Set(rows.filter(({ server }) => server === 'FRONTEND').map(({ proxy }) => proxy));
    return { pid, socket, runtime, frontends, servers: null, hasEnded };
  } catch {
    process.kill(pid, 'SIGKILL');
    return null;
  }
}

/** Tells it to finish, ends it once nothing is in flight or its time is over, and waits until it is gone. */
export async function endOf({ pid, runtime, hasEnded }: Haproxy, withinMs: number, clock: Clock): Promise<void> {
  const until = clock.monotonic() + withinMs;
  signal(pid, 'SIGUSR1');
  while (!hasEnded() && clock.monotonic() < until && (await isBusy(runtime))) await clock.sleep(LOOK_MS);
  runtime.close();
  // A soft end closes idle connections only one by one.
  signal(pid, 'SIGTERM');
  for (let look = 0; look < 50 && !hasEnded(); look++) await clock.sleep(LOOK_MS);
  if (!hasEnded()) signal(pid, 'SIGKILL');
}

/** Resolves when it has stopped listening: from then on whoever connects meets the next one, or nobody. */
export async function untilDeaf({ runtime, hasEnded }: Haproxy, clock: Clock): Promise<void> {
  for (let look = 0; look < 100 && !hasEnded(); look++) {
    const info = await runtime.ask('show info').catch(() => 'Stopping: 1');
    if (info.includes('Stopping: 1')) return;
    await clock.sleep(LOOK_MS);
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

async function isBusy(runtime: { ask(command: string): Promise<string> }): Promise<boolean> {
  const csv = await runtime.ask('show stat').catch(() => null);
  return csv !== null && readStatistics(csv).some(({ server, current }) => server === 'BACKEND' && current > 0);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The process, when it runs and is ours: its number is given out again, so the note alone proves nothing. */
async function ifOurs(noted: Noted, directory: string): Promise<Noted | null> {
  const { pid } = noted;
  const [name, folder] = await Promise.all([
    readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  return name.trim() === 'haproxy' && folder === (await realpath(directory).catch(() => directory)) ? noted : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
