import type pg from 'pg';
import { typeOfText } from '../core/lint/type-change.ts';
import { orphans, relation, type Find, type Loss } from '../core/plan/losses.ts';
import { typeLosses } from '../core/plan/type-loss.ts';
import { serverError } from '../errors.ts';
import { asOwn } from '../core/own.ts';
import type { CountedLoss } from './ports.ts';

const COUNT_WITHIN_MS = 30_000;
/** From here on a value can be tried without failing. */
const SOFT_INPUT = 160_000;

/** Counts what a loss is about, in read-only transactions; of some there are several, once the catalog was asked. */
export async function countLoss(client: pg.Client, loss: Loss): Promise<readonly CountedLoss[]> {
  const found = loss.find === undefined ? [loss] : await known(client, loss, loss.find);
  const counted: CountedLoss[] = [];
  for (const { line, kind, what, sql } of found) counted.push({ line, kind, what, ...(await count(client, sql)), query: sql });
  return counted;
}

async function count(client: pg.Client, sql: string | null): Promise<Pick<CountedLoss, 'rows' | 'because'>> {
  if (sql === null) return { rows: null, because: 'no query tells' };
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${COUNT_WITHIN_MS}`);
  try {
    const { rows } = await client.query<{ rows: number }>(asOwn(sql));
    return { rows: rows[0]?.rows ?? 0, because: null };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null) throw error;
    // A file before it may make what it needs.
    return { rows: null, because: refused.message };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function known(client: pg.Client, loss: Loss, find: Find): Promise<readonly Loss[]> {
  switch (find.kind) {
    case 'type':
      return (await typeLossesOf(client, find)).map((one) => ({ line: loss.line, ...one }));
    case 'constraint':
      return [(await constraintLoss(client, loss, find)) ?? loss];
    case 'key':
      return [await keyLoss(client, loss, find)];
    case 'domain':
      return domainLosses(client, loss, find);
  }
}

async function typeLossesOf(client: pg.Client, change: Extract<Find, { kind: 'type' }>) {
  const { rows } = await client.query<{ type: string; version: number }>(
    `SELECT format_type(atttypid, atttypmod) AS type, current_setting('server_version_num')::int AS version
     FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped`,
    [relation(change.table), change.column],
  );
  const [row] = rows;
  return typeLosses(change, row === undefined ? null : typeOfText(row.type), (row?.version ?? 0) >= SOFT_INPUT);
}

/** Null for a constraint that is not there yet: an earlier file makes it. */
async function constraintLoss(
  client: pg.Client,
  loss: Loss,
  { table, constraint }: Extract<Find, { kind: 'constraint' }>,
): Promise<Loss | null> {
  const { rows } = await client.query<{ check: string | null; other: string; own: readonly string[]; theirs: readonly string[] }>(
    `SELECT pg_get_expr(k.conbin, k.conrelid) AS "check", k.confrelid::regclass::text AS other,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n (number, place) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY place) AS own,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS n (number, place) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.number ORDER BY place) AS theirs
     FROM pg_constraint k WHERE k.conrelid = to_regclass($1) AND k.conname = $2 AND k.contype IN ('c', 'f')`,
    [relation(table), constraint],
  );
  const [row] = rows;
  if (row === undefined) return null;
  if (row.check !== null) return { ...loss, sql: `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE (${row.check}) IS FALSE` };
  return { ...loss, sql: orphans({ table, own: row.own }, { table: row.other, columns: row.theirs }) };
}

/** With the other table's primary key, where it has one of as many columns. */
async function keyLoss(client: pg.Client, loss: Loss, { table, own, other }: Extract<Find, { kind: 'key' }>): Promise<Loss> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT a.attname AS name FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY AS n (number, place) JOIN pg_attribute a ON true
     WHERE k.conrelid = to_regclass($1) AND k.contype = 'p' AND a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY place`,
    [relation(other)],
  );
  const columns = rows.map(({ name }) => name);
  return columns.length !== own.length || own.length === 0
    ? loss
    : { ...loss, sql: orphans({ table, own }, { table: relation(other), columns }) };
}

async function domainLosses(
  client: pg.Client,
  loss: Loss,
  { domain, expression }: Extract<Find, { kind: 'domain' }>,
): Promise<readonly Loss[]> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `SELECT c.oid::regclass::text AS "table", quote_ident(a.attname) AS "column" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE a.atttypid = to_regtype($1) AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND NOT a.attisdropped ORDER BY 1, 2`,
    [relation(domain)],
  );
  const { rows: there } = await client.query<{ there: boolean }>('SELECT to_regtype($1) IS NOT NULL AS there', [relation(domain)]);
  // Nobody uses it, or an earlier file makes it.
  if (rows.length === 0) return there[0]?.there === true ? [] : [loss];
  return rows.map(({ table, column }) => {
    const holds = expression === null ? 'value IS NULL' : `(${expression}\n) IS FALSE`;
    const sql = `SELECT count(*)::float8 AS rows FROM (SELECT ${column} AS value FROM ${table}) of_domain WHERE ${holds}`;
    return { ...loss, what: `${loss.what}, in ${table}.${column}`, sql };
  });
}
