import type pg from 'pg';
import type { Check } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { beyondDatabase } from '../core/beyond-database.ts';
import { answerOf, unprepared, type Answer, type Execution } from '../core/prove/answers.ts';
import { parametersOf } from '../core/prove/parameters.ts';
import type { ParameterValue } from '../core/prove/values.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { DeclaredQuery } from './queries.ts';
import { sampledValues, type Values } from './values.ts';

/** A statement of a query set and what it came to. */
export interface AskedQuery extends Check {
  readonly answer: Answer;
}

const WITHIN_MS = 30_000;

/**
 * Prepares each statement and executes it in a transaction that is taken back: with the values recorded beside it, else, or where those do not
 * fit the rows that are there, with values of such rows.
 * One that reaches beyond the database is not asked, unless it may: nothing would be taken back.
 * @param before what the same statements came to on the schema the version was made for, by name
 */
export async function runQueries(
  access: DatabaseAccess,
  queries: readonly DeclaredQuery[],
  { before = new Map(), beyond = false }: { readonly before?: ReadonlyMap<string, Answer>; readonly beyond?: boolean } = {},
): Promise<readonly AskedQuery[]> {
  return withClient(access, 'running the query set', async (client) => {
    const asked: AskedQuery[] = [];
    for (const query of queries) {
      const reach = beyond ? null : beyondDatabase(query.statement);
      const answer = reach === null ? await tryQuery(client, query, before.get(query.name) ?? null) : notAsked(reach);
      asked.push({ name: query.name, verdict: answer.verdict, reason: answer.reason, answer });
    }
    return asked;
  });
}

const notAsked = (why: string): Answer => ({ verdict: 'unknown', reason: `not asked: ${why}`, origin: null, worked: [] });

async function tryQuery(client: pg.Client, query: DeclaredQuery, before: Answer | null): Promise<Answer> {
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${WITHIN_MS}`);
  try {
    const { types, refused } = await prepare(client, query.text);
    if (refused !== null) return unprepared(refused.code, refused.message, parametersOf(query.statement).parameters.length > 0);
    const executions: Execution[] = [];
    const recorded = query.values.filter((values) => values.length === types.length);
    for (const [list, values] of recorded.entries())
      executions.push(await execute(client, query.text, { origin: 'recorded', values, list }));
    const settled = (): boolean => answerOf(executions, query.writes, before).verdict === 'pass';
    // A list that was never executed must not be taken for one that was.
    if (recorded.length < query.values.length) return WRONG_NUMBER;
    for (const sampled of settled() ? [] : await valuesFor(client, query, types)) {
      executions.push(await execute(client, query.text, sampled));
      if (settled()) break;
    }
    return answerOf(executions, query.writes, before);
  } finally {
    // A prepared statement outlives its transaction.
    await client.query('ROLLBACK; DEALLOCATE ALL').catch(() => undefined);
  }
}

const WRONG_NUMBER: Answer = {
  verdict: 'unknown',
  reason: 'the values recorded beside it are not as many as its parameters',
  origin: null,
  worked: [],
};

async function valuesFor(client: pg.Client, { statement }: DeclaredQuery, types: readonly string[]): Promise<readonly Values[]> {
  if (types.length === 0) return [{ origin: 'none', values: [], list: null }];
  return sampledValues(client, parametersOf(statement), types);
}

interface Prepared {
  readonly types: readonly string[];
  readonly refused: { readonly code: string; readonly message: string } | null;
}

async function prepare(client: pg.Client, text: string): Promise<Prepared> {
  try {
    await client.query(`PREPARE slipway_query AS ${text}`);
    const { rows } = await client.query<{ types: readonly string[] }>(
      `SELECT ARRAY(SELECT CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, NULL) ELSE format_type(t.oid, NULL) END
         FROM unnest(parameter_types) WITH ORDINALITY AS p (type, position) JOIN pg_type t ON t.oid = p.type ORDER BY position) AS types
       FROM pg_prepared_statements WHERE name = 'slipway_query'`,
    );
    return { types: rows[0]?.types ?? [], refused: null };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null || isConnectionLost(error)) throw error;
    return { types: [], refused };
  }
}

/** One execution, taken back to where it began. */
async function execute(client: pg.Client, text: string, { origin, values, list }: Values): Promise<Execution> {
  await client.query('SAVEPOINT slipway_try');
  try {
    const { rowCount } = await client.query({ text, values: values.map(toSend) });
    // What is checked at the end of a transaction only is checked now.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    return { ok: true, origin, list, rows: rowCount ?? 0 };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null || isConnectionLost(error)) throw error;
    return { ok: false, origin, list, code: refused.code, message: refused.message };
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT slipway_try').catch(() => undefined);
  }
}

const toSend = (value: ParameterValue): string | Buffer | null =>
  value === null || typeof value === 'string' ? value : Buffer.from(value.hex, 'hex');
