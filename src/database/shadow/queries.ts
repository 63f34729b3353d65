import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { SlipwayError, type Check } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';

/** A statement of the query set of a version. */
export interface DeclaredQuery {
  /** `orders.sql:3`. */
  readonly name: string;
  readonly text: string;
  readonly writes: boolean;
}

const WRITES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
const WITHIN_MS = 30_000;

/**
 * Reads the statements of all .sql files of a folder, in order.
 * @throws SlipwayError `not_found` when there is no such folder, `config_invalid` for a file that is no SQL, or holds more than queries
 */
export async function readQueries(directory: string, shown: string): Promise<readonly DeclaredQuery[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new SlipwayError('not_found', `The folder of queries ${shown} cannot be read`, {
      hint: 'Correct database.queries in slipway.yaml.',
      cause,
    });
  });
  const queries: DeclaredQuery[] = [];
  for (const file of names.filter((name) => name.endsWith('.sql')).toSorted()) {
    const parsed = await parseSql(await readFile(join(directory, file), 'utf8'));
    if (!parsed.ok) throw new SlipwayError('config_invalid', `${shown}/${file}:${parsed.line}: ${parsed.message}`);
    for (const { kind, text, line } of parsed.statements) {
      if (kind !== 'SelectStmt' && !WRITES.has(kind))
        throw new SlipwayError(
          'config_invalid',
          `${shown}/${file}:${line}: only SELECT, INSERT, UPDATE, DELETE and MERGE can stand in a query set`,
        );
      queries.push({ name: `${file}:${line}`, text, writes: WRITES.has(kind) });
    }
  }
  return queries;
}

/**
 * Prepares each statement and executes it in a transaction that is taken back. One with parameters is prepared only, which asks for
 * every table, column and type in it.
 */
export async function runQueries(access: DatabaseAccess, queries: readonly DeclaredQuery[]): Promise<readonly Check[]> {
  return withClient(access, 'running the query set', async (client) => {
    const checks: Check[] = [];
    for (const query of queries) checks.push({ name: query.name, ...(await tryQuery(client, query)) });
    return checks;
  });
}

async function tryQuery(client: pg.Client, { text }: DeclaredQuery): Promise<Omit<Check, 'name'>> {
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${WITHIN_MS}`);
  try {
    await client.query(`PREPARE slipway_query AS ${text}`);
    const { rows } = await client.query<{ parameters: number }>(
      `SELECT cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE name = 'slipway_query'`,
    );
    const parameters = rows[0]?.parameters ?? 0;
    if (parameters > 0) return { verdict: 'pass', reason: `prepared; not executed, as it has ${parameters} parameters` };
    await client.query('EXECUTE slipway_query');
    return { verdict: 'pass', reason: 'prepared, executed and taken back' };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null || isConnectionLost(error)) throw error;
    return { verdict: 'fail', reason: `${refused.message} [${refused.code}]` };
  } finally {
    // A prepared statement outlives its transaction.
    await client.query('ROLLBACK; DEALLOCATE ALL').catch(() => undefined);
  }
}
