import type pg from 'pg';
import type { Dependants, Made } from '../core/lint/dependant.ts';
import { plainName, type Schema, type Table } from '../core/lint/schema.ts';
import { VAGUE } from '../core/lint/there-alter.ts';
import { extensionKey, functionKey, roleKey, schemaKey, typeKey } from '../core/lint/there-others.ts';
import { brought, NAMED, OURS } from './catalog-sql.ts';

/** Notes all that the catalog has, schemas in the schema too, so that what is not among it is not there. */
export async function readThere(client: pg.Client, schema: Schema, dependants: Dependants): Promise<void> {
  const found: Found = { there: dependants.there, besides: new Set() };
  await readRelations(client, schema, found);
  await readTypes(client, schema, found);
  await readFunctions(client, found);
  for (const { name, kind } of await rowsOf<Other>(client, OTHERS)) {
    found.there.set(OTHER_KEYS[kind](name), { ...VAGUE, kind });
    if (kind === 'schema') schema.schemas.add(name);
  }
  dependants.besides = found.besides;
}

interface Found {
  readonly there: Map<string, Made>;
  readonly besides: Set<string>;
}

async function readRelations(client: pg.Client, { tables }: Schema, { there, besides }: Found): Promise<void> {
  const owners = partOwners(tables);
  for (const { name: full, kind, brought, valid, owner } of await rowsOf<Relation>(client, RELATIONS)) {
    const name = plainName(full);
    // What an extension brought along goes with it, and an index that is not valid is made again by whoever applies.
    if (brought || !valid) besides.add(name);
    else there.set(name, relationMade(kind, tables.get(name), owners.get(name) ?? plainName(owner ?? '')));
  }
  for (const { name: full, parts } of await rowsOf<Parts>(client, PARTS)) {
    const made = there.get(plainName(full));
    if (made !== undefined) there.set(plainName(full), { ...made, parts: new Set(parts) });
  }
}

async function readTypes(client: pg.Client, { enums }: Schema, { there, besides }: Found): Promise<void> {
  for (const { name: full, brought } of await rowsOf<Named>(client, TYPES)) {
    const name = plainName(full);
    const values = enums.get(name)?.values;
    if (brought) besides.add(typeKey(name));
    else there.set(typeKey(name), { ...VAGUE, kind: 'type', ...(values === undefined ? {} : { members: values, whole: true }) });
  }
  for (const { name } of await rowsOf<{ name: string }>(client, OWN_TYPES)) besides.add(typeKey(name));
}

async function readFunctions(client: pg.Client, { there, besides }: Found): Promise<void> {
  for (const { name, brought, signatures } of await rowsOf<Functions>(client, FUNCTIONS)) {
    const key = functionKey(plainName(name));
    if (brought) besides.add(key);
    else there.set(key, { ...VAGUE, kind: 'function', members: new Set(signatures), whole: true });
  }
}

interface Named {
  readonly name: string;
  /** By an extension. */
  readonly brought: boolean;
}
interface Relation extends Named {
  readonly kind: string;
  readonly valid: boolean;
  /** Of an index, its table. */
  readonly owner: string | null;
}
interface Functions extends Named {
  readonly signatures: readonly string[];
}
interface Parts {
  readonly name: string;
  readonly parts: readonly string[];
}
interface Other {
  readonly name: string;
  readonly kind: 'schema' | 'extension' | 'role';
}

async function rowsOf<T extends object>(client: pg.Client, sql: string): Promise<readonly T[]> {
  const { rows } = await client.query<T & pg.QueryResultRow>(sql);
  return rows;
}

const KINDS: Readonly<Record<string, Made['kind']>> = { v: 'view', m: 'view', i: 'index', I: 'index', S: 'sequence' };
const OTHER_KEYS = { schema: schemaKey, extension: extensionKey, role: roleKey } as const;

function relationMade(letter: string, table: Table | undefined, owner: string): Made {
  const kind = KINDS[letter] ?? 'table';
  // What a partition or an heir has changes with what it is a part of.
  if (kind !== 'table' || table === undefined || owner !== '' || table.parents.length > 0)
    return { ...VAGUE, kind, owner, partsWhole: kind === 'view' };
  const constraints = [...table.constraints.values()];
  return {
    kind,
    owner,
    members: new Set(table.columns.keys()),
    whole: true,
    constraints: new Set(constraints.map((one) => one.name)),
    given: [],
    key: constraints.some((one) => one.kind === 'primary'),
    parts: new Set(),
    partsWhole: true,
  };
}

/** By partition, what it is one of. */
function partOwners(tables: Schema['tables']): ReadonlyMap<string, string> {
  return new Map(
    [...tables.values()].flatMap(({ name, partitioned }) => [...(partitioned?.parts ?? [])].map((part) => [part, name] as const)),
  );
}

const RELATIONS = `SELECT ${NAMED} AS name, c.relkind AS kind, ${brought('pg_class', 'c.oid')} AS brought, coalesce(i.indisvalid, true) AS valid,
    (SELECT format('%s.%s', o.nspname, t.relname) FROM pg_class t JOIN pg_namespace o ON o.oid = t.relnamespace WHERE t.oid = i.indrelid) AS owner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE ${OURS} AND c.relkind NOT IN ('c', 't')`;

const TYPES = `SELECT format('%s.%s', n.nspname, t.typname) AS name, ${brought('pg_type', 't.oid')} AS brought
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE ${OURS} AND (t.typtype <> 'c' OR c.relkind = 'c') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`;
/** PostgreSQL's own are found by their bare names. */
const OWN_TYPES = `SELECT typname AS name FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype <> 'c'`;

/** With the types of each one's arguments, as statements write them. */
const FUNCTIONS = `SELECT format('%s.%s', n.nspname, p.proname) AS name, bool_or(${brought('pg_proc', 'p.oid')}) AS brought,
    array_agg((SELECT coalesce(string_agg(CASE WHEN tn.nspname IN ('pg_catalog', 'public') THEN '' ELSE tn.nspname || '.' END || e.typname || CASE e.oid WHEN t.oid THEN '' ELSE '[]' END, ', ' ORDER BY a.place), '')
      FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, place) JOIN pg_type t ON t.oid = a.type
        JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END JOIN pg_namespace tn ON tn.oid = e.typnamespace)) AS signatures
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} GROUP BY 1`;

/** Triggers that are copies of those of the whole go with these. */
const PARTS = `SELECT name, array_agg(part) AS parts FROM (
    SELECT ${NAMED} AS name, 'trigger ' || t.tgname AS part FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${OURS} AND NOT t.tgisinternal AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
    UNION ALL SELECT ${NAMED}, 'policy ' || o.polname FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS}
    UNION ALL SELECT ${NAMED}, 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS} AND r.rulename <> '_RETURN'
  ) of_relations GROUP BY name`;

const OTHERS = `SELECT nspname::text AS name, 'schema' AS kind FROM pg_namespace UNION ALL SELECT extname::text, 'extension' FROM pg_extension
  UNION ALL SELECT rolname::text, 'role' FROM pg_roles`;
