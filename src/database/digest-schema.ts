import { createHash } from 'node:crypto';
import type pg from 'pg';
import { plainExpression } from './core/expression.ts';
import type { BackupManifest } from './ports.ts';

/** What a manifest's `schemaDigest` covers follows its `schema`: a backup of an earlier build is compared as that build did. */
export type Edition = BackupManifest['schema'];

export const CURRENT_EDITION: Edition = 'slipway.backup/2';

const USER_SCHEMA = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;

/** What an extension brought comes back with the extension, not with the dump. */
function notOfExtension(catalog: string, id: string): string {
  return `NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${id} AND d.deptype = 'e')`;
}

/** Tables of the user. */
export const USER_TABLE = `c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${USER_SCHEMA} AND ${notOfExtension('pg_class', 'c.oid')}`;
export const FROM = 'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';
const TABLE = `n.nspname || '.' || c.relname`;

/** Columns by name, because a restore may bring inherited ones in another order. */
const COLUMNS = `SELECT 'column', ${TABLE}, a.attname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attidentity::text || ' ' || a.attgenerated::text,
    pg_get_expr(d.adbin, d.adrelid) ${FROM}
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE ${USER_TABLE}`;
/** Without NOT NULL, which is a constraint from PostgreSQL 18 on and is told with the column. */
const CONSTRAINTS = `SELECT 'constraint', ${TABLE}, k.conname, k.contype::text || ' ' || k.convalidated, pg_get_constraintdef(k.oid) ${FROM}
  JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype NOT IN ('n', 't') WHERE ${USER_TABLE}`;
const INDEXES = `SELECT 'index', ${TABLE}, i.relname, x.indisvalid::text, pg_get_indexdef(x.indexrelid) ${FROM}
  JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid WHERE ${USER_TABLE}`;

const USER_RELATION = `c.relpersistence <> 't' AND ${USER_SCHEMA} AND ${notOfExtension('pg_class', 'c.oid')}`;
/** By their columns and not by their query, which PostgreSQL may print otherwise once it was read back. */
const VIEWS = `SELECT 'view', ${TABLE}, a.attname, format_type(a.atttypid, a.atttypmod), c.relkind::text ${FROM}
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('v', 'm') AND ${USER_RELATION}`;
/** Without the value they are at, which goes on while a backup is taken. */
const SEQUENCES = `SELECT 'sequence', ${TABLE}, format_type(s.seqtypid, NULL), s.seqincrement::text, s.seqcycle::text ${FROM}
  JOIN pg_sequence s ON s.seqrelid = c.oid WHERE ${USER_RELATION}`;
const TRIGGERS = `SELECT 'trigger', ${TABLE}, t.tgname, t.tgenabled::text, NULL ${FROM}
  JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal WHERE ${USER_RELATION}`;
const POLICIES = `SELECT 'policy', ${TABLE}, p.polname, p.polcmd::text || ' ' || p.polpermissive, NULL ${FROM}
  JOIN pg_policy p ON p.polrelid = c.oid WHERE ${USER_RELATION}`;
const ROUTINES = `SELECT 'routine', n.nspname || '.' || p.proname, pg_get_function_identity_arguments(p.oid), p.prokind::text || ' ' || p.provolatile::text || ' ' || p.prosecdef, md5(p.prosrc)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${USER_SCHEMA} AND ${notOfExtension('pg_proc', 'p.oid')}`;
const ENUMS = `SELECT 'enum', n.nspname || '.' || t.typname, e.enumlabel, rank() OVER (PARTITION BY t.oid ORDER BY e.enumsortorder)::text, NULL
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid WHERE ${USER_SCHEMA} AND ${notOfExtension('pg_type', 't.oid')}`;
const EXTENSIONS = `SELECT 'extension', e.extname, NULL, NULL, NULL FROM pg_extension e`;

const COVERED: Readonly<Record<Edition, readonly string[]>> = {
  'slipway.backup/1': [COLUMNS, CONSTRAINTS, INDEXES],
  'slipway.backup/2': [COLUMNS, CONSTRAINTS, INDEXES, VIEWS, SEQUENCES, TRIGGERS, POLICIES, ROUTINES, ENUMS, EXTENSIONS],
};

/** The sha256 of what is there beside rows, in the client's transaction; its `search_path` must be empty. */
export async function digestSchema(client: pg.Client, edition: Edition): Promise<string> {
  const { rows } = await client.query<(string | null)[]>({ text: COVERED[edition].join(' UNION ALL '), rowMode: 'array' });
  const lines = rows.map(([what, table, name, facts, expression]) =>
    JSON.stringify([what, table, name, facts, plainExpression(expression ?? '')]),
  );
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
}
