import { createHash } from 'node:crypto';
import type pg from 'pg';
import { plainExpression } from './core/expression.ts';
import type { Hold } from './ports.ts';
import { ident } from './server.ts';

/** What a backup is compared by. */
export interface Measure {
  readonly rows: Readonly<Record<string, number>>;
  readonly schemaDigest: string;
}

/** Tables of the user; those of an extension come back with the extension, not with the dump. */
const USER_TABLE = `c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;
const FROM = 'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';
const TABLE = `n.nspname || '.' || c.relname`;

/** Counts every row of every user table and digests the schema, all in the client's transaction. */
async function measure(client: pg.Client): Promise<Measure> {
  // With an empty path the catalog functions qualify every name, whatever the session's own path is.
  // A policy must make the count fail, not smaller.
  await client.query(`SELECT set_config('search_path', '', true), set_config('row_security', 'off', true)`);
  return { rows: await countRows(client), schemaDigest: await digestSchema(client) };
}

/** As {@link measure}, of one snapshot of the database named. */
export async function measureDatabase({ session }: Pick<Hold, 'session'>, name: string): Promise<Measure> {
  const work = async (client: pg.Client): Promise<Measure> => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return measure(client);
  };
  return session('counting rows', work, name);
}

/** Measures the live database at the very snapshot at which `copy` reads it, so the counts hold although users go on writing. */
export async function measureWhile({ access, session }: Hold, copy: (snapshot: string) => Promise<void>): Promise<Measure> {
  const work = async (client: pg.Client): Promise<Measure> => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
    await copy(rows[0]?.snapshot ?? '');
    return measure(client);
  };
  return session('counting rows', work, access.name);
}

async function countRows(client: pg.Client): Promise<Readonly<Record<string, number>>> {
  const { rows: tables } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name ${FROM} WHERE ${USER_TABLE} AND c.relkind = 'r' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  const counts: [string, number][] = [];
  for (const { schema, name } of tables) {
    // ONLY: the children of an inherited table are in the list themselves.
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ONLY ${ident(schema)}.${ident(name)}`);
    counts.push([`${schema}.${name}`, Number(rows[0]?.count)]);
  }
  return Object.fromEntries(counts);
}

/** Columns by name, because a restore may bring inherited ones in another order. */
const COLUMNS = `SELECT 'column', ${TABLE}, a.attname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attidentity::text || ' ' || a.attgenerated::text,
    pg_get_expr(d.adbin, d.adrelid) ${FROM}
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE ${USER_TABLE}`;
/** Without NOT NULL, which is a constraint from PostgreSQL 18 on and is told with the column. */
const CONSTRAINTS = `SELECT 'constraint', ${TABLE}, k.conname, k.contype::text || ' ' || k.convalidated, pg_get_constraintdef(k.oid) ${FROM}
  JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype NOT IN ('n', 't') WHERE ${USER_TABLE}`;
const INDEXES = `SELECT 'index', ${TABLE}, i.relname, x.indisvalid::text, pg_get_indexdef(x.indexrelid) ${FROM}
  JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid WHERE ${USER_TABLE}`;

async function digestSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<(string | null)[]>({
    text: `${COLUMNS} UNION ALL ${CONSTRAINTS} UNION ALL ${INDEXES}`,
    rowMode: 'array',
  });
  const lines = rows.map(([what, table, name, facts, expression]) =>
    JSON.stringify([what, table, name, facts, plainExpression(expression ?? '')]),
  );
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
}
