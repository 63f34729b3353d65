import type pg from 'pg';
import { SlipwayError, type Clock, type Duration } from '../kernel/index.ts';

/** "slipway" in ASCII. Every Slipway, of any version, must use the same key. */
export const ADVISORY_KEY = 0x73_6c_69_70_77_61_79n;

export type Purpose = 'migrate' | 'backup' | 'restore';

export interface LockWait {
  readonly purpose: Purpose;
  /** Digest in the names of the sessions that belong together; left out: all of the purpose in this database. */
  readonly scope?: string;
  readonly fence: number;
  readonly waitMs: Duration;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onWait?: (owner: string) => void;
}

/** How the session that takes the lock (`migrate`) and those that work under it (`migrate-work`) call themselves: others read fence and owner from it. */
export function sessionName(purpose: Purpose | `${Purpose}-work`, fence: number, release: string): string {
  return `${purpose} fence=${fence} ${release.replace(/[^\x21-\x7e]/g, '_')}`;
}

interface Session {
  readonly pid: number;
  readonly name: string;
  readonly fence: number | null;
}

const POLL_MS = 100;

/**
 * Takes a session-level advisory lock. Waits for another owner, naming it; a session with a lower fence belongs to a worker
 * whose claim was taken over (frozen, cut off), and is ended. Then ends what such workers left running without the lock.
 * @throws SlipwayError `locked` naming the owner after `waitMs`, `fenced` when the owner has a higher fence, `release_aborted`
 */
export async function takeLock(client: pg.Client, key: bigint, wait: LockWait): Promise<void> {
  const since = wait.clock.monotonic();
  let told = false;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [key.toString()]);
    if (rows[0]?.taken === true) break;
    const [holder] = await lockHolders(client, key);
    if (holder !== undefined) {
      const owner = `${holder.name} (process ${holder.pid} of the server)`;
      if (wait.clock.monotonic() - since > wait.waitMs) {
        throw new SlipwayError('locked', `Another Slipway is at work on this database: ${owner}`, {
          hint: 'Wait until it is done. If it is stuck, end that session with pg_terminate_backend.',
        });
      }
      if (!told) wait.onWait?.(owner);
      told = true;
      await endStale(client, [holder], wait);
    }
    if (wait.signal?.aborted === true)
      throw new SlipwayError('release_aborted', 'Cancelled while waiting for another migration; nothing was changed');
    await wait.clock.sleep(POLL_MS, wait.signal);
  }
  await endOrphans(client, wait);
}

/** Under the lock nobody else may be at work: sessions that call themselves so lost their owner and wait for nobody. */
async function endOrphans(client: pg.Client, wait: LockWait): Promise<void> {
  const since = wait.clock.monotonic();
  for (;;) {
    const orphans = await sessionsOf(client, wait);
    if (orphans.length === 0) return;
    await endStale(client, orphans, { ...wait, fence: wait.fence + 1 });
    if (wait.clock.monotonic() - since > wait.waitMs)
      throw new SlipwayError(
        'locked',
        `A session of an earlier run does not end: ${orphans[0]?.name ?? ''} (process ${orphans[0]?.pid ?? '?'} of the server)`,
      );
    await wait.clock.sleep(POLL_MS / 5, wait.signal);
  }
}

/** Is a later claim at work? It may have ended our sessions and not yet come to raising the fence. */
export async function isOvertaken(client: pg.Client, purpose: Purpose, fence: number): Promise<boolean> {
  const { rows } = await client.query<{ pid: number; name: string }>(
    `SELECT pid, application_name AS name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1`,
    [`slipway ${purpose} fence=%`],
  );
  return rows.map(readSession).some((session) => session.fence !== null && session.fence > fence);
}

async function endStale(client: pg.Client, sessions: readonly Session[], { fence }: LockWait): Promise<void> {
  for (const session of sessions) {
    if (session.fence === null) continue;
    if (session.fence > fence)
      throw new SlipwayError('fenced', `A later claim is at work on this database (${session.name}); nothing was changed`);
    if (session.fence < fence) await client.query('SELECT pg_terminate_backend($1)', [session.pid]);
  }
}

async function lockHolders(client: pg.Client, key: bigint): Promise<readonly Session[]> {
  const { rows } = await client.query<{ pid: number; name: string }>(
    `SELECT a.pid, a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = ($1::bigint >> 32)::oid AND l.objid = ($1::bigint & 4294967295)::oid AND l.objsubid = 1`,
    [key.toString()],
  );
  return rows.map(readSession);
}

async function sessionsOf(client: pg.Client, { purpose, scope = '' }: LockWait): Promise<readonly Session[]> {
  const { rows } = await client.query<{ pid: number; name: string }>(
    `SELECT pid, application_name AS name FROM pg_stat_activity
     WHERE (datname = current_database() OR $2 <> '') AND pid <> pg_backend_pid() AND application_name LIKE $1`,
    [`slipway ${purpose}-work fence=% ${scope}%`, scope],
  );
  return rows.map(readSession);
}

function readSession({ pid, name }: { readonly pid: number; readonly name: string }): Session {
  const fence = /fence=(\d+)/.exec(name)?.[1];
  return { pid, name, fence: fence === undefined ? null : Number(fence) };
}
