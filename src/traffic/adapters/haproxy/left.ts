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
const noteSchema = z.object({ pid: z.int().positive(), socket: z.string() });

/** Leaves word of who serves, for the next agent. */
export async function note(directory: string, { pid, socket }: Haproxy): Promise<void> {
  await replaceFile(join(directory, NOTE), JSON.stringify({ pid, socket }));
}

/** Who serves, by the last word that was left; null when it runs no more. */
export async function readNote(directory: string): Promise<Pick<Haproxy, 'pid' | 'socket'> | null> {
  const text = await readFile(join(directory, NOTE), 'utf8').catch(() => null);
  const parsed = text === null ? null : noteSchema.safeParse(parseJson(text));
  return parsed?.success === true && (await isOurs(parsed.data.pid, directory)) ? parsed.data : null;
}

/** The process another agent left, ready to be replaced; null when none runs. One that runs and does not answer is ended. */
export async function findLeft(directory: string): Promise<Haproxy | null> {
  const noted = await readNote(directory);
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

/** A process number is given out again, so the note alone proves nothing. */
async function isOurs(pid: number, directory: string): Promise<boolean> {
  const [name, folder] = await Promise.all([
    readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  return name.trim() === 'haproxy' && folder === (await realpath(directory).catch(() => directory));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
