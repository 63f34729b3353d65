import { createHash } from 'node:crypto';
import type pg from 'pg';
import { SlipwayError, type Duration } from '../kernel/index.ts';
import type { HistoryRow } from './core/drift.ts';
import type { Statement } from './core/types.ts';
import type { Entry, ToolHistory } from './histories/ports.ts';
import type { OpenHistory } from './histories/open.ts';
import { makeInHistory } from './history-schema.ts';
import type { PartialMigration } from './ports.ts';

/** The table, as people know it. */
export const OWN_HISTORY = 'slipway_history.migration';

/** A row with what resuming a partial file needs. */
export interface StoredRow extends HistoryRow {
  /** The statement that was begun last, from 1; when it is not done its outcome is not known. */
  readonly begun: number;
  /** Digest of the texts of the statements that are done: they must not have changed when the file is resumed. */
  readonly doneSha256: string;
}

/**
 * The schema is not called `slipway`: with the search path's "$user", a user of that name (as in the embedded server) would from
 * then on make its own tables in it. `migration_fence` has one row, locked by whoever changes anything: so two workers
 * cannot change things at once, lock or no lock.
 */
const DDL = `CREATE TABLE IF NOT EXISTS slipway_history.migration (
  name text PRIMARY KEY, sha256 text NOT NULL, direction text NOT NULL CHECK (direction IN ('up', 'down')), release text NOT NULL, fence bigint NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), statements_begun int NOT NULL, statements_done int NOT NULL, statements int NOT NULL,
  done_sha256 text NOT NULL, finished boolean NOT NULL);
CREATE TABLE IF NOT EXISTS slipway_history.migration_fence (one boolean PRIMARY KEY DEFAULT true CHECK (one), fence bigint NOT NULL);
INSERT INTO slipway_history.migration_fence (fence) VALUES (0) ON CONFLICT DO NOTHING`;

/** What we ran for a tool that enters its checksum later: until then only this tells whether the file has changed. */
const TEXTS = `CREATE TABLE IF NOT EXISTS slipway_history.migration_text (
  history text NOT NULL, key text NOT NULL, sha256 text NOT NULL, PRIMARY KEY (history, key))`;

/** Makes the history tables unless they are there. @param tool whose history is kept; null: our own */
export async function ensureHistory(client: pg.Client, tool: ToolHistory | null = null): Promise<void> {
  if (!(await historyExists(client))) await makeInHistory(client, DDL);
  if (tool?.entersChecksum !== undefined && !(await textsExist(client))) await makeInHistory(client, TEXTS);
}

async function textsExist(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ ok: boolean }>(`SELECT to_regclass('slipway_history.migration_text') IS NOT NULL AS ok`);
  return rows[0]?.ok === true;
}

/** The digests of what we ran for this tool, by key. */
export async function readTexts(client: pg.Client, { name, entersChecksum }: ToolHistory): Promise<ReadonlyMap<string, string>> {
  if (entersChecksum === undefined || !(await textsExist(client))) return new Map();
  const { rows } = await client.query<{ key: string; sha256: string }>(
    'SELECT key, sha256 FROM slipway_history.migration_text WHERE history = $1',
    [name],
  );
  return new Map(rows.map(({ key, sha256 }) => [key, sha256]));
}

/** What was applied, in order of application; empty when nothing ever was. */
export async function readHistory(client: pg.Client): Promise<readonly StoredRow[]> {
  if (!(await historyExists(client))) return [];
  const { rows } = await client.query<StoredRow>(
    `SELECT name, sha256, CASE WHEN release LIKE 'by hand: %' THEN substr(release, 10) || ' by hand' ELSE 'release ' || release END AS by, direction, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at, statements_begun AS begun, statements_done AS "statementsDone", statements,
       done_sha256 AS "doneSha256", finished FROM slipway_history.migration ORDER BY applied_at, name COLLATE "C"`,
  );
  return rows;
}

/** Has Slipway itself written down here that something is applied? */
export async function holdsApplied(client: pg.Client): Promise<boolean> {
  return (await readHistory(client)).some((row) => row.finished);
}

/** Has Slipway made its tables here? */
export async function historyExists(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ ok: boolean }>(`SELECT to_regclass('slipway_history.migration_fence') IS NOT NULL AS ok`);
  return rows[0]?.ok === true;
}

/** The highest fence that changed this database; 0 when none did. */
export async function readFence(client: pg.Client): Promise<number> {
  if (!(await historyExists(client))) return 0;
  const { rows } = await client.query<{ fence: string }>('SELECT fence FROM slipway_history.migration_fence');
  return Number(rows[0]?.fence ?? 0);
}

