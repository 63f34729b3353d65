import { indexKeptByNull, keptByNull } from '../empty-columns.ts';
import type { StatementEffect } from '../rollback-class.ts';
import { child, children, droppedNames, findAll, isSet, nameParts, relationName, textOf, truncatedNames } from '../tree.ts';
import type { Statement } from '../types.ts';
import { checksIn, expressionOf, indexParts } from './slices.ts';
import { addedLosses, type Filled } from './added-losses.ts';
import { deleteLosses, type Deleted } from './delete-losses.ts';
import { quoted, relation } from './names.ts';
import { newPartition, partitionLoss, type NewPartition } from './partition-losses.ts';
import type { TypeChange } from './type-loss.ts';

/** Rows that a statement loses or that stand in its way; `sql` counts them (one row, column `rows`), null where no query can. */
export interface Loss {
  readonly line: number;
  readonly kind: 'lost' | 'refused';
  readonly what: string;
  readonly sql: string | null;
  /** What the catalog must be asked before a query can be made; absent where there is nothing to ask. */
  readonly find?: Find;
  /** There is nothing to count unless all of this is so: `IF EXISTS`, `IF NOT EXISTS`. */
  readonly only?: readonly Only[];
}

/** A table, or a column of it, that must be there, or must not. */
export interface Only {
  readonly table: string;
  readonly column: string | null;
  readonly there: boolean;
}

/** Of a type change the present type, of a constraint to be validated what it says, of a domain the columns that are of it. */
export type Find =
  | ({ readonly kind: 'type' } & TypeChange)
  | { readonly kind: 'constraint'; readonly table: string; readonly constraint: string }
  | ({ readonly kind: 'partition' } & NewPartition)
  /** The primary key of the other table is meant. */
  | { readonly kind: 'key'; readonly table: string; readonly own: readonly string[]; readonly other: string }
  /** `expression`: null for NOT NULL. */
  | { readonly kind: 'domain'; readonly domain: string; readonly expression: string | null }
  | { readonly kind: 'referenced'; readonly deleted: Deleted }
  | ({ readonly kind: 'filled' } & Filled);

type Node = Statement['node'];

/**
 * What there is to count before a file is applied: values that go, rows that a new rule refuses. Of tables made in the file nothing is lost, and of its columns nothing before they are filled.
 * @param before what is pending before the file
 */
export function lossesOf(effects: readonly StatementEffect[], before: readonly Statement[] = []): readonly Loss[] {
  return effects.flatMap(({ statement, onFresh, empty }, index): readonly Loss[] => {
    const { kind, node, line } = statement;
    const table = relationName(child(node, 'relation'));
    if (onFresh) return [];
    if (kind === 'AlterTableStmt') return alterLosses(statement, table, empty);
    if (kind === 'AlterDomainStmt') return domainLosses(statement);
    if (kind === 'CreateStmt') return madeLosses(statement);
    if (kind === 'DropStmt') return dropLosses(node, line);
    if (kind === 'DeleteStmt') return deleteLosses(statement, [...before, ...effects.slice(0, index).map((one) => one.statement)]);
    if (kind === 'TruncateStmt') return truncatedNames(node).map((one) => allRows(one, line, 'TRUNCATE deletes the rows of'));
    const counted = kind === 'IndexStmt' && isSet(node, 'unique') && !indexKeptByNull(node, table, empty);
    return counted ? uniqueIndexLoss(statement, table) : [];
  });
}

function alterLosses(statement: Statement, table: string, empty: ReadonlySet<string>): readonly Loss[] {
  const { node } = statement;
  return children(node, 'cmds').flatMap((entry): readonly Loss[] => {
    const command = child(entry, 'AlterTableCmd');
    const wholes = isSet(node, 'missing_ok') ? [{ table, column: null, there: true }] : [];
    const adds = textOf(command, 'subtype') === 'AT_AddColumn';
    const column = adds ? textOf(child(child(command, 'def'), 'ColumnDef'), 'colname') : textOf(command, 'name');
    const only = [...wholes, ...(isSet(command, 'missing_ok') ? [{ table, column, there: !adds }] : [])];
    const losses = commandLosses(command, { statement, table, empty });
    return only.length === 0 ? losses : losses.map((loss) => ({ ...loss, only }));
  });
}

function madeLosses({ node, line }: Statement): readonly Loss[] {
  const [parent] = children(node, 'inhRelations').map((one) => child(one, 'RangeVar'));
  if (node['partbound'] === undefined || parent === undefined) return [];
  const made = newPartition(child(node, 'partbound'), parent, null);
  return made === null ? [] : [partitionLoss(made, line)];
}

function attachedLosses(command: Node, { node, line }: Statement): readonly Loss[] {
  const partition = child(child(command, 'def'), 'PartitionCmd');
  const made = newPartition(child(partition, 'bound'), child(node, 'relation'), relationName(child(partition, 'name')));
  return made === null ? [] : [partitionLoss(made, line)];
}

