import type pg from 'pg';
import { heldSql, type Deleted, type Holding } from '../core/plan/delete-losses.ts';
import type { Loss } from '../core/plan/losses.ts';
import { relation } from '../core/plan/names.ts';

const columnsOf = (numbers: string, table: string): string =>
  `ARRAY(SELECT a.attname::text FROM unnest(${numbers}) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = ${table} AND a.attnum = n.number ORDER BY place)`;
/** Its copies for the partitions of the table that it is of count with it. */
const isWhole = (key: string): string =>
  `NOT EXISTS (SELECT FROM pg_constraint o WHERE o.oid = ${key}.conparentid AND o.confrelid = ${key}.confrelid)`;
const DEEPEST = 4;

/**
 * Foreign keys that refuse to let rows go at once, also rows that go because others do (`ON DELETE CASCADE`). Not those of tables whose rows
 * the DELETE, or what is pending before it, takes along or changes by other keys, and none where a trigger or a rule may do so.
 */
const HOLDING = `WITH RECURSIVE target AS (SELECT to_regclass($1)::oid AS oid),
  changed AS (SELECT to_regclass(name)::oid AS oid FROM unnest($2::text[]) name WHERE to_regclass(name) IS NOT NULL),
  moved AS (SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))),
  reached AS (SELECT oid FROM changed
    UNION SELECT m.conrelid FROM moved m JOIN target t ON t.oid = m.confrelid
    UNION SELECT m.conrelid FROM moved m JOIN reached r ON r.oid = m.confrelid),
  ways AS (SELECT oid, ARRAY[]::oid[] AS keys, ARRAY[oid] AS tables FROM target
    UNION ALL SELECT k.conrelid, w.keys || k.oid, w.tables || k.conrelid FROM ways w JOIN pg_constraint k ON k.confrelid = w.oid
      WHERE k.contype = 'f' AND k.confdeltype = 'c' AND k.conrelid <> ALL (w.tables) AND cardinality(w.keys) < ${DEEPEST} AND ${isWhole('k')})
SELECT coalesce((SELECT o.conname FROM pg_constraint o WHERE o.oid = k.conparentid), k.conname)::text AS "constraint", k.conrelid::regclass::text AS "table",
  k.conrelid = k.confrelid AS self, c.relkind = 'p' AS parted, ${columnsOf('k.conkey', 'k.conrelid')} AS own, ${columnsOf('k.confkey', 'k.confrelid')} AS keys,
  coalesce((SELECT jsonb_agg(jsonb_build_object('table', h.conrelid::regclass::text, 'own', ${columnsOf('h.conkey', 'h.conrelid')}, 'keys', ${columnsOf('h.confkey', 'h.confrelid')}) ORDER BY o.place)
    FROM unnest(w.keys) WITH ORDINALITY o (key, place) JOIN pg_constraint h ON h.oid = o.key), '[]') AS way
FROM target t JOIN pg_class c ON c.oid = t.oid CROSS JOIN ways w JOIN pg_constraint k ON k.confrelid = w.oid
WHERE k.contype = 'f' AND k.confdeltype IN ('a', 'r') AND NOT k.condeferred AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' AND ${isWhole('k')}
  AND (k.conrelid <> t.oid OR w.oid = t.oid) AND t.oid NOT IN (SELECT oid FROM changed) AND k.conrelid NOT IN (SELECT oid FROM reached)
  AND NOT EXISTS (SELECT FROM changed r WHERE r.oid = ANY (w.tables))
  AND NOT EXISTS (SELECT FROM pg_trigger g WHERE (g.tgrelid = ANY (w.tables) OR g.tgrelid IN (SELECT oid FROM changed)) AND NOT g.tgisinternal)
  AND NOT EXISTS (SELECT FROM pg_rewrite u WHERE (u.ev_class = ANY (w.tables) OR u.ev_class IN (SELECT oid FROM changed)) AND u.rulename <> '_RETURN')
ORDER BY 2, 1`;

/** What of a DELETE foreign keys refuse: one loss for each, none where none is certain to. */
export async function holdingLosses(client: pg.Client, { line, kind, what }: Loss, deleted: Deleted): Promise<readonly Loss[]> {
  const { rows } = await client.query<Holding>(HOLDING, [relation(deleted.table), deleted.changed.map(relation)]);
  return rows.map((one) => ({
    line,
    kind,
    what: `${what}: of ${one.table} by ${one.constraint}${one.way.length === 0 ? '' : `, by way of ${one.way.map(({ table }) => table).join(', ')}`}`,
    sql: heldSql(deleted, one),
  }));
}