/**
 * Raises the fence to ours; inside the transaction that changes something, it stays locked until its end.
 * @throws SlipwayError `fenced` when a later claim was here
 */
export async function claimFence(client: pg.Client, fence: number): Promise<void> {
  const { rowCount } = await client.query('UPDATE slipway_history.migration_fence SET fence = $1 WHERE fence <= $1', [fence]);
  if (rowCount === 0) throw new SlipwayError('fenced', 'A later claim has migrated this database; nothing more is done here');
}

/** How far a file came, as it is to be recorded. */
export interface Progress {
  readonly name: string;
  readonly sha256: string;
  readonly direction: 'up' | 'down';
  readonly release: string;
  readonly fence: number;
  readonly begun: number;
  readonly done: number;
  readonly statements: readonly Statement[];
  /** How the tool's table knows the file and the one before it; null where Slipway keeps the history. */
  readonly entry: Entry | null;
  readonly before: Entry | null;
  readonly durationMs: Duration;
}

/** A tool has applied the file since we looked. */
export class AppliedMeanwhile extends Error {}

/**
 * Keeps the tool, which may have no lock of its own, from writing its table until the transaction ends, and looks once more whether it
 * has applied the file: its table need not refuse a second row.
 * @throws AppliedMeanwhile
 */
export async function holdHistory(
  client: pg.Client,
  { tool, table }: OpenHistory,
  { entry, direction }: Pick<Progress, 'entry' | 'direction'>,
): Promise<void> {
  if (tool === null || entry === null) return;
  await client.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
  if (direction === 'down' || entry.repeatable) return;
  const recorded = await tool.read(client, table, [entry]);
  if (recorded.some(({ key, broken }) => key === entry.key && broken === null))
    throw new AppliedMeanwhile(`${tool.table} says by now that it is applied`);
}

/**
 * Records how far a file came; a down file that came to its end takes the row away. Belongs into the transaction of what it records.
 * Where a tool keeps the history, its table is told of the beginning and of the end, and ours only of what is between.
 * @throws SlipwayError `fenced`, AppliedMeanwhile
 */
export async function recordProgress(client: pg.Client, history: OpenHistory, progress: Progress): Promise<void> {
  const { tool, table } = history;
  const { name, sha256, direction, release, fence, begun, done, statements, entry } = progress;
  // The file may have become somebody else; LOCAL gives that back to the file's next statement.
  await client.query('SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE');
  await holdHistory(client, history, progress);
  await claimFence(client, fence);
  const finished = done === statements.length;
  if (tool !== null && entry !== null && (finished || begun === 1)) {
    await tool.write(client, table, { ...progress, entry, finished });
    await keepText(client, tool, { key: entry.key, sha256 });
  }
  if (finished && (direction === 'down' || tool !== null)) {
    await client.query('DELETE FROM slipway_history.migration WHERE name = $1', [name]);
    return;
  }
  await client.query(
    `INSERT INTO slipway_history.migration (name, sha256, direction, release, fence, statements_begun, statements_done, statements, done_sha256, finished)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (name) DO UPDATE SET sha256 = EXCLUDED.sha256, direction = EXCLUDED.direction, release = EXCLUDED.release, fence = EXCLUDED.fence,
       statements_begun = EXCLUDED.statements_begun, statements_done = EXCLUDED.statements_done, statements = EXCLUDED.statements,
       done_sha256 = EXCLUDED.done_sha256, finished = EXCLUDED.finished, applied_at = clock_timestamp()`,
    [name, sha256, direction, release, fence, begun, done, statements.length, digestOf(statements.slice(0, done)), finished],
  );
}

/** Once more where a file is begun and ended apart. */
async function keepText(
  client: pg.Client,
  { name, entersChecksum }: ToolHistory,
  { key, sha256 }: { readonly key: string; readonly sha256: string },
): Promise<void> {
  if (entersChecksum === undefined) return;
  await client.query(
    `INSERT INTO slipway_history.migration_text (history, key, sha256) VALUES ($1, $2, $3)
     ON CONFLICT (history, key) DO UPDATE SET sha256 = EXCLUDED.sha256`,
    [name, key, sha256],
  );
}

/** Digest over the texts of statements. */
export function digestOf(statements: readonly Statement[]): string {
  return createHash('sha256')
    .update(statements.map((statement) => statement.text).join('\0'))
    .digest('hex');
}

/** What a result says about a file that was left in the middle. */
export function partialOf(row: HistoryRow | null): PartialMigration | null {
  return row === null ? null : { name: row.name, direction: row.direction, statement: row.statementsDone, statements: row.statements };
}
