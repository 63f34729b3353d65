import type pg from 'pg';
import type { OutOfTheWay } from '../core/old-shape/replaced.ts';
import { samePath } from '../core/old-shape/shape.ts';
import { useOf } from '../core/old-shape/uses.ts';
import type { Dependant } from '../core/old-shape/facts.ts';
import type { FoundShape } from './resolve.ts';
import { escaped, routineUse, type Routine } from './routine.ts';

/**
 * What in the database uses the old shapes: what PostgreSQL knows to depend on them (views, policies, generated columns, triggers,
 * foreign keys, publications), and functions whose bodies name them, of which PostgreSQL knows nothing.
 * @param away what the pending migrations drop or define anew
 */
export async function dependantsOf(client: pg.Client, shapes: readonly FoundShape[], away: OutOfTheWay): Promise<readonly Dependant[]> {
  const found: Dependant[] = [];
  for (const shape of shapes) {
    // What PostgreSQL knows of follows a new name.
    if (shape.oid !== null && shape.shape.change === 'drop') found.push(...(await knownDependants(client, shape, away)));
    found.push(...(await routines(client, shape, away)));
  }
  return found;
}

interface DependantRow {
  readonly what: string;
  readonly type: string;
  readonly path: readonly string[];
}

/**
 * The table's own constraints, indexes, triggers, defaults and policies go with it; those of a column go with the column. What a partition
 * has of its whole's goes with that.
 */
const DEPENDS = `WITH used AS (
    SELECT DISTINCT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid, coalesce(r.ev_class, d.objid) AS objid,
      CASE WHEN r.oid IS NULL THEN d.objsubid ELSE 0 END AS objsubid
    FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND ($2::int = 0 OR d.refobjsubid = $2) AND d.deptype = 'n')
  SELECT pg_describe_object(u.classid, u.objid, u.objsubid) AS what, i.type,
    CASE WHEN i.type IN ('trigger', 'policy', 'rule') THEN string_to_array(replace(i.identity, '"', ''), ' on ') WHEN u.classid = 'pg_proc'::regclass THEN ARRAY[i.schema, (SELECT p.proname::text FROM pg_proc p WHERE p.oid = u.objid)]
      ELSE array_remove(ARRAY[i.schema, i.name], NULL) END AS path
  FROM used u, LATERAL pg_identify_object(u.classid, u.objid, u.objsubid) i
  WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE u.classid = 'pg_trigger'::regclass AND t.oid = u.objid AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') <> '0')
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE u.classid = 'pg_constraint'::regclass AND k.oid = u.objid AND k.conparentid <> 0)
    AND NOT ($2::int = 0 AND (
    (u.classid = 'pg_class'::regclass AND u.objid = $1) OR EXISTS (SELECT 1 FROM pg_constraint c WHERE u.classid = 'pg_constraint'::regclass AND c.oid = u.objid AND c.conrelid = $1)
    OR EXISTS (SELECT 1 FROM pg_policy p WHERE u.classid = 'pg_policy'::regclass AND p.oid = u.objid AND p.polrelid = $1)
    OR EXISTS (SELECT 1 FROM pg_trigger t WHERE u.classid = 'pg_trigger'::regclass AND t.oid = u.objid AND t.tgrelid = $1)
    OR EXISTS (SELECT 1 FROM pg_attrdef a WHERE u.classid = 'pg_attrdef'::regclass AND a.oid = u.objid AND a.adrelid = $1)
    OR EXISTS (SELECT 1 FROM pg_rewrite w WHERE u.classid = 'pg_rewrite'::regclass AND w.oid = u.objid AND w.ev_class = $1)))
  ORDER BY what`;

async function knownDependants(client: pg.Client, shape: FoundShape, away: OutOfTheWay): Promise<readonly Dependant[]> {
  const found = new Set<string>();
  for (const { oid, attnum } of shape.goes) {
    const { rows } = await client.query<DependantRow>(DEPENDS, [oid, attnum]);
    for (const row of rows) if (!isAway(row, shape, away)) found.add(row.what);
  }
  const how = 'PostgreSQL refuses to drop it while this is there';
  return [...found].map((what) => ({ what, shape: shape.shape.told, use: 'names', how }));
}

