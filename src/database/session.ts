import type pg from 'pg';
import { SlipwayError, type Duration } from '../kernel/index.ts';
import { connect } from './access.ts';
import { refusedError } from './errors.ts';
import { claimFence, ensureHistory } from './history.ts';
import { holdToolLock, openHistory, type OpenHistory } from './histories/open.ts';
import type { ToolHistory } from './histories/ports.ts';
import { ADVISORY_KEY, sessionName, takeLock } from './lock.ts';
import type { MigrationRequest } from './ports.ts';

/** A migration in progress: `control` holds the lock, watches and cancels; each file runs on a connection of its own. */
export interface MigrationSession {
  readonly control: pg.Client;
  readonly request: MigrationRequest;
  /** Where it is written down what is applied. */
  readonly history: OpenHistory;
  /** The asked lock timeout, or less: see `belowDeadlock`. */
  readonly lockTimeoutMs: Duration;
}

/** A connection that runs one file, so that nothing a file sets (role, search_path) reaches the next. */
export interface Worker {
  readonly client: pg.Client;
  readonly pid: number;
}

/**
 * Works under the one migration lock of the database (and, where a tool keeps the history, under its own), with the history tables in place.
 * @throws SlipwayError `locked`, `fenced`, `database_unreachable`, `database_refused` (read-only server, missing right)
 */
export async function withMigrationLock<T>(
  request: MigrationRequest,
  tool: ToolHistory | null,
  work: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  const { access, fence, release, effects, signal, onProgress } = request;
  const wait = {
    waitMs: request.waitMs ?? 60_000,
    clock: effects.clock,
    ...(signal === undefined ? {} : { signal }),
    onWait: (owner: string) => onProgress?.(`waiting for ${owner}`),
  };
  if (!(request.lockTimeoutMs >= 1))
    throw new SlipwayError(
      'config_invalid',
      'A migration needs a lock timeout of at least 1 ms: without one it can bring the whole service to a stop',
    );
  const control = await connect(access, sessionName('migrate', fence, release));
  let holder: pg.Client | null = null;
  try {
    await takeLock(control, ADVISORY_KEY, { purpose: 'migrate', fence, ...wait });
    effects.faults.at('migrate.locked');
    await ensureHistory(control, tool);
    await claimFence(control, fence);
    const history = await openHistory(control, tool, wait);
    if (tool?.hold !== undefined) {
      // In a transaction of its own: what `control` looks at would stand still in one.
      holder = await connect(access, sessionName('migrate-work', fence, release));
      await holdToolLock(holder, history, wait);
    }
    return await work({ control, request, history, lockTimeoutMs: await belowDeadlock(control, request.lockTimeoutMs) });
  } catch (error) {
    throw refusedError(error, 'migrating', access);
  } finally {
    await holder?.end().catch(() => undefined);
    await control.end().catch(() => undefined);
  }
}

/**
 * A deadlock with users must cost the migration its try, never a user the transaction: PostgreSQL ends whoever looks for
 * deadlocks first, after `deadlock_timeout` (default 1 s), so a migration gives up before anybody looks.
 */
async function belowDeadlock(control: pg.Client, asked: Duration): Promise<Duration> {
  const { rows } = await control.query<{ ms: number }>(
    `SELECT extract(epoch FROM current_setting('deadlock_timeout')::interval)::float8 * 1000 AS ms`,
  );
  return Math.max(1, Math.min(asked, Math.floor((rows[0]?.ms ?? asked) / 2)));
}

/** Opens the connection for one file; aborting the request cancels what it runs. */
export async function withWorker<T>({ control, request }: MigrationSession, work: (worker: Worker) => Promise<T>): Promise<T> {
  const client = await connect(request.access, sessionName('migrate-work', request.fence, request.release));
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid ?? 0;
    // Should the lock's connection be gone, the file fails or ends by itself; the signal is looked at between statements too.
    const cancel = (): void => void control.query('SELECT pg_cancel_backend($1)', [pid]).catch(() => undefined);
    request.signal?.addEventListener('abort', cancel);
    try {
      return await work({ client, pid });
    } finally {
      request.signal?.removeEventListener('abort', cancel);
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}
