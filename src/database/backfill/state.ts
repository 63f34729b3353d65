import { createHash } from 'node:crypto';
import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { Key, Span } from '../core/backfill/sql.ts';
import { makeInHistory } from '../history-schema.ts';

/** What somebody asked of a backfill; it is heard before the next batch. */
export type Wanted = 'run' | 'pause' | 'stop';

export type BackfillStatus = 'running' | 'stopped' | 'done' | 'failed';

/** Where a backfill stands, as it is recorded in the database it changes. */
export interface BackfillState {
  readonly name: string;
  readonly status: BackfillStatus;
  readonly wanted: Wanted;
  /** The walk over the table that is going on, from 1. */
  readonly pass: number;
  readonly fence: number;
  readonly scanned: number;
  readonly changed: number;
  readonly batches: number;
  readonly quarantined: number;
  readonly because: string;
  readonly updatedAt: string;
  readonly sha256: string;
}

/** One part of the table and how far it is done. */
export interface RangeState {
  readonly number: number;
  readonly span: Span;
  /** Last key that is done in this pass. */
  readonly cursor: Key | null;
  readonly done: boolean;
}

const DDL = `CREATE TABLE IF NOT EXISTS slipway_history.backfill (
  name text PRIMARY KEY, sha256 text NOT NULL, fence bigint NOT NULL, wanted text NOT NULL, status text NOT NULL, pass int NOT NULL, because text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(), updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS slipway_history.backfill_range (
  name text NOT NULL REFERENCES slipway_history.backfill ON DELETE CASCADE, number int NOT NULL, after text[], until text[], cursor text[], done boolean NOT NULL DEFAULT false,
  scanned bigint NOT NULL DEFAULT 0, changed bigint NOT NULL DEFAULT 0, batches bigint NOT NULL DEFAULT 0, PRIMARY KEY (name, number)) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS slipway_history.backfill_quarantine (
  name text NOT NULL REFERENCES slipway_history.backfill ON DELETE CASCADE, key text[] NOT NULL, sqlstate text NOT NULL, message text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (name, key))`;

/** Digest of what decides which rows are changed and how; how gently may be changed in the middle. */
export function definitionDigest({ table, key, where, change, verify }: BackfillDefinition, source: string): string {
  return createHash('sha256')
    .update(JSON.stringify([table, key, where, change, verify, source]))
    .digest('hex');
}

/** Makes the tables unless they are there. */
export async function ensureBackfillTables(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ ok: boolean }>(`SELECT to_regclass('slipway_history.backfill_quarantine') IS NOT NULL AS ok`);
  if (rows[0]?.ok !== true) await makeInHistory(client, DDL);
}

/** Where a backfill stands; null when it never ran here. */
export async function readBackfill(client: pg.Client, name: string): Promise<BackfillState | null> {
  const { rows: there } = await client.query<{ ok: boolean }>(
    `SELECT to_regclass('slipway_history.backfill_quarantine') IS NOT NULL AS ok`,
  );
  if (there[0]?.ok !== true) return null;
  const { rows } = await client.query<BackfillState>(
    `SELECT name, status, wanted, pass, because, sha256, fence::float8 AS fence,
       to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "updatedAt",
       (SELECT count(*)::float8 FROM slipway_history.backfill_quarantine q WHERE q.name = b.name) AS quarantined,
       r.scanned::float8 AS scanned, r.changed::float8 AS changed, r.batches::float8 AS batches
     FROM slipway_history.backfill b,
       LATERAL (SELECT coalesce(sum(scanned), 0) AS scanned, coalesce(sum(changed), 0) AS changed, coalesce(sum(batches), 0) AS batches
         FROM slipway_history.backfill_range WHERE backfill_range.name = b.name) r
     WHERE name = $1`,
    [name],
  );
  return rows[0] ?? null;
}

/**
 * Takes the backfill over: whoever ran it before finds that in its next batch. Call it under the lock.
 * @param again the same call after a lost connection, which must not undo what somebody asked of it meanwhile
 */
export async function claimBackfill(
  client: pg.Client,
  { name, sha256, again }: { readonly name: string; readonly sha256: string; readonly again: boolean },
): Promise<number> {
  const { rows } = await client.query<{ fence: number }>(
    `INSERT INTO slipway_history.backfill (name, sha256, fence, wanted, status, pass) VALUES ($1, $2, 1, 'run', 'running', 1)
     ON CONFLICT (name) DO UPDATE SET fence = backfill.fence + 1, wanted = CASE WHEN $3 THEN backfill.wanted ELSE 'run' END, status = 'running', because = '', updated_at = clock_timestamp()
     RETURNING fence::float8 AS fence`,
    [name, sha256, again],
  );
  return rows[0]?.fence ?? 0;
}

