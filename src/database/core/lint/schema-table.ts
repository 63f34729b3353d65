import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { comparisonsOf } from './comparisons.ts';
import { mentioned } from './recognise-parts.ts';
import { givenName, relationKey, type Column, type Constraint, type Table } from './schema.ts';
import { columnType } from './type-change.ts';

type Node = Statement['node'];

/** Where a statement stands: what it makes is new for the rest of the file. */
export interface Where {
  readonly file: number;
  readonly transaction: number;
}

/** Notes a column with everything written beside it. */
export function addColumn(table: Table, definition: Node, where: Where): void {
  const name = textOf(definition, 'colname');
  const constraints = children(definition, 'constraints').map((one) => child(one, 'Constraint'));
  const has = (kind: string): boolean => constraints.some((one) => textOf(one, 'contype') === kind);
  const column: Column = {
    name,
    type: columnType(child(definition, 'typeName')),
    notNull: has('CONSTR_NOTNULL') || has('CONSTR_PRIMARY') || has('CONSTR_IDENTITY') || isSerial(definition),
    file: where.file,
    unfilled: !has('CONSTR_DEFAULT') && !has('CONSTR_IDENTITY') && !has('CONSTR_GENERATED') && !isSerial(definition),
    ...(constraints.some((one) => textOf(one, 'generated_kind') === 'v') ? { virtual: true } : {}),
  };
  table.columns.set(name, column);
  for (const one of constraints) addConstraint(table, one, where, [name]);
}

function isSerial(definition: Node): boolean {
  return /^(?:small|big)?serial[248]?$/.test(nameParts(children(child(definition, 'typeName'), 'names')).at(-1) ?? '');
}

const KINDS: Readonly<Record<string, readonly [Constraint['kind'], string]>> = {
  CONSTR_CHECK: ['check', 'check'],
  CONSTR_FOREIGN: ['foreign', 'fkey'],
  CONSTR_UNIQUE: ['unique', 'key'],
  CONSTR_PRIMARY: ['primary', 'pkey'],
  CONSTR_EXCLUSION: ['exclude', 'excl'],
  CONSTR_NOTNULL: ['not-null', 'not_null'],
};

/** Notes a constraint; `own` are the columns of one written beside a column. */
// oxlint-disable-next-line max-params -- the fourth is for columns only
export function addConstraint(table: Table, node: Node, { file, transaction }: Where, own: readonly string[] = []): void {
  const [kind, suffix] = KINDS[textOf(node, 'contype')] ?? [];
  if (kind === undefined || suffix === undefined) return;
  const columns = constrained(node, kind, own);
  const name = textOf(node, 'conname') === '' ? givenName(table.name, columns, suffix) : textOf(node, 'conname');
  table.constraints.set(name, {
    name,
    kind,
    columns,
    valid: !isSet(node, 'skip_validation'),
    referenced: kind === 'foreign' ? relationKey(child(node, 'pktable')) : null,
    keys: kind === 'foreign' ? nameParts(children(node, 'pk_attrs')) : [],
    present: kind === 'not-null' ? columns : presentColumns(child(node, 'raw_expr')),
    compares: kind === 'check' ? comparisonsOf(child(node, 'raw_expr')) : [],
    file,
    transaction,
  });
  if (kind === 'primary') for (const column of columns) setNotNull(table, column, true);
}

/** The columns a constraint is about: those listed, else those its expression mentions. */
function constrained(node: Node, kind: Constraint['kind'], own: readonly string[]): readonly string[] {
  if (kind === 'check') return [...new Set([...own, ...mentioned(node['raw_expr'] ?? null)])];
  if (kind === 'exclude') return mentioned(node['exclusions'] ?? null);
  const listed = nameParts(children(node, kind === 'foreign' ? 'fk_attrs' : 'keys'));
  return listed.length > 0 ? listed : own;
}

/** The columns of `a IS NOT NULL AND NOT (b IS NULL)`. */
function presentColumns(expression: Node): readonly string[] {
  const several = child(expression, 'BoolExpr');
  if (textOf(several, 'boolop') === 'AND_EXPR') return children(several, 'args').flatMap(presentColumns);
  if (textOf(several, 'boolop') === 'NOT_EXPR') return children(several, 'args').flatMap((one) => tested(one, 'IS_NULL'));
  return tested(expression, 'IS_NOT_NULL');
}

function tested(expression: Node, kind: 'IS_NULL' | 'IS_NOT_NULL'): readonly string[] {
  const test = child(expression, 'NullTest');
  // What an expression is says little of the columns in it.
  return textOf(test, 'nulltesttype') === kind && child(test, 'arg')['ColumnRef'] !== undefined ? mentioned(test['arg'] ?? null) : [];
}

/** Notes that a column may or may not be NULL. */
export function setNotNull(table: Table, column: string, notNull: boolean): void {
  const known = table.columns.get(column) ?? { name: column, type: null, notNull, file: null };
  table.columns.set(column, { ...known, notNull });
  if (notNull) return;
  for (const [name, { kind, columns }] of table.constraints)
    if (kind === 'not-null' && columns.includes(column)) table.constraints.delete(name);
}
