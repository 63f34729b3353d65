import type pg from 'pg';
import { effectsOf } from '../core/rollback-class.ts';
import { child, children, nameParts, relationName, textOf } from '../core/tree.ts';
import type { Statement } from '../core/types.ts';
import type { TouchedTable } from './ports.ts';

/** Names, as written, of the relations that statements work on and that they did not make themselves. */
export function touchedTables(statements: readonly Statement[]): readonly string[] {
  const names = effectsOf(statements).flatMap(({ statement, onFresh }) => (onFresh ? [] : namesIn(statement)));
  return [...new Set(names)].filter((name) => name !== '').toSorted();
}

function namesIn({ kind, node }: Statement): readonly string[] {
  if (kind === 'CreateStmt') return [];
  if (kind === 'DropStmt')
    return textOf(node, 'removeType') === 'OBJECT_TABLE'
      ? children(node, 'objects').map((one) => nameParts(children(child(one, 'List'), 'items')).join('.'))
      : [];
  if (kind === 'TruncateStmt') return children(node, 'relations').map((one) => relationName(child(one, 'RangeVar')));
  return [relationName(child(node, 'relation'))];
}

/** Rows by PostgreSQL's estimate, size, and who uses it: views that depend on it, functions that name it. */
const LOOK = `SELECT reltuples::float8 AS rows, pg_total_relation_size(c.oid)::float8 AS bytes,
  ARRAY(SELECT DISTINCT 'view ' || v.oid::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_class v ON v.oid = r.ev_class WHERE d.refobjid = c.oid AND v.oid <> c.oid
    UNION SELECT DISTINCT 'function ' || p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prosrc ~* ('\\m' || regexp_replace(c.relname, '([^a-z0-9_])', '.', 'gi') || '\\M') ORDER BY 1) AS dependants
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

/** What the database knows of them; one that is not there (an earlier file makes it) comes back without figures. */
export async function lookAtTables(client: pg.Client, names: readonly string[]): Promise<readonly TouchedTable[]> {
  const tables: TouchedTable[] = [];
  for (const name of names) {
    const quoted = name
      .split('.')
      .map((part) => `"${part.replaceAll('"', '""')}"`)
      .join('.');
    const { rows } = await client.query<{ rows: number; bytes: number; dependants: readonly string[] }>(LOOK, [quoted]);
    const [row] = rows;
    // -1: never analysed.
    if (row === undefined) tables.push({ name, rows: null, bytes: null, dependants: null });
    else tables.push({ name, rows: row.rows < 0 ? null : row.rows, bytes: row.bytes, dependants: row.dependants });
  }
  return tables;
}
