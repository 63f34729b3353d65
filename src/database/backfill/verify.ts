import type pg from 'pg';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import { leftQuery, type Walk } from '../core/backfill/sql.ts';
import { notAnswered, notOneNumber, RIGHT_MISSING } from './explain.ts';
import { asOwn } from '../core/own.ts';

/** A verification may read the whole table. */
const VERIFY_WITHIN_MS = 15 * 60_000;
const MOST_HOLDERS = 3;

/**
 * How many rows are wrong, by a query of the backfill's own; read only.
 * @throws SlipwayError `config_invalid` when it does not run, or does not answer one row with one whole number
 */
export async function countWrong(client: pg.Client, name: string, verify: string): Promise<number> {
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${VERIFY_WITHIN_MS}`);
  try {
    // As a prepared statement: the server then refuses a second one behind it, which could end the transaction and write.
    const { rows, fields } = await client.query<unknown[]>({
      name: `verify ${name}`.slice(0, 60),
      text: asOwn(verify),
      rowMode: 'array',
    });
    const value = Number(rows[0]?.[0]);
    if (rows.length !== 1 || fields.length !== 1 || rows[0]?.[0] === null || !Number.isSafeInteger(value) || value < 0)
      throw notOneNumber(name);
    return value;
  } catch (error) {
    const server = serverError(error);
    if (server === null || isConnectionLost(error) || server.code === RIGHT_MISSING) throw error;
    throw notAnswered(name, 'verify', server);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** Rows for which the condition is true, those that are set aside apart. */
export async function countLeft(
  client: pg.Client,
  { name, where }: BackfillDefinition,
  walk: Walk,
): Promise<{ readonly open: number; readonly aside: number }> {
  const { text, values } = leftQuery(walk, where, name);
  const { rows } = await client.query<{ open: number; aside: number }>({ text, values: [...values] });
  return rows[0] ?? { open: 0, aside: 0 };
}

/** The eldest transactions of others that may hold rows of the table, for a person who wants to end them. */
export async function findHolders(client: pg.Client, { table }: Walk): Promise<readonly string[]> {
  const { rows } = await client.query<{ pid: number; name: string | null; state: string | null; seconds: number | null }>(
    `SELECT pid, nullif(application_name, '') AS name, state, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds FROM pg_stat_activity
     WHERE application_name IS DISTINCT FROM current_setting('application_name') AND pid IN (SELECT pid FROM pg_locks WHERE granted AND mode IN ('RowShareLock', 'RowExclusiveLock')
       AND relation IN (SELECT $1::regclass UNION SELECT relid FROM pg_partition_tree($1::regclass)))
     ORDER BY xact_start NULLS LAST LIMIT ${MOST_HOLDERS}`,
    [table],
  );
  return rows.map(({ pid, name, state, seconds }) => {
    const told = [name, state, seconds === null ? null : `for ${Math.round(seconds)} s`].filter((one) => one !== null);
    return `process ${pid} of the server${told.length === 0 ? '' : ` (${told.join(', ')})`}`;
  });
}
