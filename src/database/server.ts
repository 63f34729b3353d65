import { createHash } from 'node:crypto';
import pg from 'pg';
import { SlipwayError, type Clock } from '../kernel/index.ts';
import { connect, siblingAccess } from './access.ts';
import { siblingName, siblingPattern, type SiblingPurpose } from './core/database-name.ts';
import { isConnectionLost, refusedError, serverError } from './errors.ts';
import type { DatabaseAccess, Hold } from './ports.ts';

/** Quotes an identifier. */
export const ident = (name: string): string => pg.escapeIdentifier(name);
/** Quotes a text value, for statements that take no parameters. */
export const literal = (text: string): string => pg.escapeLiteral(text);

/** Name of the database that belongs to this one, for one purpose and key; with a fence, one that no other worker touches. */
export function siblingOf(access: DatabaseAccess, purpose: SiblingPurpose, key: string, fence?: number): string {
  return siblingName(access.name, purpose, shortKey(access, key), fence);
}

/** Hex digest of a key for this database. */
export function shortKey(access: DatabaseAccess, key: string): string {
  return createHash('sha256').update(`${access.name}\n${key}`).digest('hex').slice(0, 10);
}

/** Databases every server has; one that may be dropped or renamed must not be the one we are connected to. */
const MAINTENANCE = ['postgres', 'template1'];

/** Works on a connection to another database of the same server, as CREATE, DROP and RENAME DATABASE ask for. */
export async function withMaintenance<T>(access: DatabaseAccess, doing: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connectMaintenance(access, doing);
  try {
    return await work(client);
  } catch (error) {
    throw refusedError(error, doing, access);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The database is not there, closed to this user, or closed to everybody. */
const NOT_THIS_ONE = new Set(['3D000', '42501', '55000']);

/**
 * A connection to a database of the same server that is not this one. Only one that can never be used is passed over: two workers that
 * take a lock in two databases would not see each other.
 */
export async function connectMaintenance(access: DatabaseAccess, purpose: string): Promise<pg.Client> {
  const [first = '', second] = MAINTENANCE.filter((name) => name !== access.name);
  try {
    return await connect(siblingAccess(access, first), purpose);
  } catch (error) {
    const cause = error instanceof SlipwayError ? serverError(error.cause) : null;
    if (second === undefined || cause === null || !NOT_THIS_ONE.has(cause.code)) throw error;
    return connect(siblingAccess(access, second), purpose).catch(() => {
      throw error;
    });
  }
}

/** Does the server have a usable database of this name? One that was left half-dropped or half-made (limit -2) is none. */
export async function databaseExists(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datconnlimit <> -2', [name]);
  return rows.length > 0;
}

/** Drops a database that Slipway made, with whoever is in it. Idempotent. */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
}

/** Drops what earlier tries for the same key left, of whatever fence. Only under the hold of that key. */
export async function dropSiblings(
  client: pg.Client,
  access: DatabaseAccess,
  { purpose, key, except }: { readonly purpose: SiblingPurpose; readonly key: string; readonly except?: string | null },
): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT datname AS name FROM pg_database WHERE datname ~ $1', [
    siblingPattern(purpose, shortKey(access, key)),
  ]);
  for (const { name } of rows) if (name !== except) await dropDatabase(client, name);
}

const POLL_MS = 40;
/** Each try already waits 5 s in the server for the others to leave. */
const QUIET_TRIES = 6;

/**
 * Runs `work` (statements that ask for databases without other sessions) while the hold's own connection keeps ending those sessions.
 * PostgreSQL locks the database first, so new connections wait instead of slipping in, and then waits up to 5 s for it to empty.
 * @throws SlipwayError `database_refused` when sessions stay (prepared transactions, a right is missing)
 */
export async function whileQuiet<T>(hold: Hold, databases: readonly string[], work: (client: pg.Client) => Promise<T>): Promise<T> {
  return hold.session('waiting for sessions to leave', async (client) => {
    await refusePrepared(client, databases);
    const done = new AbortController();
    // Should it lose its connection, the statement that waits in vain tells.
    const signal = hold.signal === undefined ? done.signal : AbortSignal.any([done.signal, hold.signal]);
    const ending = endSessions(hold.control, databases, hold.clock, signal).catch(() => undefined);
    try {
      return await untilQuiet(() => work(client));
    } finally {
      done.abort();
      await ending;
    }
  });
}

/** A prepared transaction has no session that could be ended; the server would only wait for it in vain. */
async function refusePrepared(client: pg.Client, databases: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ gid: string; database: string }>(
    'SELECT gid, database FROM pg_prepared_xacts WHERE database = ANY($1) LIMIT 1',
    [databases],
  );
  const [row] = rows;
  if (row === undefined) return;
  throw new SlipwayError('database_refused', `A prepared transaction (${row.gid}) holds the database ${row.database}`, {
    hint: 'COMMIT PREPARED or ROLLBACK PREPARED it, then try again.',
  });
}

async function untilQuiet<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (serverError(error)?.code !== '55006' || attempt === QUIET_TRIES) throw error;
    }
  }
}

async function endSessions(killer: pg.Client, databases: readonly string[], clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { rows } = await killer.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = ANY($1) AND backend_type = 'client backend'`,
      [databases],
    );
    if (signal.aborted) return;
    for (const { pid } of rows) {
      // A session of a superuser may not be ours to end; should it stay, the statement that waits for it says so.
      await killer.query('SELECT pg_terminate_backend($1)', [pid]).catch((error: unknown) => {
        if (isConnectionLost(error)) throw error;
      });
    }
    await clock.sleep(POLL_MS, signal);
  }
}