/** Forgets what was done, so that it begins with the first row. */
export async function forgetBackfill(client: pg.Client, name: string): Promise<void> {
  await client.query('DELETE FROM slipway_history.backfill WHERE name = $1', [name]);
}

export async function readRanges(client: pg.Client, name: string): Promise<readonly RangeState[]> {
  const { rows } = await client.query<{ number: number; after: Key | null; until: Key | null; cursor: Key | null; done: boolean }>(
    'SELECT number, after, until, cursor, done FROM slipway_history.backfill_range WHERE name = $1 ORDER BY number',
    [name],
  );
  return rows.map(({ number, after, until, cursor, done }) => ({ number, span: { after, until }, cursor, done }));
}

/** The parts of the table, once per backfill: a resumed one goes on with those it began with. */
export async function writeRanges(client: pg.Client, name: string, spans: readonly Span[]): Promise<void> {
  await client.query('BEGIN');
  for (const [number, { after, until }] of spans.entries())
    await client.query('INSERT INTO slipway_history.backfill_range (name, number, after, until) VALUES ($1, $2, $3, $4)', [
      name,
      number,
      after,
      until,
    ]);
  await client.query('COMMIT');
}

/** What one batch did, to be recorded in its own transaction. */
export interface BatchProgress {
  readonly name: string;
  readonly fence: number;
  readonly range: number;
  readonly cursor: Key | null;
  readonly done: boolean;
  readonly scanned: number;
  readonly changed: number;
}

/**
 * Moves the cursor of a range in the transaction of the batch it stands for, and answers what is wanted by now.
 * @throws SlipwayError `fenced` when another run took over: the batch must not count
 */
export async function recordBatch(
  client: pg.Client,
  { name, fence, range, cursor, done, scanned, changed }: BatchProgress,
): Promise<Wanted> {
  const { rows } = await client.query<{ wanted: Wanted }>(
    `UPDATE slipway_history.backfill_range r SET cursor = coalesce($4, r.cursor), done = $5, scanned = r.scanned + $6, changed = r.changed + $7, batches = r.batches + 1
     FROM slipway_history.backfill b WHERE r.name = $1 AND r.number = $2 AND b.name = r.name AND b.fence = $3 RETURNING b.wanted`,
    [name, range, fence, cursor, done, scanned, changed],
  );
  const [row] = rows;
  if (row === undefined) throw tookOver(name);
  return row.wanted;
}

/** Sets a row aside and moves past it, both or neither. */
export async function quarantine(
  client: pg.Client,
  progress: BatchProgress,
  row: { readonly key: Key; readonly sqlstate: string; readonly message: string },
): Promise<Wanted> {
  await client.query('BEGIN');
  await client.query(
    'INSERT INTO slipway_history.backfill_quarantine (name, key, sqlstate, message) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [progress.name, row.key, row.sqlstate, row.message],
  );
  const wanted = await recordBatch(client, progress);
  await client.query('COMMIT');
  return wanted;
}

/** @throws SlipwayError `fenced` */
export async function recordEnd(
  client: pg.Client,
  {
    name,
    fence,
    status,
    because,
  }: { readonly name: string; readonly fence: number; readonly status: BackfillStatus; readonly because: string },
): Promise<void> {
  const { rowCount } = await client.query(
    'UPDATE slipway_history.backfill SET status = $3, because = $4, updated_at = clock_timestamp() WHERE name = $1 AND fence = $2',
    [name, fence, status, because],
  );
  if (rowCount === 0) throw tookOver(name);
}

export const tookOver = (name: string): SlipwayError =>
  new SlipwayError('fenced', `Another run of the backfill ${name} took over; nothing more is done here`);

/**
 * Begins the next walk over the table, for rows that were busy or came since.
 * @throws SlipwayError `fenced`
 */
export async function nextPass(client: pg.Client, name: string, fence: number): Promise<void> {
  await client.query('BEGIN');
  const { rowCount } = await client.query('UPDATE slipway_history.backfill SET pass = pass + 1 WHERE name = $1 AND fence = $2', [
    name,
    fence,
  ]);
  if (rowCount === 0) throw tookOver(name);
  await client.query('UPDATE slipway_history.backfill_range SET cursor = NULL, done = false WHERE name = $1', [name]);
  await client.query('COMMIT');
}

/** Asks a running backfill to pause, go on or stop; false when there is none of that name. */
export async function askBackfill(client: pg.Client, name: string, wanted: Wanted): Promise<boolean> {
  const { rowCount } = await client.query(
    'UPDATE slipway_history.backfill SET wanted = $2, updated_at = clock_timestamp() WHERE name = $1',
    [name, wanted],
  );
  return rowCount === 1;
}

export async function releaseQuarantine(client: pg.Client, name: string): Promise<number> {
  const { rowCount } = await client.query('DELETE FROM slipway_history.backfill_quarantine WHERE name = $1', [name]);
  return rowCount ?? 0;
}