interface Altering {
  readonly statement: Statement;
  readonly table: string;
  readonly empty: ReadonlySet<string>;
}

function commandLosses(command: Node, { statement, table, empty }: Altering): readonly Loss[] {
  const { line } = statement;
  const column = textOf(command, 'name');
  switch (textOf(command, 'subtype')) {
    case 'AT_DropColumn': {
      const sql = `SELECT count(${quoted(column)})::float8 AS rows FROM ${relation(table)}`;
      return [{ line, kind: 'lost', what: `values of ${table}.${column}`, sql }];
    }
    case 'AT_AddColumn':
      return addedLosses(child(child(command, 'def'), 'ColumnDef'), table, statement);
    case 'AT_AttachPartition':
      return attachedLosses(command, statement);
    case 'AT_SetNotNull':
      return [nullLoss(table, column, line)];
    case 'AT_ValidateConstraint':
      return [{ ...uncounted(`rows of ${table} that break ${column}`, line), find: { kind: 'constraint', table, constraint: column } }];
    case 'AT_AddConstraint':
      return constraintLosses(child(child(command, 'def'), 'Constraint'), { statement, table, empty });
    case 'AT_AlterColumnType':
      return [typeLoss(child(child(command, 'def'), 'ColumnDef'), { table, column, line })];
    default:
      return [];
  }
}

function nullLoss(table: string, column: string, line: number): Loss {
  const sql = `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE ${quoted(column)} IS NULL`;
  return { line, kind: 'refused', what: `rows of ${table} where ${column} is null`, sql };
}

const uncounted = (what: string, line: number): Loss => ({ line, kind: 'refused', what, sql: null });

function constraintLosses(constraint: Node, { statement, table, empty }: Altering): readonly Loss[] {
  const { line } = statement;
  // NOT VALID looks at no row that is there.
  if (isSet(constraint, 'skip_validation') || keptByNull(constraint, table, empty)) return [];
  const keys = nameParts(children(constraint, 'keys'));
  switch (textOf(constraint, 'contype')) {
    case 'CONSTR_UNIQUE':
      return keys.length === 0 ? [] : uniqueLoss(table, { columns: keys, node: constraint }, line);
    case 'CONSTR_PRIMARY':
      if (keys.length === 0) return [];
      return [...uniqueLoss(table, { columns: keys, node: constraint }, line), ...keys.map((key) => nullLoss(table, key, line))];
    case 'CONSTR_FOREIGN':
      return [foreignLoss(constraint, table, line)];
    case 'CONSTR_CHECK':
      return [checkLoss(constraint, table, statement)];
    case 'CONSTR_EXCLUSION':
      return [uncounted(`rows of ${table} that break the new constraint`, line)];
    default:
      return [];
  }
}

function uniqueLoss(
  table: string,
  { columns, node }: { readonly columns: readonly string[]; readonly node: Node },
  line: number,
): readonly Loss[] {
  if (columns.length === 0) return [uncounted(`rows of ${table} that the index takes for the same`, line)];
  const list = columns.map(quoted).join(', ');
  const present = isSet(node, 'nulls_not_distinct') ? 'true' : columns.map((name) => `${quoted(name)} IS NOT NULL`).join(' AND ');
  const sql = `SELECT coalesce(sum(n), 0)::float8 AS rows FROM (SELECT count(*) AS n FROM ${relation(table)} WHERE ${present} GROUP BY ${list} HAVING count(*) > 1) twice`;
  return [{ line, kind: 'refused', what: `rows of ${table} that share their ${columns.join(', ')} with another`, sql }];
}

/** Rows that are the same to a unique index, over expressions and parts of a table too. */
function uniqueIndexLoss({ node, text, line }: Statement, table: string): readonly Loss[] {
  const elements = children(node, 'indexParams').map((one) => child(one, 'IndexElem'));
  const columns = elements.map((one) => textOf(one, 'name'));
  if (!columns.includes('') && node['whereClause'] === undefined) return uniqueLoss(table, { columns, node }, line);
  const parts = indexParts(text);
  const over = elements.map((one, index) =>
    textOf(one, 'name') === '' ? expressionOf(parts?.elements[index] ?? '') : quoted(textOf(one, 'name')),
  );
  const known = over.filter((one) => one !== null);
  if (parts === null || known.length < over.length || (node['whereClause'] !== undefined && parts.where === null))
    return [uncounted(`rows of ${table} that the index takes for the same`, line)];
  const present = isSet(node, 'nulls_not_distinct') ? [] : known.map((one) => `${one} IS NOT NULL`);
  const where = [...(parts.where === null ? [] : [`(${parts.where}\n)`]), ...present].join(' AND ');
  const sql = `SELECT coalesce(sum(n), 0)::float8 AS rows FROM (SELECT count(*) AS n FROM ${relation(table)} WHERE ${where === '' ? 'true' : where} GROUP BY ${known.join(', ')} HAVING count(*) > 1) twice`;
  return [{ line, kind: 'refused', what: `rows of ${table} that the index takes for the same`, sql }];
}

