import type pg from 'pg';
import type { Dependant, Dependants } from '../core/lint/dependant.ts';
import { noDependants } from '../core/lint/dependant.ts';
import { quoted } from '../core/lint/fixes.ts';
import { plainName } from '../core/lint/schema.ts';
import { brought, NAMED, OURS } from './catalog-sql.ts';

interface Row {
  readonly as: Dependant['as'];
  /** `VIEW`, `POLICY`, ...: as SQL calls it. */
  readonly word: string;
  readonly owner: string;
  readonly column: string | null;
  readonly part: string | null;
  /** A function with its arguments. */
  readonly called: string | null;
  readonly kind: Dependant['kind'];
  readonly name: string;
  readonly needs: string | null;
}

/** What the catalog says to need something else, so that PostgreSQL drops that only with CASCADE. */
export async function readNeeded(client: pg.Client): Promise<Dependants> {
  const { rows } = await client.query<Row>(`${USERS}, ${NEEDED} ${PAIRS} UNION ${CONTENTS} UNION ${INDEXES} ORDER BY 3, 5, 1, 7, 8`);
  const columns = await client.query<{ view: string; columns: string[] }>(
    `SELECT format('%s.%s', n.nspname, c.relname) AS view, array_agg(a.attname::text ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1`,
  );
  const dependants = noDependants();
  dependants.list = rows.map(dependantOf);
  for (const row of columns.rows) dependants.columns.set(plainName(row.view), row.columns);
  return dependants;
}

function dependantOf(row: Row): Dependant {
  const owner = plainName(row.owner);
  const name = plainName(row.needs === null ? row.name : `${row.name}.${row.needs}`);
  const known = { kind: row.kind, name, as: row.as, owner, column: row.column ?? '', part: row.part ?? '' };
  return { ...known, ...TOLD[row.as]({ ...row, owner, column: known.column, part: known.part }) };
}

type Told = Pick<Dependant, 'told' | 'undo'>;
type Known = Row & { readonly column: string; readonly part: string };

const byOwner = ({ word, owner }: Known): Told => ({ told: `${word.toLowerCase()} ${owner}`, undo: `DROP ${word} ${quoted(owner)}` });
const byPart = ({ word, owner, part }: Known): Told => ({
  told: `${word.toLowerCase()} ${part} of ${owner}`,
  undo: `DROP ${word} ${quoted(part)} ON ${quoted(owner)}`,
});
const byConstraint = ({ word, owner, part }: Known): Told => ({
  told: `${word} ${part} of ${owner}`,
  undo: `ALTER TABLE ${quoted(owner)} DROP CONSTRAINT ${quoted(part)}`,
});

const TOLD: Readonly<Record<Dependant['as'], (known: Known) => Told>> = {
  view: byOwner,
  trigger: byPart,
  policy: byPart,
  key: byConstraint,
  constraint: byConstraint,
  heir: (known) => ({ ...byOwner(known), told: `table ${known.owner}, which inherits from it,` }),
  content: (known) => ({
    told: `${known.word.toLowerCase()} ${known.called ?? known.owner} is in it`,
    undo: `DROP ${known.word} ${known.called ?? quoted(known.owner)}`,
  }),
  function: ({ word, called }) => ({ told: `${word.toLowerCase()} ${called ?? ''}`, undo: `DROP ${word} ${called ?? ''}` }),
  type: ({ owner, column }) => ({
    told: `column ${owner}.${column}`,
    undo: `ALTER TABLE ${quoted(owner)} DROP COLUMN ${quoted(column)}`,
  }),
  default: ({ word, owner, column }) => ({
    told: word === 'GENERATED' ? `the generated column ${owner}.${column}` : `the default of ${owner}.${column}`,
    undo: `ALTER TABLE ${quoted(owner)} ${word === 'GENERATED' ? `DROP COLUMN ${quoted(column)}` : `ALTER COLUMN ${quoted(column)} DROP DEFAULT`}`,
  }),
};

/** What an extension brought along goes with it. */
const RELATION = `JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS} AND NOT ${brought('pg_class', 'c.oid')}`;
const WORD = `CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END`;
const ROUTINE = `CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END`;
const CALLED = `format('%s%I(%s)', CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END, p.proname, pg_get_function_identity_arguments(p.oid))`;

/**
 * Who may need something. Triggers, keys and parts that PostgreSQL made as copies for partitions go with what they are copies of.
 * Columns that came later to the catalogs are read as JSON, so that older servers answer too.
 */
