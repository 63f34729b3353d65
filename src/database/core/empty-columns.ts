import type { JsonObject } from '../../kernel/pure.ts';
import type { Fresh } from './effect.ts';
import { SERIAL, typeName } from './expression-effect.ts';
import { child, children, findAll, isSet, nameParts, relationName, textOf } from './tree.ts';
import type { Statement } from './types.ts';

const SEPARATOR = '\0';

/** How a column that a file added to an older table stands among the names of what the file made. */
export const columnKey = (table: string, column: string): string => `${table}${SEPARATOR}${column}`;

/** Does a key of {@link columnKey} belong to this table? */
export const isColumnOf = (key: string, table: string): boolean => key.startsWith(`${table}${SEPARATOR}`);

const FILLED = new Set(['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED']);
const FILLS = new Set(['AT_ColumnDefault', 'AT_AddIdentity', 'AT_DropColumn', 'AT_AlterColumnType']);

/** Keys of columns that a statement adds and nothing fills: NULL in every row there is, and in those that the old version writes. */
export function emptyColumns({ kind, node }: Pick<Statement, 'kind' | 'node'>): readonly string[] {
  if (kind !== 'AlterTableStmt') return [];
  const table = relationName(child(node, 'relation'));
  const filled = filledColumns({ kind, node });
  return commandsOf(node).flatMap((command) => {
    const column = child(child(command, 'def'), 'ColumnDef');
    // With IF NOT EXISTS an old one may be meant.
    if (textOf(command, 'subtype') !== 'AT_AddColumn' || isSet(command, 'missing_ok') || !isLeftEmpty(column)) return [];
    const key = columnKey(table, textOf(column, 'colname'));
    return filled.includes(key) ? [] : [key];
  });
}

function isLeftEmpty(column: JsonObject): boolean {
  const kinds = children(column, 'constraints').map((one) => textOf(child(one, 'Constraint'), 'contype'));
  return !kinds.some((kind) => FILLED.has(kind)) && !SERIAL.test(typeName(child(column, 'typeName')));
}

/** Keys of columns that from this statement on may get a value, or are others. */
export function filledColumns({ kind, node }: Pick<Statement, 'kind' | 'node'>): readonly string[] {
  if (kind !== 'AlterTableStmt') return [];
  const table = relationName(child(node, 'relation'));
  return commandsOf(node).flatMap((command) => (FILLS.has(textOf(command, 'subtype')) ? [columnKey(table, textOf(command, 'name'))] : []));
}

const commandsOf = (node: JsonObject): readonly JsonObject[] => children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));

/** Is a rule over these columns of a table kept by every row in which the empty ones among them are NULL? */
export function keptByNull(constraint: JsonObject, table: string, empty: Fresh): boolean {
  const isEmpty = (column: string): boolean => empty.has(columnKey(table, column));
  switch (textOf(constraint, 'contype')) {
    case 'CONSTR_UNIQUE':
      return !isSet(constraint, 'nulls_not_distinct') && nameParts(children(constraint, 'keys')).some(isEmpty);
    case 'CONSTR_FOREIGN': {
      const own = nameParts(children(constraint, 'fk_attrs'));
      // MATCH FULL lets a row in whose columns are all NULL, or none.
      return textOf(constraint, 'fk_matchtype') === 'f' ? own.every(isEmpty) : own.some(isEmpty);
    }
    case 'CONSTR_CHECK':
      return isNull(child(constraint, 'raw_expr'), isEmpty);
    default:
      return false;
  }
}

/** The same of a unique index, whose rows are alike only where none of its columns is NULL. */
export function indexKeptByNull(node: JsonObject, table: string, empty: Fresh): boolean {
  const columns = children(node, 'indexParams').map((one) => textOf(child(one, 'IndexElem'), 'name'));
  return !isSet(node, 'nulls_not_distinct') && columns.some((one) => one !== '' && empty.has(columnKey(table, one)));
}

const COMPARES = new Set('= <> != < <= > >= ~~ !~~ ~~* !~~* ~ !~ ~* !~*'.split(' '));
const KINDS = new Set(['AEXPR_OP', 'AEXPR_IN', 'AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN']);
const LEAVES = new Set(['A_Const', 'ColumnRef', 'TypeCast', 'List', 'A_ArrayExpr']);

/** Is a condition certain to be NULL, which a CHECK lets pass, where these columns are? Of comparisons with them and what joins such. */
function isNull(condition: JsonObject, isEmpty: (column: string) => boolean): boolean {
  const joined = child(condition, 'BoolExpr');
  if (condition['BoolExpr'] !== undefined) return children(joined, 'args').every((one) => isNull(one, isEmpty));
  const compared = child(condition, 'A_Expr');
  if (!KINDS.has(textOf(compared, 'kind')) || !COMPARES.has(operatorOf(compared))) return false;
  const simple = [child(compared, 'lexpr'), child(compared, 'rexpr')].every((side) => Object.keys(side).every((tag) => LEAVES.has(tag)));
  const [column] = nameParts(children(child(child(compared, 'lexpr'), 'ColumnRef'), 'fields'));
  return simple && findAll(compared, ['FuncCall', 'SubLink']).length === 0 && column !== undefined && isEmpty(column);
}

function operatorOf(compared: JsonObject): string {
  const name = nameParts(children(compared, 'name')).at(-1) ?? '';
  return textOf(compared, 'kind').includes('BETWEEN') ? '=' : name;
}
