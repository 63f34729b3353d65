import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { namesOne } from './checks-rows.ts';
import { constantText } from './constant.ts';
import { ownText, quoted, sql } from './fixes.ts';
import { relationKey } from './schema.ts';
import { typeText } from './type-change.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];

const WRITES: ReadonlySet<string> = new Set(['UpdateStmt', 'DeleteStmt', 'InsertStmt', 'MergeStmt', 'CopyStmt']);

/**
 * After an exclusive lock: rows of its table changed are an error, where the table is read whole for it; other work that takes long, and
 * rows that an index may find, a warning.
 */
export function worksUnderLock(context: Context): readonly Draft[] {
  const { placed, statement, done } = context;
  // Nobody waits for a table that is gone when the wait is over: who used it fails.
  const heldOf = (locked: ReadonlySet<string>): readonly string[] =>
    placed.shared ? [...locked].filter((one) => !done.dropped.has(one)) : [];
  const held = heldOf(done.allOut);
  const [table] = held;
  if (table === undefined) return isSlow(context) ? keepsWaiting(heldOf(done.writersOut), 'writers') : [];
  const changed = changedTable(context);
  if (changed !== null && isFewRows(statement)) return [];
  if (changed !== null) {
    const isHeld = held.includes(changed);
    return [
      {
        rule: 'schema-and-rows',
        message: `rows of ${changed} are changed while this transaction keeps everybody out of ${isHeld ? changed : table}`,
        relation: changed,
        scales: true,
        ...(isHeld && !hasIndex(changed, context) ? {} : { severity: 'warning' }),
        fix: defaultFix(changed, context) ?? sql('-- in a migration of its own, in batches:', ownText(statement)),
      },
    ];
  }
  return isSlow(context) ? keepsWaiting(held, 'everybody') : [];
}

function isSlow({ statement, impacts }: Context): boolean {
  const measured = impacts.some(({ scans, rewrites }) => scans.length + rewrites.length > 0);
  return measured || WRITES.has(statement.kind) || readsRows(statement);
}

function keepsWaiting([table, ...others]: readonly string[], whom: 'everybody' | 'writers'): readonly Draft[] {
  if (table === undefined) return [];
  return [
    {
      rule: 'work-under-lock',
      message: `this runs while the transaction keeps ${whom} out of ${[table, ...others].join(' and ')}`,
      relation: table,
      ...(whom === 'writers' ? { severity: 'notice' } : {}),
    },
  ];
}

/** Does a WHERE name the rows by key? Then they are soon done. */
function isFewRows({ node }: Context['statement']): boolean {
  return node['whereClause'] !== undefined && namesOne(child(node, 'whereClause'));
}

const CHANGES_ROWS: ReadonlySet<string> = new Set(['UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** The table with rows of its own that a statement changes, however many they are. */
function changedTable({ statement, schema, file }: Context): string | null {
  if (!CHANGES_ROWS.has(statement.kind) && !insertsMany(statement)) return null;
  const table = relationKey(child(statement.node, 'relation'));
  return schema.tables.get(table)?.file === file.index ? null : table;
}

/** INSERT ... SELECT moves as many rows as it finds. */
function insertsMany({ kind, node }: Context['statement']): boolean {
  const select = child(child(node, 'selectStmt'), 'SelectStmt');
  return kind === 'InsertStmt' && select['fromClause'] !== undefined;
}

function readsRows({ kind, node }: Context['statement']): boolean {
  return kind === 'SelectStmt' && node['fromClause'] !== undefined;
}

/** Where new columns get one value in every row, a default does that without writing any; null for any other statement. */
function defaultFix(table: string, { statement: { kind, node }, schema, file }: Context): string | null {
  if (kind !== 'UpdateStmt' || node['whereClause'] !== undefined) return null;
  const columns = children(node, 'targetList').map((one) => child(one, 'ResTarget'));
  const written = columns.map((one) => {
    const [column, value] = [textOf(one, 'name'), literalOf(child(one, 'val'))];
    const added = schema.tables.get(table)?.columns.get(column);
    const type = added?.type === undefined || added.type === null ? 'TYPE' : typeText(added.type);
    return added?.file === file.index && value !== null ? `ADD COLUMN ${quoted(column)} ${type} NOT NULL DEFAULT ${value}` : null;
  });
  const known = written.filter((one) => one !== null);
  if (known.length !== written.length) return null;
  return sql('-- in place of this, and of SET NOT NULL: no row is written for it', `ALTER TABLE ${quoted(table)} ${known.join(', ')}`);
}

/** As it is written in SQL; null for what is no constant. */
function literalOf(value: Node): string | null {
  if (value['TypeCast'] !== undefined) return literalOf(child(child(value, 'TypeCast'), 'arg'));
  const constant = child(value, 'A_Const');
  if (value['A_Const'] === undefined || constant['isnull'] === true) return null;
  if (constant['boolval'] !== undefined) return isSet(child(constant, 'boolval'), 'boolval') ? 'true' : 'false';
  const text = constantText(value, new Map());
  return constant['sval'] === undefined || text === null ? text : `'${text.replaceAll("'", "''")}'`;
}

/** May an index that is known find the rows? How many there are nobody knows then. */
function hasIndex(table: string, { statement: { node }, schema: { tables, indexes } }: Context): boolean {
  const keys = [...(tables.get(table)?.constraints.values() ?? [])].filter(({ kind }) => kind === 'primary' || kind === 'unique');
  const whole = [...indexes.values()].filter((one) => one.table === table && !one.partial);
  const first = new Set([...keys, ...whole].map(({ columns }) => columns[0] ?? ''));
  const names = new Set([textOf(child(node, 'relation'), 'relname'), textOf(child(child(node, 'relation'), 'alias'), 'aliasname'), '']);
  const finds = (column: Node): boolean => {
    const parts = nameParts(children(child(column, 'ColumnRef'), 'fields'));
    return first.has(parts.at(-1) ?? '') && names.has(parts.at(-2) ?? '');
  };
  return compared(child(node, 'whereClause')).some(finds);
}

/** Operators that an index of the usual kind serves. */
const ORDERED: ReadonlySet<string> = new Set(['=', '<', '<=', '>', '>=']);

/** What a condition compares, where all of it must hold. */
function compared(where: Node): readonly Node[] {
  const both = child(where, 'BoolExpr');
  if (textOf(both, 'boolop') === 'AND_EXPR') return children(both, 'args').flatMap(compared);
  const [test, within] = [child(where, 'A_Expr'), child(where, 'SubLink')];
  if (textOf(within, 'subLinkType') === 'ANY_SUBLINK') return [child(within, 'testexpr')];
  const serves = ORDERED.has(nameParts(children(test, 'name')).at(-1) ?? '') && /^AEXPR_(?:OP|IN)$/.test(textOf(test, 'kind'));
  return serves ? [child(test, 'lexpr'), child(test, 'rexpr')] : [];
}
