import { child, children, textOf } from '../tree.ts';
import { fillLaterFix, newColumnFix, notNullFix, notValidFix, ownText, quoted, sql } from './fixes.ts';
import { writtenColumn, writtenConstraint, type WrittenColumn } from './source-text.ts';
import type { Schema } from './schema.ts';
import type { Context, Impact } from './types.ts';

/** What to write instead of a statement that locks others out, with its own words where they are known. */
export const tableOf = ({ action: { roles } }: Impact): string =>
  roles['target'] ?? roles['parent'] ?? roles['a_view'] ?? roles['an_index'] ?? '';
export const columnOf = ({ action: { detail } }: Impact): string => detail?.column ?? 'column';
export const columnsOf = ({ action: { detail } }: Impact): readonly string[] => detail?.columns ?? [];

/** Only where the text is not to be had. */
const UNKNOWN: WrittenColumn = { type: 'text', clauses: {} };

function written(impact: Impact, { placed }: Context): WrittenColumn {
  return writtenColumn(placed, columnOf(impact)) ?? UNKNOWN;
}

export function fillColumn(impact: Impact, context: Context): string {
  const { type, clauses } = written(impact, context);
  return fillLaterFix(tableOf(impact), columnOf(impact), type, (clauses['CONSTR_DEFAULT'] ?? '').replace(/^DEFAULT\s+/i, '') || 'NULL');
}

export function generatedFix(impact: Impact, context: Context): string {
  const [table, column] = [tableOf(impact), columnOf(impact)];
  const { type, clauses } = written(impact, context);
  const expression = /\bAS\s*\(([\s\S]*)\)\s*STORED/i.exec(clauses['CONSTR_GENERATED'] ?? '')?.[1] ?? 'NULL';
  if (context.options.version >= 18)
    return sql(
      '-- PostgreSQL 18 computes it when it is read, without a rewrite:',
      `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type} GENERATED ALWAYS AS (${expression}) VIRTUAL`,
    );
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type}`,
    '-- a trigger before INSERT and UPDATE computes it for new rows; then fill old rows in batches (slipway db backfill):',
    `UPDATE ${quoted(table)} SET ${quoted(column)} = ${expression} WHERE ${quoted(column)} IS NULL AND id > $1 AND id <= $2`,
  );
}

/** NOT NULL later, as a constraint that is validated while others read and write. */
export function virtualFix(impact: Impact, context: Context): string {
  const [table, column] = [tableOf(impact), columnOf(impact)];
  const { type, clauses } = written(impact, context);
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type} ${clauses['CONSTR_GENERATED'] ?? 'GENERATED ALWAYS AS (NULL) VIRTUAL'}`,
    notNullFix(table, column, context.options.version),
  );
}

const SERIALS: Readonly<Record<string, string>> = { smallserial: 'smallint', serial2: 'smallint', serial: 'integer', serial4: 'integer' };

export function serialFix(impact: Impact, context: Context): string {
  const [table, column] = [tableOf(impact), columnOf(impact)];
  const { type } = written(impact, context);
  const sequence = `${table.split('.').at(-1) ?? table}_${column}_seq`;
  const plain = /serial/i.test(type) ? (SERIALS[type.toLowerCase()] ?? 'bigint') : type;
  return sql(`CREATE SEQUENCE ${quoted(sequence)}`, fillLaterFix(table, column, plain, `nextval('${quoted(sequence)}')`));
}

export function columnCheckFix(impact: Impact, context: Context): string {
  const [table, column] = [tableOf(impact), columnOf(impact)];
  const { type, clauses } = written(impact, context);
  const check = /\bCHECK\s*\([\s\S]*$/i.exec(clauses['CONSTR_CHECK'] ?? '')?.[0] ?? 'CHECK (true)';
  const filled = clauses['CONSTR_DEFAULT'] ?? '';
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type}${filled === '' ? '' : ` ${filled}`}`,
    notValidFix(table, `${table.split('.').at(-1) ?? table}_${column}_check`, check),
  );
}

export function foreignColumnFix(impact: Impact, context: Context): string {
  const [table, column] = [tableOf(impact), columnOf(impact)];
  const { type, clauses } = written(impact, context);
  const references =
    /\bREFERENCES\b[\s\S]*$/i.exec(clauses['CONSTR_FOREIGN'] ?? '')?.[0] ?? `REFERENCES ${quoted(impact.action.roles['referenced'] ?? '')}`;
  const filled = clauses['CONSTR_DEFAULT'] ?? '';
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type}${filled === '' ? '' : ` ${filled}`}`,
    notValidFix(table, `${table.split('.').at(-1) ?? table}_${column}_fkey`, `FOREIGN KEY (${quoted(column)}) ${references}`),
  );
}

const NOT_VALID_WITH_PARTITIONS = 18;
const isPartitioned = (schema: Schema, table: string): boolean => (schema.tables.get(table)?.partitioned ?? null) !== null;