/** Its expression as it is written: the first `CHECK` of the statement belongs to the first such constraint. */
function checkLoss(constraint: Node, table: string, { node, text, line }: Statement): Loss {
  const all = findAll(node, ['Constraint'])
    .map((found) => found.node)
    .filter((one) => textOf(one, 'contype') === 'CONSTR_CHECK');
  const place = (one: Node): number => (typeof one['location'] === 'number' ? one['location'] : 0);
  const position = all.filter((one) => place(one) < place(constraint)).length;
  const expressions = checksIn(text);
  const expression = expressions.length === all.length ? expressions[position] : undefined;
  const what = `rows of ${table} that break the new constraint`;
  if (expression === undefined) return uncounted(what, line);
  return { line, kind: 'refused', what, sql: `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE (${expression}\n) IS FALSE` };
}

function typeLoss(
  definition: Node,
  { table, column, line }: { readonly table: string; readonly column: string; readonly line: number },
): Loss {
  const to = child(definition, 'typeName');
  const using = child(definition, 'raw_default');
  const cast = child(using, 'TypeCast');
  const field = children(child(child(cast, 'arg'), 'ColumnRef'), 'fields').map((one) => textOf(child(one, 'String'), 'sval'));
  const isCast = field.length === 1 && field[0] === column && sameType(child(cast, 'typeName'), to);
  const computed = definition['raw_default'] !== undefined && !isCast;
  return {
    ...uncounted(`values of ${table}.${column} that do not fit the new type`, line),
    find: { kind: 'type', table, column, to, computed },
  };
}

const sameType = (one: Node, other: Node): boolean => JSON.stringify(withoutPlaces(one)) === JSON.stringify(withoutPlaces(other));

function withoutPlaces(type: Node): Node {
  return JSON.parse(JSON.stringify(type, (key, value: unknown) => (key === 'location' ? undefined : value))) as Node;
}

function domainLosses({ node, text, line }: Statement): readonly Loss[] {
  const domain = nameParts(children(node, 'typeName')).join('.');
  const subtype = textOf(node, 'subtype');
  const constraint = child(child(node, 'def'), 'Constraint');
  const adds = subtype === 'C' && textOf(constraint, 'contype') === 'CONSTR_CHECK' && !isSet(constraint, 'skip_validation');
  if (!adds && subtype !== 'O') return [];
  const what = `values of the domain ${domain} that ${adds ? 'break the new constraint' : 'are null'}`;
  const [expression] = checksIn(text);
  if (adds && expression === undefined) return [uncounted(what, line)];
  return [{ ...uncounted(what, line), find: { kind: 'domain', domain, expression: adds ? (expression ?? null) : null } }];
}

function foreignLoss(constraint: Node, table: string, line: number): Loss {
  const own = nameParts(children(constraint, 'fk_attrs'));
  const theirs = nameParts(children(constraint, 'pk_attrs'));
  const other = relationName(child(constraint, 'pktable'));
  const what = `rows of ${table} without their row of ${other}`;
  // Without names it is the primary key, which the statement does not tell.
  if (theirs.length === 0) return { ...uncounted(what, line), find: { kind: 'key', table, own, other } };
  if (own.length !== theirs.length) return uncounted(what, line);
  return { line, kind: 'refused', what, sql: orphans({ table, own }, { table: relation(other), columns: theirs }) };
}

/** Counts rows whose row of the other table, named as SQL, is not there. */
export function orphans(
  { table, own }: { readonly table: string; readonly own: readonly string[] },
  other: { readonly table: string; readonly columns: readonly string[] },
): string {
  const present = own.map((name) => `a.${quoted(name)} IS NOT NULL`).join(' AND ');
  const same = own.map((name, index) => `b.${quoted(other.columns[index] ?? '')} = a.${quoted(name)}`).join(' AND ');
  return `SELECT count(*)::float8 AS rows FROM ${relation(table)} a WHERE ${present} AND NOT EXISTS (SELECT 1 FROM ${other.table} b WHERE ${same})`;
}

function dropLosses(node: Node, line: number): readonly Loss[] {
  const dropped = textOf(node, 'removeType');
  if (dropped === 'OBJECT_SCHEMA' && textOf(node, 'behavior') === 'DROP_CASCADE')
    return [{ line, kind: 'lost', what: 'rows of all tables in the schema', sql: null }];
  if (dropped !== 'OBJECT_TABLE') return [];
  return droppedNames(node).map((table) => {
    const loss = allRows(table, line, 'DROP TABLE loses the rows of');
    return isSet(node, 'missing_ok') ? { ...loss, only: [{ table, column: null, there: true }] } : loss;
  });
}

function allRows(table: string, line: number, what: string): Loss {
  return { line, kind: 'lost', what: `${what} ${table}`, sql: `SELECT count(*)::float8 AS rows FROM ${relation(table)}` };
}