const USERS = `WITH users AS (
  SELECT 'pg_rewrite'::regclass AS classid, r.oid AS objid, 0 AS objsubid, CASE r.rulename WHEN '_RETURN' THEN 'view' ELSE 'policy' END AS "as",
    CASE r.rulename WHEN '_RETURN' THEN ${WORD} ELSE 'RULE' END AS word, ${NAMED} AS owner, NULL::text AS "column",
    CASE r.rulename WHEN '_RETURN' THEN NULL ELSE r.rulename::text END AS part, NULL::text AS called
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class ${RELATION}
  UNION ALL SELECT 'pg_trigger'::regclass, t.oid, 0, 'trigger', 'TRIGGER', ${NAMED}, NULL, t.tgname::text, NULL
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid ${RELATION} AND NOT t.tgisinternal AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
  UNION ALL SELECT 'pg_policy'::regclass, o.oid, 0, 'policy', 'POLICY', ${NAMED}, NULL, o.polname::text, NULL
  FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid ${RELATION}
  UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, 'key', 'foreign key', ${NAMED}, NULL, k.conname::text, NULL
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid ${RELATION} AND k.contype = 'f' AND k.conparentid = 0
  UNION ALL SELECT 'pg_attrdef'::regclass, x.oid, 0, 'default', CASE WHEN coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' THEN 'DEFAULT' ELSE 'GENERATED' END,
    ${NAMED}, a.attname::text, NULL, NULL
  FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum JOIN pg_class c ON c.oid = x.adrelid ${RELATION}
  UNION ALL SELECT 'pg_class'::regclass, c.oid, a.attnum, 'type', 'COLUMN', ${NAMED}, a.attname::text, NULL, NULL
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid ${RELATION} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'pg_class'::regclass, c.oid, 0, 'heir', ${WORD}, ${NAMED}, NULL, NULL, NULL
  FROM pg_class c ${RELATION} AND c.relkind IN ('r', 'f') AND NOT c.relispartition
  UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, 'function', ${ROUTINE}, format('%s.%s', n.nspname, p.proname), NULL, NULL, ${CALLED}
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} AND NOT ${brought('pg_proc', 'p.oid')})`;

/** What can be needed; rows of a table are needed as the table, arrays as what they are of, and of functions those without arguments are known by name. */
const NEEDED = `needed AS (
  SELECT 'pg_class'::regclass AS classid, c.oid AS objid, 'relation' AS kind, ${NAMED} AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS}
  UNION ALL SELECT 'pg_type'::regclass, y.oid, CASE e.typrelid WHEN 0 THEN 'type' ELSE CASE c.relkind WHEN 'c' THEN 'type' ELSE 'relation' END END, format('%s.%s', n.nspname, e.typname)
  FROM pg_type y JOIN pg_type e ON e.oid = CASE WHEN y.typcategory = 'A' AND y.typelem <> 0 THEN y.typelem ELSE y.oid END
    JOIN pg_namespace n ON n.oid = e.typnamespace LEFT JOIN pg_class c ON c.oid = e.typrelid WHERE ${OURS}
  UNION ALL SELECT 'pg_proc'::regclass, p.oid, 'function', format('%s.%s', n.nspname, p.proname)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} AND p.pronargs = 0)`;

/** A column is needed by itself, and with it its relation. An own key, and what belongs to what it needs, goes with that. */
const PAIRS = `SELECT u."as", u.word, u.owner, u."column", u.part, u.called,
    CASE way.whole WHEN true THEN x.kind ELSE 'column' END AS kind, x.name, CASE way.whole WHEN true THEN NULL ELSE a.attname::text END AS needs
  FROM users u JOIN pg_depend d ON d.classid = u.classid AND d.objid = u.objid AND d.objsubid = u.objsubid AND d.deptype = 'n'
    JOIN needed x ON x.classid = d.refclassid AND x.objid = d.refobjid CROSS JOIN (VALUES (true), (false)) way (whole)
    LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
  WHERE (way.whole OR a.attname IS NOT NULL) AND NOT (way.whole AND x.kind = 'relation' AND x.name = u.owner AND u."as" <> 'function')`;

/** What is in a schema, apart from what belongs to something else there. */
const CONTENTS = `SELECT 'content', ${WORD}, ${NAMED}, NULL, NULL, NULL, 'schema', n.nspname, NULL
  FROM pg_class c ${RELATION} AND n.nspname <> 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0 AND o.deptype IN ('a', 'i') AND o.refclassid = 'pg_class'::regclass)
  UNION SELECT 'content', CASE y.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, format('%s.%s', n.nspname, y.typname), NULL, NULL, NULL, 'schema', n.nspname, NULL
  FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE ${OURS} AND NOT ${brought('pg_type', 'y.oid')} AND n.nspname <> 'public' AND y.typtype IN ('d', 'e')
  UNION SELECT 'content', ${ROUTINE}, format('%s.%s', n.nspname, p.proname), NULL, NULL, ${CALLED}, 'schema', n.nspname, NULL
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} AND NOT ${brought('pg_proc', 'p.oid')} AND n.nspname <> 'public'`;

const INDEXES = `SELECT 'constraint', 'constraint', ${NAMED}, NULL, k.conname::text, NULL, 'index', format('%s.%s', n.nspname, i.relname), NULL
  FROM pg_constraint k JOIN pg_class i ON i.oid = k.conindid JOIN pg_class c ON c.oid = k.conrelid ${RELATION} AND k.contype IN ('u', 'p', 'x')`;
