import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { mentioned } from './recognise-parts.ts';
import { givenName, plainName, relationKey, type Schema, type Table, type View } from './schema.ts';
import { alterTable } from './schema-alter.ts';
import { addColumn, addConstraint, type Where } from './schema-table.ts';

type Node = Statement['node'];

/** Changes the schema as the statement would. What is not understood changes nothing. */
export function applyStatement(schema: Schema, { kind, node }: Statement, where: Where): void {
  APPLIED[kind]?.(schema, node, where);
}

const APPLIED: Readonly<Record<string, (schema: Schema, node: Node, where: Where) => void>> = {
  CreateStmt: createTable,
  CreateTableAsStmt: createTableAs,
  AlterTableStmt: alterTable,
  IndexStmt: createIndex,
  DropStmt: drop,
  RenameStmt: rename,
  CreateDomainStmt: (schema, node, { file }) =>
    void schema.domains.set(plainName(nameParts(children(node, 'domainname')).join('.')), { file }),
  CreateEnumStmt: (schema, node, { file }) =>
    void schema.enums.set(plainName(nameParts(children(node, 'typeName')).join('.')), { file, added: new Map() }),
  AlterEnumStmt: addValue,
  ViewStmt: (schema, node, { file }) => void schema.views.set(relationKey(child(node, 'view')), viewOf(node['query'], file)),
  CreateFunctionStmt: (schema, node, { file }) =>
    void schema.functions.set(plainName(nameParts(children(node, 'funcname')).join('.')), { file, stable: isStable(node) }),
};

/** As its definition says; VOLATILE where it says nothing. */
function isStable(node: Node): boolean {
  return children(node, 'options').some((one) => {
    const option = child(one, 'DefElem');
    return textOf(option, 'defname') === 'volatility' && textOf(child(child(option, 'arg'), 'String'), 'sval') !== 'volatile';
  });
}

/** Adds a value to an enum's known ones, with the transaction it becomes usable after. */
function addValue(schema: Schema, node: Node, { transaction }: Where): void {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const known = schema.enums.get(name) ?? { file: null, added: new Map<string, number>() };
  if (textOf(node, 'oldVal') === '') known.added.set(textOf(node, 'newVal'), transaction);
  schema.enums.set(name, known);
}

function viewOf(query: Node[string] | undefined, file: number): View {
  const tree = query ?? null;
  const whole = findAll(tree, ['A_Star']).length > 0;
  return {
    file,
    reads: findAll(tree, ['RangeVar']).map((one) => relationKey(one.node)),
    columns: null,
    mentions: whole ? null : mentioned(tree),
  };
}

function createTable(schema: Schema, node: Node, { file, transaction }: Where): void {
  const name = relationKey(child(node, 'relation'));
  // With IF NOT EXISTS an old table with live rows may be meant; a known one stays as it is known.
  if (isSet(node, 'if_not_exists') && schema.tables.has(name)) return;
  const table: Table = {
    name,
    file,
    transaction,
    columns: new Map(),
    constraints: new Map(),
    whole: children(node, 'inhRelations').length === 0 && !children(node, 'tableElts').some((one) => one['TableLikeClause'] !== undefined),
    partitioned: node['partspec'] !== undefined,
    temporary: textOf(child(node, 'relation'), 'relpersistence') === 't',
  };
  for (const element of children(node, 'tableElts')) {
    if (element['ColumnDef'] !== undefined) addColumn(table, child(element, 'ColumnDef'), { file, transaction });
    if (element['Constraint'] !== undefined) addConstraint(table, child(element, 'Constraint'), { file, transaction });
  }
  schema.tables.set(name, table);
}

function createTableAs(schema: Schema, node: Node, { file, transaction }: Where): void {
  const name = relationKey(child(child(node, 'into'), 'rel'));
  if (textOf(node, 'objtype') === 'OBJECT_MATVIEW') schema.views.set(name, viewOf(node['query'], file));
  const temporary = textOf(child(child(node, 'into'), 'rel'), 'relpersistence') === 't';
  schema.tables.set(name, {
    name,
    file,
    transaction,
    columns: new Map(),
    constraints: new Map(),
    whole: false,
    partitioned: false,
    temporary,
  });
}

function createIndex(schema: Schema, node: Node, { file }: Where): void {
  const table = relationKey(child(node, 'relation'));
  const params = children(node, 'indexParams').map((one) => child(one, 'IndexElem'));
  const columns = params.map((one) => textOf(one, 'name')).filter((name) => name !== '');
  const name = textOf(node, 'idxname') === '' ? givenName(table, columns, 'idx') : textOf(node, 'idxname');
  const schemaName = table.includes('.') ? `${table.slice(0, table.lastIndexOf('.'))}.` : '';
  schema.indexes.set(`${schemaName}${name}`, {
    name: `${schemaName}${name}`,
    table,
    columns,
    mentions: [...columns, ...mentioned(params.map((one) => one['expr'] ?? null)), ...mentioned(node['whereClause'] ?? null)],
    unique: isSet(node, 'unique'),
    partial: node['whereClause'] !== undefined,
    concurrent: isSet(node, 'concurrent'),
    file,
  });
}

function drop(schema: Schema, node: Node): void {
  const what = textOf(node, 'removeType');
  for (const one of children(node, 'objects')) {
    const name = plainName(nameParts(children(child(one, 'List'), 'items')).join('.'));
    if (what === 'OBJECT_TABLE') forgetTable(schema, name);
    if (what === 'OBJECT_INDEX') schema.indexes.delete(name);
    if (what === 'OBJECT_VIEW' || what === 'OBJECT_MATVIEW') schema.views.delete(name);
  }
}

function forgetTable(schema: Schema, name: string): void {
  schema.tables.delete(name);
  for (const [index, { table }] of schema.indexes) if (table === name) schema.indexes.delete(index);
}

function rename(schema: Schema, node: Node): void {
  const name = relationKey(child(node, 'relation'));
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  const table = schema.tables.get(name);
  switch (textOf(node, 'renameType')) {
    case 'OBJECT_TABLE':
      if (table !== undefined) schema.tables.set(beside(name, after), { ...table, name: beside(name, after) });
      schema.tables.delete(name);
      for (const [key, index] of schema.indexes)
        if (index.table === name) schema.indexes.set(key, { ...index, table: beside(name, after) });
      return;
    case 'OBJECT_COLUMN':
      moveKey(table?.columns, before, after);
      return;
    case 'OBJECT_TABCONSTRAINT':
      moveKey(table?.constraints, before, after);
      return;
    case 'OBJECT_INDEX':
      moveKey(schema.indexes, name, beside(name, after));
      return;
    default:
  }
}

/** A new name in the old one's schema. */
function beside(name: string, after: string): string {
  return name.includes('.') ? `${name.slice(0, name.lastIndexOf('.'))}.${after}` : after;
}

function moveKey<T extends { readonly name: string }>(map: Map<string, T> | undefined, before: string, after: string): void {
  const value = map?.get(before);
  if (map === undefined || value === undefined) return;
  map.delete(before);
  map.set(after, { ...value, name: after });
}
