import { calledFunctions } from '../lint/called.ts';
import { child, droppedNames, findAll, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Loss } from './losses.ts';
import { quoted, relation } from './names.ts';
import { deleteParts, type DeleteParts } from './slices.ts';

/** The rows that a DELETE takes, so that another query can ask for them. */
export interface Deleted {
  readonly table: string;
  /** What its condition calls the table. */
  readonly called: string;
  readonly parts: DeleteParts;
  /** Tables that what is pending before it changes: of their rows nobody knows what is there by then. */
  readonly changed: readonly string[];
}

/** Foreign keys may hold rows that a DELETE takes; which, only the catalog tells. @param before all that is pending before it */
export function deleteLosses({ node, text, line }: Statement, before: readonly Statement[]): readonly Loss[] {
  const table = relationName(child(node, 'relation'));
  const parts = deleteParts(text);
  const changed = before.map(changedBy);
  if (parts === null || changed.includes(null) || findAll(node['whereClause'] ?? null, ['CurrentOfExpr']).length > 0) return [];
  const alias = textOf(child(child(node, 'relation'), 'alias'), 'aliasname');
  const called = alias === '' ? textOf(child(node, 'relation'), 'relname') : alias;
  const names = [...new Set(changed.flatMap((one) => one ?? []))];
  const what = `rows that reference what it deletes of ${table}`;
  return [{ line, kind: 'refused', what, sql: null, find: { kind: 'referenced', deleted: { table, called, parts, changed: names } } }];
}

/** What these do to rows, or to foreign keys, they do to the tables that they name. */
const CHANGES = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CopyStmt',
  'AlterTableStmt',
  'RenameStmt',
  'DropStmt',
]);
/** And these do nothing to either. */
const HARMLESS = new Set([
  'AlterEnumStmt',
  'CommentStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateFunctionStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'CreateStmt',
  'GrantStmt',
  'IndexStmt',
  'LockStmt',
  'SelectStmt',
  'TransactionStmt',
  'VariableSetStmt',
  'ViewStmt',
]);
const MEANS_MORE = new Set(['', 'search_path', 'role', 'session_authorization', 'session_replication_role']);

/** Null for what may have changed anything. */
function changedBy(statement: Statement): readonly string[] | null {
  const { kind, node } = statement;
  if (calledFunctions(statement).length > 0) return null;
  if (kind === 'VariableSetStmt' && MEANS_MORE.has(textOf(node, 'name'))) return null;
  if (HARMLESS.has(kind)) return [];
  if (!CHANGES.has(kind) || textOf(node, 'behavior') === 'DROP_CASCADE') return null;
  const named = findAll({ node }, ['RangeVar', 'relation']).map((one) => relationName(one.node));
  return [...named, ...(kind === 'DropStmt' ? droppedNames(node) : [])].filter((one) => one !== '');
}

/** A foreign key, as the catalog has it: tables as SQL names them. */
interface Key {
  readonly table: string;
  readonly own: readonly string[];
  /** Of the other table. */
  readonly keys: readonly string[];
}

/** One that holds rows back. */
export interface Holding extends Key {
  readonly constraint: string;
  /** The keys by which rows go that it holds, because others do; empty where it holds rows of the table itself. */
  readonly way: readonly Key[];
  /** It is of the table itself: rows that go along hold nothing. */
  readonly self: boolean;
  /** The table is one of partitions, which are read with it. */
  readonly parted: boolean;
}

/** Counts the rows that would be left without theirs. */
export function heldSql({ table, called, parts }: Deleted, { way, self, parted, ...key }: Holding): string {
  const using = parts.using === null ? '' : `, ${parts.using}\n`;
  const where = parts.where === null ? '' : ` WHERE (${parts.where}\n)`;
  const from = ` FROM ${parted ? '' : 'ONLY '}${relation(table)}${called === table.split('.').at(-1) ? '' : ` AS ${quoted(called)}`}${using}${where}`;
  const deleted = (columns: readonly string[]): string =>
    `${parts.with}\n SELECT ${columns.map((one) => `${quoted(called)}.${one}`).join(', ')}${from}`;
  const [first = key] = way;
  const gone = way.reduce(
    (rows, one, index) => {
      const next = way[index + 1] ?? key;
      return `SELECT ${list(next.keys)} FROM ${one.table} WHERE (${list(one.own)}) IN (${rows})`;
    },
    deleted(first.keys.map(quoted)),
  );
  const stays =
    self && way.length === 0 ? ` AND (slipway_holding.tableoid, slipway_holding.ctid) NOT IN (${deleted(['tableoid', 'ctid'])})` : '';
  const own = key.own.map((one) => `slipway_holding.${quoted(one)}`).join(', ');
  return `SELECT count(*)::float8 AS rows FROM ${key.table} slipway_holding WHERE (${own}) IN (${gone})${stays}`;
}

const list = (columns: readonly string[]): string => columns.map(quoted).join(', ');
