import { child, children, textOf } from '../tree.ts';
import { fillLaterFix, newColumnFix, notNullFix, notValidFix, ownText, quoted, sql } from './fixes.ts';
import { writtenColumn, writtenConstraint, type WrittenColumn } from './source-text.ts';
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

/** The constraint in its own words, NOT VALID, under a name by which it can be validated. */
export function constraintFix(impact: Impact, { placed }: Context): string | undefined {
  const table = tableOf(impact);
  const text = writtenConstraint(placed, impact.action.node);
  if (text === null) return undefined;
  const given = impact.action.detail?.constraint ?? '';
  const name = given === '' ? `${table.split('.').at(-1) ?? table}_${[...columnsOf(impact), 'check'].join('_')}` : given;
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
