import type pg from 'pg';
import type { OldShape } from '../core/old-shape/shape.ts';
import type { Resolved } from '../core/old-shape/uses.ts';
import { ident } from '../server.ts';

/** An old shape in this database. */
export interface FoundShape extends Resolved {
  /** Unique name: `public.customers.name`. */
  readonly key: string;
  /** Of its table or itself; null for what is not in a table. */
  readonly oid: number | null;
  readonly attnum: number;
  /** Itself, and the partitions and heirs that lose it with it: what depends on one of them keeps it from going, too. */
  readonly goes: readonly Place[];
}

/** A relation in the catalog, and a column of it; 0 for all of it. */
export interface Place {
  readonly oid: number;
  readonly attnum: number;
}

/** Old shapes that are there, and those that are not. */
export interface FoundShapes {
  readonly found: readonly FoundShape[];
  readonly missing: readonly OldShape[];
}

const quoted = (path: readonly string[]): string => path.map(ident).join('.');

/** Looks up in the catalog what goes; what is only narrowed has no readers, and what is no table or column no rows. */
export async function findShapes(client: pg.Client, shapes: readonly OldShape[]): Promise<FoundShapes> {
  const found: FoundShape[] = [];
  const missing: OldShape[] = [];
  for (const shape of shapes) {
    const one = await findShape(client, shape);
    if (one === null) missing.push(shape);
    else if (!found.some(({ key }) => key === one.key)) found.push(one);
  }
  return { found, missing };
}

/** With what inherits from it: a query may name the partition instead of the table. */
const RELATION = `WITH RECURSIVE below AS (
    SELECT to_regclass($1)::oid AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON b.oid = i.inhparent)
  SELECT c.oid::int8::float8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.oid = to_regclass($1)::oid AS self, c.relispartition AS part,
    EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped AND NOT a.attislocal) AS inherited,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns,
    (SELECT a.attnum::int FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped) AS attnum,
    CASE WHEN (SELECT a.atthasdef OR a.attidentity <> '' FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped) THEN 'default'
      WHEN EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 7 = 7) THEN 'trigger' ELSE 'null' END AS otherwise
  FROM below b JOIN pg_class c ON c.oid = b.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY self DESC, schema, name`;

const NAMESAKES = `SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT c.oid::int8 = ANY ($2::int8[])`;

interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly self: boolean;
  readonly part: boolean;
  /** It has the column from another table alone. */
  readonly inherited: boolean;
  readonly columns: readonly string[];
  readonly attnum: number | null;
  readonly otherwise: FoundShape['otherwise'];
}

async function findShape(client: pg.Client, shape: OldShape): Promise<FoundShape | null> {
  const nothing = {
    shape,
    key: shape.told,
    oid: null,
    attnum: 0,
    goes: [],
    relations: [],
    columns: [],
    namesakes: [],
    otherwise: 'null',
  } as const;
  if (shape.kind !== 'column' && shape.kind !== 'relation') return nothing;
  const { rows } = await client.query<RelationRow>(RELATION, [quoted(shape.path), shape.column ?? '']);
  const [self] = rows;
  if (self === undefined || (shape.kind === 'column' && self.attnum === null)) return null;
  const name = `${self.schema}.${self.name}`;
  const relations = rows.map((one) => [one.schema, one.name] as const);
  const goes = rows.flatMap((row) => placeOf(shape, row) ?? []);
  if (shape.kind === 'relation') return { ...nothing, key: name, oid: self.oid, goes, relations, columns: self.columns };
  const oids = rows.map(({ oid }) => oid);
  const { rows: others } = await client.query<{ schema: string; name: string }>(NAMESAKES, [shape.column, oids]);
  const namesakes = others.map((one) => [one.schema, one.name] as const);
  const key = `${name}.${shape.column ?? ''}`;
  const { oid, attnum, columns, otherwise } = self;
  return { shape, key, oid, attnum: attnum ?? 0, goes, relations, columns, namesakes, otherwise };
}

/** Where a relation loses the shape with the table it belongs to; null where it keeps it. Heirs of a table stay when that is dropped. */
function placeOf({ kind }: OldShape, { oid, attnum, self, part, inherited }: RelationRow): Place | null {
  if (kind === 'relation') return self || part ? { oid, attnum: 0 } : null;
  return attnum !== null && (self || part || inherited) ? { oid, attnum } : null;
}
