import type pg from 'pg';
import { heldSql, type Deleted, type Holding } from '../core/plan/delete-losses.ts';
import type { Loss } from '../core/plan/losses.ts';
import { relation } from '../core/plan/names.ts';

/**
 * Foreign keys that refuse to let rows go at once. Not those of tables whose rows the DELETE, or what is pending before it, takes along or
 * changes by other keys, and none where a trigger or a rule may do so.
 */
const HOLDING = `WITH RECURSIVE target AS (SELECT to_regclass($1)::oid AS oid),
  changed AS (SELECT to_regclass(name)::oid AS oid FROM unnest($2::text[]) name WHERE to_regclass(name) IS NOT NULL),
  moved AS (SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))),
  reached AS (SELECT oid FROM changed
    UNION SELECT m.conrelid FROM moved m JOIN target t ON t.oid = m.confrelid
    UNION SELECT m.conrelid FROM moved m JOIN reached r ON r.oid = m.confrelid),
  roots AS (SELECT oid FROM target UNION SELECT oid FROM changed)
SELECT coalesce((SELECT w.conname FROM pg_constraint w WHERE w.oid = k.conparentid), k.conname)::text AS "constraint", k.conrelid::regclass::text AS "table", k.conrelid = k.confrelid AS self, c.relkind = 'p' AS parted,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY place) AS own,
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.number ORDER BY place) AS keys
FROM target t JOIN pg_constraint k ON k.confrelid = t.oid JOIN pg_class c ON c.oid = t.oid
WHERE k.contype = 'f' AND k.confdeltype IN ('a', 'r') AND NOT k.condeferred AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
  AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid AND w.confrelid = k.confrelid)
  AND t.oid NOT IN (SELECT oid FROM changed) AND k.conrelid NOT IN (SELECT oid FROM reached)
  AND NOT EXISTS (SELECT FROM pg_trigger g JOIN roots r ON r.oid = g.tgrelid WHERE NOT g.tgisinternal)
  AND NOT EXISTS (SELECT FROM pg_rewrite w JOIN roots r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN')
ORDER BY 2, 1`;

/** What of a DELETE foreign keys refuse: one loss for each, none where none is certain to. */
export async function holdingLosses(client: pg.Client, { line, kind, what }: Loss, deleted: Deleted): Promise<readonly Loss[]> {
  const { rows } = await client.query<Holding>(HOLDING, [relation(deleted.table), deleted.changed.map(relation)]);
  return rows.map((one) => ({
    line,
    kind,
    what: `${what}: of ${one.table} by ${one.constraint}`,
    sql: heldSql(deleted, one),
  }));
}