/** The constraint in its own words, NOT VALID, under a name by which it can be validated. */
export function constraintFix(impact: Impact, { placed, schema, options }: Context): string | undefined {
  const table = tableOf(impact);
  if (impact.action.form === 'add foreign key' && options.version < NOT_VALID_WITH_PARTITIONS && isPartitioned(schema, table))
    return sql(
      `-- PostgreSQL ${options.version} has no NOT VALID for a foreign key of a partitioned table: add it so to each partition, validate`,
      '-- it there, each in a migration of its own, and then to the whole, which takes over what they have:',
      ownText(placed.statement),
    );
  const text = writtenConstraint(placed, impact.action.node);
  if (text === null) return undefined;
  const given = impact.action.detail?.constraint ?? '';
  const suffix = impact.action.form === 'add foreign key' ? 'fkey' : 'check';
  const name = given === '' ? `${table.split('.').at(-1) ?? table}_${[...columnsOf(impact), suffix].join('_')}` : given;
  return notValidFix(table, name, text.replace(/^CONSTRAINT\s+(?:"(?:[^"]|"")*"|[^\s"]+)\s+/i, ''));
}

export function notNullConstraintFix(impact: Impact, { options }: Context): string {
  return notNullFix(tableOf(impact), columnsOf(impact)[0] ?? 'column', options.version);
}

export function typeFix(impact: Impact): string {
  return newColumnFix(tableOf(impact), columnOf(impact), impact.action.detail?.type?.to ?? 'text');
}

export function attachFix({ action: { roles } }: Impact, { statement }: Context): string {
  const part = quoted(roles['partition'] ?? 'partition');
  return sql(
    `-- first a CHECK that says what the bounds say, and that the key is NOT NULL:`,
    `-- ALTER TABLE ${part} ADD CONSTRAINT bounds CHECK (...) NOT VALID;`,
    `-- ALTER TABLE ${part} VALIDATE CONSTRAINT bounds;`,
    '-- then, in a later migration:',
    ownText(statement),
    `-- ALTER TABLE ${part} DROP CONSTRAINT bounds;`,
  );
}

/** For a table with partitions, an index is built on each of them, and the whole only takes them over. */
export function partitionedIndexFix(impact: Impact, { statement }: Context): string {
  const table = impact.action.roles['parent'] ?? '';
  const only = ownText(statement).replace(/\bON\s+(?:ONLY\s+)?/i, 'ON ONLY ');
  return sql(
    only,
    '-- then for each partition, in files of their own, outside a transaction:',
    `-- CREATE INDEX CONCURRENTLY part_index ON a_partition (...) of ${quoted(table)};`,
    '-- ALTER INDEX the_index ATTACH PARTITION part_index;',
  );
}

export function dropPartitionFix({ action: { roles } }: Impact, { statement, options }: Context): string {
  const [parent, part] = [quoted(roles['parent'] ?? ''), quoted(roles['partition'] ?? '')];
  return options.version >= 14
    ? sql(
        '-- in a file of its own, outside a transaction:',
        `ALTER TABLE ${parent} DETACH PARTITION ${part} CONCURRENTLY`,
        ownText(statement),
      )
    : sql(`SET lock_timeout = '1s'`, '-- and try again when it is reached:', ownText(statement));
}

export function defaultPartitionFix({ action: { roles } }: Impact, { statement }: Context): string {
  const rest = quoted(roles['default_partition'] ?? '');
  return sql(
    '-- first a CHECK by which the default partition holds no row of the new bounds:',
    `-- ALTER TABLE ${rest} ADD CONSTRAINT outside CHECK (NOT (...)) NOT VALID;`,
    `-- ALTER TABLE ${rest} VALIDATE CONSTRAINT outside;`,
    '-- then, in a later migration:',
    ownText(statement),
    `-- ALTER TABLE ${rest} DROP CONSTRAINT outside;`,
  );
}

export function detachFix(_: Impact, { statement, options }: Context): string | undefined {
  return options.version >= 14 ? sql('-- in a file of its own, outside a transaction:', `${ownText(statement)} CONCURRENTLY`) : undefined;
}

export function partitionFix({ action: { node } }: Impact, { statement }: Context): string {
  const name = quoted(textOf(child(node, 'relation'), 'relname'));
  const parent = quoted(textOf(child(children(node, 'inhRelations')[0] ?? {}, 'RangeVar'), 'relname'));
  const bounds = /\b(?:FOR\s+VALUES\b[\s\S]*|DEFAULT)\s*$/i.exec(ownText(statement))?.[0] ?? 'DEFAULT';
  return sql(`CREATE TABLE ${name} (LIKE ${parent} INCLUDING ALL)`, `ALTER TABLE ${parent} ATTACH PARTITION ${name} ${bounds}`);
}

export function domainFix(impact: Impact, { statement }: Context): string {
  return sql(
    `${ownText(statement)} NOT VALID`,
    '-- in a later migration and a quiet hour, for it keeps writers waiting, validate it:',
    `-- ALTER DOMAIN ${quoted(impact.action.detail?.constraint ?? '')} VALIDATE CONSTRAINT ...`,
  );
}
