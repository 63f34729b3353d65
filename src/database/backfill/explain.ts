import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import { changeQuery, type Query, type Walk } from '../core/backfill/sql.ts';
import { asOwn } from '../core/own.ts';
import { serverError } from '../errors.ts';

const WITHIN_MS = 2_000;
/** Names that are not there, types that do not fit, a function that does not exist. */
const NOT_UNDERSTOOD = /^42/;
export const RIGHT_MISSING = '42501';
/** A table that is locked, or a server that is busy: that is a matter for the walk, which waits. */
const LATER = new Set(['55P03', '57014']);

/**
 * Lets the server plan every piece of SQL before anything is changed: what does not fit the tables, or has no right to them, must not
 * come out after hours of work.
 * @throws SlipwayError `config_invalid` naming the key
 */
export async function explainPieces(client: pg.Client, definition: BackfillDefinition, walk: Walk): Promise<void> {
  const { where, change, verify, name } = definition;
  const pieces: readonly (readonly [key: string, query: Query])[] = [
    ['where', { text: asOwn(`SELECT FROM ${walk.table} WHERE (${where})`), values: [] }],
    ...(change.kind === 'function' ? [] : [[change.kind, changeQuery(walk, change, where, [])] as const]),
  ];
  for (const [key, query] of pieces) await explain(client, name, key, query);
  if (verify === null) return;
  const columns = await explain(client, name, 'verify', { text: asOwn(verify), values: [] });
  if (columns !== null && columns !== 1) throw notOneNumber(name);
}

export const notOneNumber = (name: string): SlipwayError =>
  new SlipwayError('config_invalid', `\`verify\` of the backfill ${name} must answer one row with one whole number`, {
    hint: 'Count the rows that are wrong: SELECT count(*) FROM ... WHERE ...',
  });

/** What the server says of a piece that it does not understand or cannot work out. */
export const notAnswered = (
  name: string,
  key: string,
  { message, code }: { readonly message: string; readonly code: string },
): SlipwayError =>
  new SlipwayError('config_invalid', `\`${key}\` of the backfill ${name} does not run: ${message} [${code}]`, {
    hint: 'Correct it in the file of the backfill, or bring the schema to where it expects it.',
  });

/** Plans a statement; answers how many columns it has, null where the server does not say now. */
async function explain(client: pg.Client, name: string, key: string, { text, values }: Query): Promise<number | null> {
  await client.query(`BEGIN READ ONLY; SET LOCAL lock_timeout = ${WITHIN_MS / 10}; SET LOCAL statement_timeout = ${WITHIN_MS}`);
  try {
    const { rows } = await client.query<Explained>({ text: `EXPLAIN (VERBOSE, FORMAT JSON) ${text}`, values: [...values] });
    return rows[0]?.['QUERY PLAN'][0]?.Plan.Output?.length ?? null;
  } catch (error) {
    const server = serverError(error);
    if (server !== null && LATER.has(server.code)) return null;
    if (server === null || !NOT_UNDERSTOOD.test(server.code) || server.code === RIGHT_MISSING) throw error;
    throw notAnswered(name, key, server);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: { readonly Output?: readonly string[] } }[];
}
