import type pg from 'pg';
import { typeOfText } from '../core/lint/type-change.ts';
import { orphans, type Find, type Loss, type Only } from '../core/plan/losses.ts';
import { relation } from '../core/plan/names.ts';
import { partitionSql } from '../core/plan/partition-losses.ts';
import { typeLosses } from '../core/plan/type-loss.ts';
import { serverError } from '../errors.ts';
import { asOwn } from '../core/own.ts';
import { holdingLosses } from './holding.ts';
import type { CountedLoss } from './ports.ts';

const COUNT_WITHIN_MS = 30_000;
/** From here on a value can be tried without failing. */
const SOFT_INPUT = 160_000;

/** Counts what a loss is about, in read-only transactions; of some there are several, once the catalog was asked. */
export async function countLoss(client: pg.Client, loss: Loss): Promise<readonly CountedLoss[]> {
  for (const only of loss.only ?? []) if ((await isThere(client, only)) !== only.there) return [];
  const found = loss.find === undefined ? [loss] : await known(client, loss, loss.find);
  const counted: CountedLoss[] = [];
  for (const { line, kind, what, sql } of found) counted.push({ line, kind, what, ...(await count(client, sql)), query: sql });
  return counted;
}

async function isThere(client: pg.Client, { table, column }: Only): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AND ($2::text IS NULL OR EXISTS (
       SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND attnum > 0 AND NOT attisdropped)) AS there`,
    [relation(table), column],
  );
  return rows[0]?.there === true;
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
    case 'referenced':
      return holdingLosses(client, loss, find.deleted);
    case 'filled':
      return filledLosses(client, loss, find);
    case 'partition':
      return [{ ...loss, sql: await partitionQuery(client, find) }];
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

async function partitionQuery(client: pg.Client, find: Extract<Find, { kind: 'partition' }>): Promise<string | null> {
  const { rows } = await client.query<{ column: string | null; rest: string | null }>(
    `SELECT CASE WHEN t.partnatts = 1 THEN (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.partrelid AND a.attnum = t.partattrs[0] AND a.attnum > 0) END AS column,
       CASE WHEN t.partdefid <> 0 THEN t.partdefid::regclass::text END AS rest FROM pg_partitioned_table t WHERE t.partrelid = to_regclass($1)`,
    [relation(find.parent)],
  );
  const [row] = rows;
  // An earlier file makes it, and nothing is in it yet.
  return partitionSql(find, row?.column ?? null, row?.rest ?? null);
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

/** Of the domain and those that it is made of: their rules, what they are made of in the end, and the first default. */
const DOMAIN = `WITH RECURSIVE made AS (
    SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault, t.typdefaultbin, 1 AS deep FROM pg_type t WHERE t.oid = to_regtype($1) AND t.typtype = 'd'
    UNION ALL SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault, t.typdefaultbin, deep + 1 FROM pg_type t JOIN made m ON m.typbasetype = t.oid AND t.typtype = 'd')
  SELECT (SELECT format_type(typbasetype, typtypmod) FROM made ORDER BY deep DESC LIMIT 1) AS base, bool_or(typnotnull) AS present,
    (SELECT pg_get_expr(typdefaultbin, 0) FROM made WHERE typdefaultbin IS NOT NULL ORDER BY deep LIMIT 1) AS value,
    ARRAY(SELECT pg_get_expr(k.conbin, 0) FROM pg_constraint k JOIN made m ON m.oid = k.contypid WHERE k.contype = 'c') AS checks
  FROM made HAVING count(*) > 0`;

/** None for a type that is no domain, has no rules, or that an earlier file makes. */
async function filledLosses(
  client: pg.Client,
  loss: Loss,
  { table, type, value }: Extract<Find, { kind: 'filled' }>,
): Promise<readonly Loss[]> {
  const { rows } = await client.query<{ base: string; present: boolean; value: string | null; checks: readonly string[] }>(DOMAIN, [type]);
  const [domain] = rows;
  if (domain === undefined || (!domain.present && domain.checks.length === 0)) return [];
  const broken = [...domain.checks.map((one) => `(${one}\n) IS FALSE`), ...(domain.present ? ['value IS NULL'] : [])].join(' OR ');
  const given = value ?? domain.value ?? 'NULL';
  const sql = `SELECT count(*)::float8 AS rows FROM (SELECT (${given}\n)::${domain.base} AS value FROM ${relation(table)}) slipway_added WHERE ${broken}`;
  return [{ ...loss, sql }];
}
