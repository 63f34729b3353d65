import type pg from 'pg';
import { SlipwayError, type Verdict } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { foreignTo, readable } from '../core/prove/captured.ts';
import { isOwn } from '../core/own.ts';
import { serverError } from '../errors.ts';
import { libpgQuery } from '../libpg-query.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';
import { asQuery, type DeclaredQuery } from './queries.ts';

export interface CaptureRequest {
  /** Whose statements; null: of the role that connects. */
  readonly role: string | null;
  /** Statements called less often are left out. */
  readonly minimumCalls: number;
}

/** What a server says its database was asked. */
export interface Captured {
  /** `unknown` when there is nothing, or when the server has lost statements. */
  readonly verdict: Verdict;
  readonly reason: string;
  readonly role: string;
  /** Since when the server counts; null where it does not say. */
  readonly since: string | null;
  readonly queries: readonly DeclaredQuery[];
  /** What is not among them, and why. */
  readonly leftOut: readonly { readonly why: string; readonly statements: number }[];
}

interface Row {
  readonly id: string;
  readonly text: string | null;
  readonly calls: number;
}

/**
 * Reads from `pg_stat_statements` what a database was asked by a role, constants taken out. Changes nothing.
 * @throws SlipwayError `not_possible_now` where the extension is not there or not loaded, `database_refused` where a right is missing,
 *   `database_unreachable`
 */
export async function captureQueries(access: DatabaseAccess, { role, minimumCalls }: CaptureRequest): Promise<Captured> {
  return withClient(access, 'capturing statements', async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '1s'`);
    const view = await extensionSchema(client);
    const { rows } = await client.query<{ role: string }>('SELECT coalesce($1, current_user::text) AS role', [role]);
    const whose = rows[0]?.role ?? '';
    const statements = await readStatements(client, view, whose);
    const { since, lost } = await readLosses(client, view);
    const sorted = await sortOut(client, statements, minimumCalls);
    await client.query('ROLLBACK');
    return { role: whose, since, ...sorted, ...judge({ found: sorted.queries.length, hidden: sorted.hidden, lost, role: whose }) };
  });
}

async function extensionSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`,
  );
  const [row] = rows;
  if (row !== undefined) return row.schema;
  throw new SlipwayError('not_possible_now', 'The database has no extension pg_stat_statements, so nobody knows what it was asked', {
    hint: 'Add it to shared_preload_libraries, restart the server, run CREATE EXTENSION pg_stat_statements, and let the version work for a while.',
  });
}

/** Column `toplevel` is there from PostgreSQL 14 on: what a function asked was not sent by the version. */
async function readStatements(client: pg.Client, schema: string, role: string): Promise<readonly Row[]> {
  try {
    const { rows } = await client.query<Row>(
      `SELECT s.queryid::text AS id, s.query AS text, s.calls::float8 AS calls FROM ${schema}.pg_stat_statements s
       WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.userid = (SELECT oid FROM pg_roles WHERE rolname = $1)
         AND coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true) ORDER BY s.queryid`,
      [role],
    );
    return rows;
  } catch (error) {
    // The extension is made, but its library is not loaded.
    if (serverError(error)?.code !== '55000') throw error;
    throw new SlipwayError('not_possible_now', 'pg_stat_statements is not loaded, so nobody knows what the database was asked', {
      cause: error,
      hint: 'Add pg_stat_statements to shared_preload_libraries and restart the server.',
    });
  }
}

/** Since when, and how often it ran out of room (PostgreSQL 14+). */
async function readLosses(client: pg.Client, schema: string): Promise<{ readonly since: string | null; readonly lost: number }> {
  const { rows } = await client.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [
    `${schema}.pg_stat_statements_info`,
  ]);
  if (rows[0]?.there !== true) return { since: null, lost: 0 };
  const found = await client.query<{ since: string; lost: number }>(
    `SELECT to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since, dealloc::float8 AS lost FROM ${schema}.pg_stat_statements_info`,
  );
  return found.rows[0] ?? { since: null, lost: 0 };
}

