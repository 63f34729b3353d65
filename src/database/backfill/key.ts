import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import { quoteName, type KeyColumn, type Walk } from '../core/backfill/sql.ts';

interface Index {
  readonly name: string;
  readonly primary: boolean;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly usable: boolean;
  /** Its columns of which PostgreSQL prints fewer digits than they have, in this database. */
  readonly shortened: readonly string[];
}

const PARTS = 'SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)';

/**
 * The table and the unique index along which it can be walked: valid, complete, ascending, over columns that are never null.
 * @throws SlipwayError `config_invalid` when the table is not there, is no table, or has no such index, `database_refused` when
 * row security hides a part of it
 */
export async function findWalk(client: pg.Client, table: string, wanted: readonly string[] | null): Promise<Walk> {
  const { rows: found } = await client.query<{
    schema: string | null;
    name: string;
    kind: string;
    oid: number;
    secured: boolean;
    inherited: boolean;
    guarded: boolean;
    types: readonly (readonly [name: string, type: string])[] | null;
  }>(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.oid::int8::float8 AS oid, row_security_active(c.oid) AS secured,
       c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = c.oid) AS inherited,
       EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid IN (${PARTS}) AND tgtype & 3 = 3) OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class IN (${PARTS})) AS guarded,
       (SELECT array_agg(ARRAY[attname::text, format_type(atttypid, atttypmod)]) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS types
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [table],
  );
  const [relation] = found;
  if (relation === undefined)
    throw refuse(`There is no table ${table}`, 'Name it as SQL does, with its schema where it is not in the search path.');
  if (relation.kind !== 'r' && relation.kind !== 'p') throw refuse(`${table} is not a table`, 'A backfill changes the rows of a table.');
  if (relation.inherited)
    throw refuse(
      `${table} has tables that inherit from it, in which its key is not unique`,
      'Fill them and their parent one by one, without inheritance, or partition the table.',
    );
  if (relation.secured)
    throw new SlipwayError(
      'database_refused',
      `Row security hides rows of ${table} from this user, so nobody could say that none is left`,
      {
        hint: 'Give database.url a user that sees all rows: one with BYPASSRLS, or the owner of the table unless it is forced.',
      },
    );
  const indexes = await uniqueIndexes(client, relation.oid);
  const chosen = wanted === null ? indexes.find((one) => one.primary) : indexes.find((one) => sameColumns(one.columns, wanted));
  if (chosen === undefined || !chosen.usable) throw refuse(whyNoKey(table, wanted, chosen), hintFor(indexes));
  const [shortened] = chosen.shortened;
  if (shortened !== undefined)
    throw refuse(
      `The key ${shortened} of ${table} is printed here with fewer digits than it has (extra_float_digits), so no batch could end exactly at a row`,
      'Take the setting back (ALTER DATABASE ... RESET extra_float_digits), or walk along another unique index (`key`).',
    );
  const key = chosen.columns.map((name, index): KeyColumn => ({ name, type: chosen.types[index] ?? 'text' }));
  return {
    table: `${quoteName(relation.schema ?? 'public')}.${quoteName(relation.name)}`,
    key,
    guarded: relation.guarded,
    types: new Map(relation.types ?? []),
  };
}

async function uniqueIndexes(client: pg.Client, table: number): Promise<readonly Index[]> {
  const { rows } = await client.query<Index>(
    `SELECT ic.relname AS name, i.indisprimary AS primary, array_agg(a.attname::text ORDER BY k.place) AS columns,
       array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY k.place) AS types,
       bool_and(a.attnotnull AND i.indoption[k.place - 1] = 0 AND i.indcollation[k.place - 1] = a.attcollation
           AND EXISTS (SELECT FROM pg_opclass d WHERE d.opcfamily = oc.opcfamily AND d.opcintype = oc.opcintype AND d.opcdefault))
         AND i.indisvalid AND i.indimmediate AS usable,
       coalesce(array_agg(a.attname::text ORDER BY k.place) FILTER (
         WHERE current_setting('extra_float_digits')::int < 1 AND coalesce(b.typname, t.typname) ~ '^_?float[48]$'), '{}') AS shortened
     FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
       CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
       JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype JOIN pg_opclass oc ON oc.oid = i.indclass[k.place - 1]
     WHERE i.indrelid = $1 AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY ic.relname, i.indisprimary, i.indisvalid, i.indimmediate, i.indnkeyatts ORDER BY i.indisprimary DESC, ic.relname`,
    [table],
  );
  return rows;
}

const sameColumns = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name, index) => name === other[index]);

function whyNoKey(table: string, wanted: readonly string[] | null, chosen: Index | undefined): string {
  if (chosen !== undefined)
    return `The index ${chosen.name} of ${table} cannot be walked: it is invalid, deferrable or descending, has an operator class or collation of its own, or a column may be null`;
  return wanted === null ? `${table} has no primary key to walk along` : `${table} has no unique index over exactly ${wanted.join(', ')}`;
}

function hintFor(indexes: readonly Index[]): string {
  const usable = indexes.filter((one) => one.usable).map((one) => one.columns.join(', '));
  return usable.length === 0
    ? 'A backfill needs a unique index over columns that are never null (CREATE UNIQUE INDEX CONCURRENTLY ...).'
    : `Usable as \`key\`: ${usable.join('; ')}.`;
}

const refuse = (message: string, hint: string): SlipwayError => new SlipwayError('config_invalid', message, { hint });