function isAway({ type, path }: DependantRow, shape: FoundShape, { dropped, replaced }: OutOfTheWay): boolean {
  // `trigger on public.table`: a DROP names the table first.
  const named = ['trigger', 'policy', 'rule'].includes(type) ? [...(path[1] ?? '').split('.'), path[0] ?? ''] : path;
  if (dropped.some((one) => samePath(one, named))) return true;
  return replaced.some((one) => samePath(one.path, named) && useOf({ [one.statement.kind]: one.statement.node }, shape) === null);
}

interface RoutineRow extends Routine {
  readonly what: string;
  readonly path: readonly string[];
  /** Triggers of the table that call it. */
  readonly triggers: readonly string[];
  /** Its arguments or its answer are rows of the table. */
  readonly takesRow: boolean;
}

/** A table is a type too, and so is an array of its rows. */
const ROW_TYPES = 'SELECT unnest(ARRAY[y.oid, y.typarray]) FROM pg_class c JOIN pg_type y ON y.oid = c.reltype WHERE c.oid = $1';

const ROUTINES = `SELECT p.prokind::text AS kind, CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END || p.oid::regprocedure::text AS what, ARRAY[n.nspname::text, p.proname::text] AS path,
    l.lanname::text AS language, p.prosrc AS source, pg_get_functiondef(p.oid) AS definition,
    ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = $1 AND NOT t.tgisinternal) AS triggers,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_type'::regclass AND d.refobjid IN (${ROW_TYPES})) AS "takesRow"
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prokind IN ('f', 'p') AND l.lanname NOT IN ('c', 'internal')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    AND (EXISTS (SELECT 1 FROM unnest($2::text[]) AS x (name) WHERE strpos(lower(p.prosrc), lower(x.name)) > 0)
      OR EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = $1)
      OR EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_type'::regclass AND d.refobjid IN (${ROW_TYPES}))) ORDER BY what`;

/** Functions are text to PostgreSQL: dropped under them, a column is missed when they run. */
async function routines(client: pg.Client, shape: FoundShape, away: OutOfTheWay): Promise<readonly Dependant[]> {
  const names = shape.relations.length > 0 ? shape.relations.map(([, name]) => name) : shape.shape.path.slice(-1);
  const { rows } = await client.query<RoutineRow>(ROUTINES, [shape.oid, names]);
  const found: Dependant[] = [];
  for (const row of rows) {
    if (away.dropped.some((one) => samePath(one, row.path)) || isSelf(row, shape)) continue;
    const use = (await routineUse(afterwards(row, shape, away), shape)) ?? (holdsRow(row, shape) ? 'unreadable' : null);
    if (use !== null) found.push({ what: row.what, shape: shape.shape.told, use, how: 'its body would fail when it runs' });
  }
  return found;
}

/** Of a row that is handed to it, or kept in a variable, nobody follows which columns it uses. A table's new name it knows where it takes its rows. */
function holdsRow({ takesRow, source, language }: RoutineRow, { shape, relations }: FoundShape): boolean {
  if (shape.kind !== 'column' && shape.change === 'drop') return takesRow;
  const variable = relations.some(([, name]) =>
    new RegExp(String.raw`\b\w+\s+(?:\w+\.)?"?${escaped(name)}"?\s*(?:%\s*rowtype\s*)?(?:;|:=)`, 'iu').test(source),
  );
  return (takesRow && shape.kind === 'column') || (language === 'plpgsql' && variable);
}

const isSelf = ({ path }: RoutineRow, { shape }: FoundShape): boolean => shape.kind === 'routine' && samePath(path, shape.path);

/** The routine as the pending files leave it. */
function afterwards(row: RoutineRow, shape: FoundShape, { dropped, replaced }: OutOfTheWay): Routine {
  const [table = ['', '']] = shape.relations;
  const left = row.triggers.filter((name) => !dropped.some((one) => samePath(one, [...table, name])));
  const { definition, source, language } = row;
  const text = replaced.findLast((one) => samePath(one.path, row.path))?.statement.text;
  const onTable = left.length > 0;
  return text === undefined ? { definition, source, language, onTable } : { definition: text, source: bodyOf(text), language, onTable };
}

/** Between its dollar quotes; a body written otherwise is judged by the whole text. */
function bodyOf(text: string): string {
  return /\$(\w*)\$([\s\S]*)\$\1\$/.exec(text)?.[2] ?? text;
}