async function sortOut(client: pg.Client, rows: readonly Row[], minimumCalls: number) {
  const queries: DeclaredQuery[] = [];
  const counts = new Map<string, number>();
  let hidden = 0;
  for (const { id, text, calls } of rows) {
    const lost = text === null || text === '<insufficient privilege>';
    hidden += lost ? 1 : 0;
    const one = lost ? LOST : calls < minimumCalls ? `called less than ${minimumCalls} times` : await readQuery(client, text, id);
    if (typeof one === 'string') counts.set(one, (counts.get(one) ?? 0) + 1);
    else queries.push(one);
  }
  return { queries, hidden, leftOut: [...counts].map(([why, statements]) => ({ why, statements })) };
}

const LOST = 'the server does not tell its text';

/** One statement as it may be asked again; why not, when it may not. */
async function readQuery(client: pg.Client, text: string, id: string): Promise<DeclaredQuery | string> {
  if (isOwn(text)) return "Slipway's own";
  const bare = readable(await withoutConstants(text));
  const parsed = await parseSql(bare);
  if (!parsed.ok) return 'cannot be read any more without its constants';
  const [statement, ...others] = parsed.statements;
  if (statement === undefined || others.length > 0) return 'no single statement';
  const query = asQuery(statement, `captured:${id}`, []);
  if (typeof query === 'string') return 'no SELECT, INSERT, UPDATE, DELETE or MERGE';
  return foreignTo(statement) ?? ((await isPreparable(client, statement.text)) ? query : 'the database itself does not know it any more');
}

/**
 * Comments may hold anything. Constants are taken out by the server already, but not of a statement that it had to forget while it ran.
 */
async function withoutConstants(text: string): Promise<string> {
  const { scan, normalize } = await libpgQuery();
  try {
    const { tokens } = await scan(text);
    const bytes = Buffer.from(text, 'utf8');
    const comments = tokens.filter(({ tokenName }) => tokenName.endsWith('COMMENT'));
    const parts = comments.map(({ start }, index) => bytes.subarray(comments[index - 1]?.end ?? 0, start).toString('utf8'));
    const bare = [...parts, bytes.subarray(comments.at(-1)?.end ?? 0).toString('utf8')].join(' ').trim();
    return tokens.some(({ tokenName }) => CONSTANTS.has(tokenName)) ? await normalize(bare) : bare;
  } catch {
    // What cannot be scanned cannot be parsed either, which is told there.
    return text;
  }
}

const CONSTANTS: ReadonlySet<string> = new Set(['SCONST', 'USCONST', 'BCONST', 'XCONST', 'ICONST', 'FCONST']);

/** In a read-only transaction, so nothing is run and locks are as short as a look. */
export async function isPreparable(client: pg.Client, text: string): Promise<boolean> {
  await client.query('SAVEPOINT slipway_capture');
  try {
    await client.query(`PREPARE slipway_capture AS ${text}`);
    await client.query('DEALLOCATE slipway_capture');
    return true;
  } catch (error) {
    if (serverError(error)?.code.startsWith('42') !== true) throw error;
    return false;
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT slipway_capture');
  }
}

interface Counts {
  readonly found: number;
  readonly hidden: number;
  readonly lost: number;
  readonly role: string;
}

function judge({ found, hidden, lost, role }: Counts): Pick<Captured, 'verdict' | 'reason'> {
  if (hidden > 0)
    return {
      verdict: 'unknown',
      reason: `the server does not tell the text of ${hidden} statements: grant pg_read_all_stats to the role that connects`,
    };
  if (found === 0) return { verdict: 'unknown', reason: `there is no statement of ${role} on its own tables` };
  if (lost > 0)
    return {
      verdict: 'unknown',
      reason: `${found} statements, but the server forgot others ${lost} times for want of room: raise pg_stat_statements.max`,
    };
  return { verdict: 'pass', reason: found === 1 ? '1 statement' : `${found} statements` };
}
