import { resolve } from 'node:path';
import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import { connect } from '../access.ts';
import { forecast, type Forecast } from '../core/backfill/forecast.ts';
import { asOwn } from '../core/own.ts';
import type { Walk } from '../core/backfill/sql.ts';
import { refusedError, serverError } from '../errors.ts';
import { hindrancesOf } from '../hindrances.ts';
import { checkSql } from './check.ts';
import { explainPieces } from './explain.ts';
import { loadRowFunction } from './function.ts';
import { findWalk } from './key.ts';
import { startMonitor } from './monitor.ts';
import type { BackfillRequest } from './ports.ts';
import { serverFolder } from './server-folder.ts';
import { exchangesOf } from './timing.ts';
import { runTrial } from './trial.ts';

/** What a backfill would do, and what that would cost. */
export interface BackfillForecast extends Forecast {
  readonly table: string;
  readonly key: readonly string[];
  readonly rows: number;
  /** Rows that need work; exact unless `counted` is false, then PostgreSQL's own estimate. */
  readonly left: number;
  readonly counted: boolean;
  /** Rows that were changed on trial, which was taken back. */
  readonly tried: number;
  /** Of those tried, how many the server refused to write: the run would set them aside. */
  readonly refused: number;
  /** `where` was still true of a row that was changed: the run would fail there. */
  readonly stays: boolean;
  /** Can the new version of a row stay on its page, so that no index grows? Null: not known. */
  readonly hot: { readonly possible: boolean | null; readonly because: string };
  /** WAL files that the server keeps to use again (`min_wal_size`); beyond these it makes new ones, and commits wait for that. */
  readonly keptWalBytes: number;
  /** Why it would have to wait now; null when it would not. */
  readonly waits: string | null;
  /** What could not be found out. */
  readonly unknown: readonly string[];
}

const COUNT_WITHIN_MS = 30_000;

/**
 * Counts the rows that need work and changes up to 500 of them in a transaction that is taken back.
 * @throws as `runBackfill`
 */
export async function forecastBackfill(request: BackfillRequest): Promise<BackfillForecast> {
  const { definition, access, effects, folder } = request;
  await checkSql(definition);
  const compute = definition.change.kind === 'function' ? (await loadRowFunction(resolve(folder, definition.change.file))).compute : null;
  const client = await connect(access, `backfill-dry-run ${definition.name}`);
  try {
    const [hindrance] = await hindrancesOf(client);
    const walk = await findWalk(client, definition.table, definition.key);
    await explainPieces(client, definition, walk);
    if (hindrance !== undefined) throw new SlipwayError('database_refused', hindrance, { hint: 'Grant what is named, and run it again.' });
    const dataFolder = await serverFolder(client, access);
    const size = await sizeOf(client, walk);
    const counted = await countRows(client, walk, definition.where);
    const trial = await runTrial(client, { definition, walk, compute, fence: 0, faults: effects.faults, clock: effects.clock });
    const limits = definition.limits.health;
    const monitor = await startMonitor({ client, walk, limits, clock: effects.clock, dataFolder, name: null });
    await monitor.stop();
    const scale = {
      left: counted.left,
      scanned: size.rows,
      rowBytes: size.rowBytes,
      limits: definition.limits,
      exchanges: exchangesOf(definition.change.kind),
      workers: request.workers,
    };
    const unknown = [
      ...(dataFolder === null ? ["free space on the server's disk"] : []),
      ...(trial.rowWalBytes === null ? ['how much WAL it writes'] : []),
      ...(trial.rows === 0 ? ['how long it takes: no row needs work, or all that do are held'] : []),
    ];
    return {
      ...forecast(trial, scale),
      table: walk.table,
      key: walk.key.map(({ name }) => name),
      rows: size.rows,
      ...counted,
      tried: trial.rows + trial.refused,
      refused: trial.refused,
      stays: trial.stays,
      hot: await hotUpdates(client, walk, definition.change.kind === 'set' ? Object.keys(definition.change.columns) : null),
      keptWalBytes: await keptWal(client),
      waits: monitor.why(),
      unknown,
    };
  } catch (error) {
    throw refusedError(error, `the dry run of the backfill ${definition.name}`, access);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function keptWal(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(`SELECT pg_size_bytes(current_setting('min_wal_size'))::float8 AS bytes`);
  const [row] = rows;
  if (row === undefined) throw new Error('a SELECT without FROM answered no row');
  return row.bytes;
}

async function sizeOf(client: pg.Client, { table }: Walk): Promise<{ readonly rows: number; readonly rowBytes: number }> {
  const { rows } = await client.query<{ rows: number; bytes: number }>(
    `SELECT sum(reltuples)::float8 AS rows, sum(pg_relation_size(oid))::float8 AS bytes FROM pg_class
     WHERE oid IN (SELECT relid FROM pg_partition_tree($1::regclass) WHERE isleaf UNION SELECT $1::regclass) AND relkind = 'r'`,
    [table],
  );
  const [row] = rows;
  if (row !== undefined && row.rows > 0) return { rows: row.rows, rowBytes: row.bytes / row.rows };
  // Never analysed: then it is young, and counting it is no burden.
  const { rows: exact } = await client.query<{ rows: number }>(asOwn(`SELECT count(*)::float8 AS rows FROM ${table}`));
  const known = exact[0]?.rows ?? 0;
  return { rows: known, rowBytes: known === 0 ? 0 : (row?.bytes ?? 0) / known };
}

/** How many rows the backfill walks over: an estimate for a large table, exact for one that was never analysed. */
export async function estimateRows(client: pg.Client, walk: Walk): Promise<number> {
  return (await sizeOf(client, walk)).rows;
}

async function countRows(client: pg.Client, { table }: Walk, where: string): Promise<{ readonly left: number; readonly counted: boolean }> {
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${COUNT_WITHIN_MS}`);
  try {
    const { rows } = await client.query<{ left: number }>(asOwn(`SELECT count(*)::float8 AS left FROM ${table} WHERE (${where})`));
    return { left: rows[0]?.left ?? 0, counted: true };
  } catch (error) {
    if (serverError(error)?.code !== '57014') throw error;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: { readonly 'Plan Rows': number } }[] }>(
    asOwn(`EXPLAIN (FORMAT JSON) SELECT FROM ${table} WHERE (${where})`),
  );
  return { left: rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0, counted: false };
}

async function hotUpdates(client: pg.Client, { table }: Walk, columns: readonly string[] | null): Promise<BackfillForecast['hot']> {
  if (columns === null) return { possible: null, because: 'which columns it writes is not known beforehand' };
  const { rows } = await client.query<{ names: readonly string[] | null; fillfactor: string | null }>(
    `SELECT (SELECT array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = c.oid AND a.attname = ANY ($2) AND am.amname <> 'brin') AS names,
       (SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor') AS fillfactor
     FROM pg_class c WHERE c.oid = $1::regclass`,
    [table, columns],
  );
  const indexed = rows[0]?.names ?? [];
  if (indexed.length > 0)
    return { possible: false, because: `${indexed.join(', ')} is in an index, so every index of the table gets a new entry for each row` };
  const fillfactor = Number(rows[0]?.fillfactor ?? 100);
  if (fillfactor < 100) return { possible: true, because: `pages keep ${100 - fillfactor} % free (fillfactor ${fillfactor})` };
  return { possible: false, because: `pages are filled (fillfactor 100), so most rows move to another page` };
}
