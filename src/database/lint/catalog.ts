import type pg from 'pg';
import { withClient } from '../access.ts';
import { comparisonsOfText } from '../core/lint/comparisons.ts';
import { addPart } from '../core/lint/schema-alter.ts';
import { emptySchema, plainName, type Column, type Constraint, type Schema } from '../core/lint/schema.ts';
import { isUtc } from '../core/lint/settings.ts';
import { typeOfText } from '../core/lint/type-change.ts';
import type { TableSize } from '../core/lint/types.ts';
import type { DatabaseAccess } from '../ports.ts';
import { readNeeded } from './catalog-needed.ts';
import { NAMED, OURS } from './catalog-sql.ts';
import { readThere } from './catalog-there.ts';

/** What a database tells a linter: its version, how large its tables are, what is in it. */
export interface Catalog {
  /** Major version of the server. */
  readonly version: number;
  readonly minor: number;
  /** Is its TimeZone UTC? */
  readonly utc: boolean;
  readonly sizes: ReadonlyMap<string, TableSize>;
  readonly schema: Schema;
  /** The schemas in which it looks for a name without one. */
  readonly path: readonly string[];
}

/**
 * Reads the catalog in a read-only transaction; no table of the user is touched.
 * @throws SlipwayError `database_unreachable`, `database_refused`
 */
export async function readCatalog(access: DatabaseAccess): Promise<Catalog> {
  return withClient(access, 'linting', async (client) => {
    await client.query('BEGIN READ ONLY');
    const { rows } = await client.query<{ version: number; minor: number; zone: string; path: string[] }>(
      `SELECT current_schemas(false)::text[] AS path, current_setting('server_version_num')::int / 10000 AS version, current_setting('server_version_num')::int % 10000 AS minor, current_setting('TimeZone') AS zone`,
    );
    const schema = emptySchema();
    const sizes = await readTables(client, schema);
    await readColumns(client, schema);
    await readConstraints(client, schema);
    await readIndexes(client, schema);
    await readOthers(client, schema);
    const { version = 0, minor = 0, zone = '', path = [] } = rows[0] ?? {};
    const dependants = await readNeeded(client);
    await readThere(client, schema, dependants);
    return { version, minor, utc: isUtc(zone), sizes, schema: { ...schema, dependants }, path };
  });
}

async function readTables(client: pg.Client, schema: Schema): Promise<ReadonlyMap<string, TableSize>> {
  const { rows } = await client.query<{ name: string; kind: string; rows: number; bytes: string }>(
    `SELECT ${NAMED} AS name, c.relkind AS kind, greatest(c.reltuples, 0)::float8 AS rows, pg_table_size(c.oid)::text AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS} AND c.relkind IN ('r', 'p', 'm')`,
  );
  const sizes = new Map<string, TableSize>();
  for (const { name: full, kind, rows: count, bytes } of rows) {
    const name = plainName(full);
    // A partitioned table has no file of its own; its parts say how large they are.
    if (kind !== 'p') sizes.set(name, { rows: count, bytes: Number(bytes) });
    if (kind === 'm') continue;
    schema.tables.set(name, {
      name,
      file: null,
      transaction: null,
      columns: new Map(),
      constraints: new Map(),
      whole: true,
      partitioned: kind === 'p' ? { columns: [], parts: new Set(), rest: null } : null,
      temporary: false,
      parents: [],
      emptied: null,
    });
  }
  await readPartitions(client, schema);
  return sizes;
}

async function readPartitions(client: pg.Client, schema: Schema): Promise<void> {
  const { rows } = await client.query<{ parent: string; name: string; rest: boolean; columns: string[] }>(
    `SELECT format('%s.%s', pn.nspname, p.relname) AS parent, ${NAMED} AS name,
       pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' AS rest,
       array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = p.oid AND a.attnum = ANY (t.partattrs::int2[])
             AND 0 <> ALL (t.partattrs::int2[])) AS columns
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
       JOIN pg_partitioned_table t ON t.partrelid = p.oid WHERE ${OURS} AND c.relispartition`,
  );
  const inherits = await client.query<{ parent: string; name: string }>(
    `SELECT format('%s.%s', pn.nspname, p.relname) AS parent, ${NAMED} AS name
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
     WHERE ${OURS} AND NOT c.relispartition AND c.relkind = 'r'`,
  );
  for (const { parent, name } of inherits.rows) {
    const table = schema.tables.get(plainName(name));
    if (table !== undefined) schema.tables.set(table.name, { ...table, parents: [...table.parents, plainName(parent)] });
  }
  for (const { parent: full, name, rest, columns } of rows) {
    const parent = plainName(full);
    addPart(schema, parent, { name: plainName(name), rest });
    const table = schema.tables.get(parent);
    if (table?.partitioned !== undefined && table.partitioned !== null)
      schema.tables.set(parent, { ...table, partitioned: { ...table.partitioned, columns } });
  }
}

async function readColumns(client: pg.Client, schema: Schema): Promise<void> {
  const { rows } = await client.query<{
    name: string;
    column: string;
    type: string;
    present: boolean;
    unfilled: boolean;
    virtual: boolean;
  }>(
    `SELECT ${NAMED} AS name, coalesce(to_jsonb(a) ->> 'attgenerated' = 'v', false) AS virtual, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS present,
       NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL AS unfilled
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${OURS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`,
  );
  for (const { name, column, type, present, unfilled, virtual } of rows) {
    const known: Column = { name: column, type: typeOfText(type), notNull: present, file: null, unfilled, ...(virtual ? { virtual } : {}) };
    schema.tables.get(plainName(name))?.columns.set(column, known);
  }
}

