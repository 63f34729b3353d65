import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type pg from 'pg';
import { SlipwayError, type Clock } from '../kernel/index.ts';
import { connect, siblingAccess } from './access.ts';
import { refusedError } from './errors.ts';
import { ADVISORY_KEY, sessionName, takeLock, type Purpose } from './lock.ts';
import type { DatabaseAccess, Hold } from './ports.ts';
import { connectMaintenance, shortKey } from './server.ts';

export interface HoldRequest {
  readonly access: DatabaseAccess;
  /** `backup`: one worker at a time for this key. `restore`: one at a time for the whole database. */
  readonly purpose: Exclude<Purpose, 'migrate'>;
  readonly key: string;
  /** Of the caller's claim. */
  readonly fence: number;
  /** The backup's folder; the highest fence that came here is kept beside it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** How long to wait for a worker of the same claim that was told to stop. */
const WAIT_MS = 60_000;

/**
 * Works on a backup while a session of the server holds the lock for it. A worker that comes with a higher fence ends that session
 * and every {@link Hold.session}; whoever was frozen meanwhile finds its connections gone and may open no other.
 * The lock is taken on the maintenance database: a session inside the live one would be in the way of a copy and of the swap.
 * @throws SlipwayError `fenced`, `locked`, `release_aborted`, `database_unreachable`, `disk_full`
 */
export async function withHold<T>(request: HoldRequest, work: (hold: Hold) => Promise<T>): Promise<T> {
  try {
    return await underFence(request, work);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new SlipwayError('disk_full', `No space left to write ${request.directory}`);
  }
}

async function underFence<T>(request: HoldRequest, work: (hold: Hold) => Promise<T>): Promise<T> {
  const { access, purpose, key, fence, clock, signal } = request;
  // Before the lock, so that whoever loses it to us finds out why; and after it, for one that fell asleep in between.
  await claimFolder(request);
  const scope = shortKey(access, purpose === 'restore' ? '' : key);
  const stop = signal === undefined ? {} : { signal };
  try {
    const control = await connectMaintenance(access, sessionName(purpose, fence, `${scope} ${key}`));
    try {
      await takeLock(control, ADVISORY_KEY + BigInt(`0x${scope}`), { purpose, scope, fence, waitMs: WAIT_MS, clock, ...stop });
      await refuseOvertaken(request);
      const { session, end } = sessions(request, control, scope);
      try {
        return await work({ access, fence, clock, ...stop, session, control });
      } finally {
        await end();
      }
    } catch (error) {
      throw refusedError(error, `the ${purpose}`, access);
    } finally {
      await control.end().catch(() => undefined);
    }
  } catch (error) {
    // A connection that was ended by a later claim looks like a lost one.
    await refuseOvertaken(request);
    throw error;
  }
}

interface Sessions {
  readonly session: Hold['session'];
  end(): Promise<void>;
}

/** Connections to the maintenance database are used again by the next session; one on which something went wrong is not. */
function sessions({ access, purpose, key, fence, signal }: HoldRequest, control: pg.Client, scope: string): Sessions {
  const name = sessionName(`${purpose}-work`, fence, `${scope} ${key}`);
  const idle: Connected[] = [];
  const end = async ({ client }: Connected): Promise<void> => client.end().catch(() => undefined);
  const session: Hold['session'] = async (doing, work, database) => {
    const kept = database === undefined ? idle.pop() : undefined;
    const one =
      kept ?? (await connected(database === undefined ? connectMaintenance(access, name) : connect(siblingAccess(access, database), name)));
    let failed = true;
    try {
      // We hold the lock still, at a moment when this connection is there for the next owner to find and end.
      await control.query('SELECT 1');
      throwIfAborted(signal);
      const cancel = (): void => void control.query('SELECT pg_cancel_backend($1)', [one.pid]).catch(() => undefined);
      signal?.addEventListener('abort', cancel);
      try {
        const answer = await work(one.client);
        failed = false;
        return answer;
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    } catch (error) {
      throwIfAborted(signal);
      throw refusedError(error, doing, access);
    } finally {
      if (database === undefined && !failed && signal?.aborted !== true) idle.push(one);
      else await end(one);
    }
  };
  return { session, end: async () => void (await Promise.all(idle.splice(0).map(end))) };
}

interface Connected {
  readonly client: pg.Client;
  readonly pid: number;
}

async function connected(connecting: Promise<pg.Client>): Promise<Connected> {
  const client = await connecting;
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: rows[0]?.pid ?? 0 };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new SlipwayError('release_aborted', 'Cancelled while at work on the backup; the same again continues');
}

function fenceFile({ directory }: HoldRequest): string {
  return `${directory}.fence`;
}

/** Only ever appended to, so no worker, however late, makes the highest fence in it smaller. */
async function claimFolder(request: HoldRequest): Promise<void> {
  const path = fenceFile(request);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await appendFile(path, `${request.fence}\n`, { mode: 0o600 });
  await refuseOvertaken(request);
}

async function refuseOvertaken(request: HoldRequest): Promise<void> {
  const fences = (await readFile(fenceFile(request), 'utf8')).split('\n').map(Number);
  if (Math.max(...fences) > request.fence)
    throw new SlipwayError('fenced', 'A later claim has taken this backup over; nothing more is done here');
}
