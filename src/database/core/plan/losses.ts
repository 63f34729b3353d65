import { child, children, isSet, nameParts, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';

/** Rows that a statement loses or that stand in its way; `sql` counts them (one row, column `rows`), null where no query can. */
export interface Loss {
  readonly line: number;
  readonly kind: 'lost' | 'refused';
  readonly what: string;
  readonly sql: string | null;
}

type Node = Statement['node'];

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const relation = (name: string): string => name.split('.').map(quoted).join('.');

/** What there is to count before a file is applied: values that go, rows that a new rule refuses. Of tables made in the file nothing is lost. */
export function lossesOf(statements: readonly Statement[], fresh: (table: string) => boolean): readonly Loss[] {
  return statements.flatMap((statement): readonly Loss[] => {
    const { kind, node, line } = statement;
    const table = relationName(child(node, 'relation'));
    if (fresh(table)) return [];
    if (kind === 'AlterTableStmt') return alterLosses(node, table, line);
    if (kind === 'DropStmt') return dropLosses(node, line);
    if (kind === 'TruncateStmt')
      return children(node, 'relations').map((one) => allRows(relationName(child(one, 'RangeVar')), line, 'TRUNCATE deletes the rows of'));
    if (kind === 'IndexStmt' && isSet(node, 'unique')) return uniqueLoss(table, { columns: indexColumns(node), node }, line);
    return [];
  });
}

function alterLosses(node: Node, table: string, line: number): readonly Loss[] {
  return children(node, 'cmds').flatMap((entry): readonly Loss[] => {
    const command = child(entry, 'AlterTableCmd');
    const column = textOf(command, 'name');
    const from = `FROM ${relation(table)}`;
    switch (textOf(command, 'subtype')) {
      case 'AT_DropColumn': {
        const sql = `SELECT count(${quoted(column)})::float8 AS rows ${from}`;
        return [{ line, kind: 'lost', what: `values of ${table}.${column}`, sql }];
      }
      case 'AT_SetNotNull':
        return [nullLoss(table, column, line)];
      case 'AT_ValidateConstraint':
        return [uncounted(`rows of ${table} that break ${column}`, line)];
      case 'AT_AddConstraint':
        return constraintLosses(child(child(command, 'def'), 'Constraint'), table, line);
      default:
        return [];
    }
  });
}

function nullLoss(table: string, column: string, line: number): Loss {
  const sql = `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE ${quoted(column)} IS NULL`;
  return { line, kind: 'refused', what: `rows of ${table} where ${column} is null`, sql };
}

const uncounted = (what: string, line: number): Loss => ({ line, kind: 'refused', what, sql: null });

function constraintLosses(constraint: Node, table: string, line: number): readonly Loss[] {
  // NOT VALID looks at no row that is there.
  if (isSet(constraint, 'skip_validation')) return [];
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

/** Columns of an index; none when it is over expressions or a part of the rows, which cannot be counted without their text. */
function indexColumns(node: Node): readonly string[] {
  const columns = children(node, 'indexParams').map((one) => textOf(child(one, 'IndexElem'), 'name'));
  return columns.includes('') || node['whereClause'] !== undefined ? [] : columns;
}

function foreignLoss(constraint: Node, table: string, line: number): Loss {
  const own = nameParts(children(constraint, 'fk_attrs'));
  const theirs = nameParts(children(constraint, 'pk_attrs'));
  const other = relationName(child(constraint, 'pktable'));
  const what = `rows of ${table} without their row of ${other}`;
  // Without names it is the primary key, which the statement does not tell.
  if (own.length === 0 || own.length !== theirs.length) return uncounted(what, line);
  const present = own.map((name) => `a.${quoted(name)} IS NOT NULL`).join(' AND ');
  const same = own.map((name, index) => `b.${quoted(theirs[index] ?? '')} = a.${quoted(name)}`).join(' AND ');
  const sql = `SELECT count(*)::float8 AS rows FROM ${relation(table)} a WHERE ${present} AND NOT EXISTS (SELECT 1 FROM ${relation(other)} b WHERE ${same})`;
  return { line, kind: 'refused', what, sql };
}

function dropLosses(node: Node, line: number): readonly Loss[] {
  const dropped = textOf(node, 'removeType');
  if (dropped === 'OBJECT_SCHEMA' && textOf(node, 'behavior') === 'DROP_CASCADE')
    return [{ line, kind: 'lost', what: 'rows of all tables in the schema', sql: null }];
  if (dropped !== 'OBJECT_TABLE') return [];
  return children(node, 'objects').map((one) =>
    allRows(nameParts(children(child(one, 'List'), 'items')).join('.'), line, 'DROP TABLE loses the rows of'),
  );
}

function allRows(table: string, line: number, what: string): Loss {
  return { line, kind: 'lost', what: `${what} ${table}`, sql: `SELECT count(*)::float8 AS rows FROM ${relation(table)}` };
}