const KINDS: Readonly<Record<string, Constraint['kind']>> = {
  c: 'check',
  f: 'foreign',
  u: 'unique',
  p: 'primary',
  x: 'exclude',
  n: 'not-null',
};

async function readConstraints(client: pg.Client, schema: Schema): Promise<void> {
  const { rows } = await client.query<{
    name: string;
    constraint: string;
    kind: string;
    valid: boolean;
    columns: string[];
    referenced: string | null;
    keys: string[] | null;
    definition: string;
  }>(
    `SELECT ${NAMED} AS name, k.conname AS constraint, k.contype AS kind, k.convalidated AS valid, pg_get_constraintdef(k.oid) AS definition,
       array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns,
       array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)) AS keys,
       (SELECT format('%s.%s', rn.nspname, r.relname) FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = k.confrelid) AS referenced
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS}`,
  );
  for (const { name, constraint, kind: letter, valid, columns, referenced, keys, definition } of rows) {
    const kind = KINDS[letter];
    if (kind === undefined) continue;
    // The catalog prints it in one way; columns joined by OR promise nothing.
    const tested = kind === 'check' && !/\bOR\b/.test(definition) ? columns.filter((one) => promises(definition, one)) : [];
    schema.tables.get(plainName(name))?.constraints.set(constraint, {
      name: constraint,
      kind,
      columns,
      valid,
      referenced: referenced === null ? null : plainName(referenced),
      keys: keys ?? [],
      present: kind === 'not-null' ? columns : tested,
      compares: kind === 'check' ? comparisonsOfText(definition) : [],
      file: null,
      transaction: null,
    });
  }
}

/** Does a CHECK, as the catalog prints it, say that this column is not NULL? Only as a whole, or joined by AND. */
function promises(definition: string, column: string): boolean {
  const inner = definition.replace(/^CHECK \(/, '').replace(/\)(?: NOT VALID| NO INHERIT)*$/, '');
  const tests = inner.replaceAll(/[()]/g, '').split(' AND ');
  return tests.some((one) => one === `${column} IS NOT NULL` || one === `"${column.replaceAll('"', '""')}" IS NOT NULL`);
}

async function readIndexes(client: pg.Client, schema: Schema): Promise<void> {
  const { rows } = await client.query<{
    name: string;
    table: string;
    unique: boolean;
    partial: boolean;
    columns: string[];
    mentions: string[];
  }>(
    `SELECT ${NAMED} AS name, i.indisunique AS unique, i.indpred IS NOT NULL AS partial,
       (SELECT format('%s.%s', tn.nspname, t.relname) FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE t.oid = i.indrelid) AS table,
       array(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY place) AS columns,
       array(SELECT DISTINCT a.attname::text FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0) AS mentions
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS} AND i.indisvalid`,
  );
  for (const { name: full, table, unique, partial, columns, mentions } of rows) {
    const name = plainName(full);
    schema.indexes.set(name, {
      name,
      table: plainName(table),
      columns,
      mentions: [...new Set([...columns, ...mentions])],
      unique,
      partial,
      concurrent: false,
      file: null,
    });
  }
}

async function readOthers(client: pg.Client, schema: Schema): Promise<void> {
  const views = await client.query<{ name: string; reads: string[]; columns: string[] }>(
    `SELECT ${NAMED} AS name, array_agg(DISTINCT format('%s.%s', rn.nspname, r.relname)) AS reads,
       coalesce(array_agg(DISTINCT format('%s.%s.%s', rn.nspname, r.relname, a.attname)) FILTER (WHERE a.attname IS NOT NULL), '{}') AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_rewrite w ON w.ev_class = c.oid
     JOIN pg_depend d ON d.objid = w.oid AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
     JOIN pg_class r ON r.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = r.relnamespace
     LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
     WHERE ${OURS} AND c.relkind IN ('v', 'm') GROUP BY 1`,
  );
  for (const { name, reads, columns } of views.rows)
    schema.views.set(plainName(name), {
      file: null,
      reads: reads.map(plainName),
      columns: new Set(columns.map(plainName)),
      mentions: null,
    });
  const domains = await client.query<{ name: string; type: string; checked: boolean }>(
    `SELECT format('%s.%s', n.nspname, t.typname) AS name, format_type(t.typbasetype, t.typtypmod) AS type,
       t.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid) AS checked
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${OURS} AND t.typtype = 'd'`,
  );
  for (const { name, type, checked } of domains.rows) schema.domains.set(plainName(name), { file: null, checked, type: typeOfText(type) });
  const enums = await client.query<{ name: string; values: string[] }>(
    `SELECT format('%s.%s', n.nspname, t.typname) AS name,
       array(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid) AS values FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${OURS} AND t.typtype = 'e'`,
  );
  for (const { name, values } of enums.rows)
    schema.enums.set(plainName(name), { file: null, transaction: null, values: new Set(values), added: new Map() });
  const functions = await client.query<{ name: string; stable: boolean }>(
    `SELECT format('%s.%s', n.nspname, p.proname) AS name, bool_and(p.provolatile <> 'v') AS stable
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OURS} GROUP BY 1`,
  );
  for (const { name, stable } of functions.rows) schema.functions.set(plainName(name), { file: null, stable, ...UNREAD });
}

/** What the catalog is not asked for. */
const UNREAD = { body: [], ends: [], procedure: false, bound: false, readAtOnce: false, hidden: false } as const;
