import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { mentioned } from './recognise-parts.ts';
import { givenName, plainName, relationKey, type Schema, type Table, type View } from './schema.ts';
import { reachedFrom } from './recognise-references.ts';
import { addPart, alterTable, takePart, unseen } from './schema-alter.ts';
import { moveToSchema, rename } from './schema-rename.ts';
import { addColumn, addConstraint, type Where } from './schema-table.ts';
import { columnType } from './type-change.ts';

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
    void schema.domains.set(plainName(nameParts(children(node, 'domainname')).join('.')), {
      file,
      checked: node['constraints'] !== undefined,
      type: columnType(child(node, 'typeName')),
    }),
  AlterDomainStmt: alterDomain,
  AlterObjectSchemaStmt: moveToSchema,
  TruncateStmt: truncate,
  DeleteStmt: (schema, node, { transaction }) => {
    if (node['whereClause'] === undefined && node['usingClause'] === undefined)
      empty(schema, relationKey(child(node, 'relation')), transaction);
  },
  InsertStmt: insert,
  CopyStmt: (schema, node) => fill(schema, relationKey(child(node, 'relation'))),
  MergeStmt: (schema, node) => fill(schema, relationKey(child(node, 'relation'))),
  CreateEnumStmt: (schema, node, { file, transaction }) =>
    void schema.enums.set(plainName(nameParts(children(node, 'typeName')).join('.')), {
      file,
      transaction,
      values: new Set(nameParts(children(node, 'vals'))),
      added: new Map(),
    }),
  AlterEnumStmt: addValue,
  CompositeTypeStmt: (schema, node, { file }) => void schema.others.set(relationKey(child(node, 'typevar')), file),
  CreateSeqStmt: (schema, node, { file }) => void schema.others.set(relationKey(child(node, 'sequence')), file),
  CreateSchemaStmt: (schema, node) => void schema.schemas.add(textOf(node, 'schemaname')),
  ViewStmt: (schema, node, { file }) => void schema.views.set(relationKey(child(node, 'view')), viewOf(node['query'], file)),
  CreateFunctionStmt: (schema, node, { file }) =>
    void schema.functions.set(plainName(nameParts(children(node, 'funcname')).join('.')), {
      file,
      stable: isStable(node),
      body: [],
      ends: [],
      procedure: isSet(node, 'is_procedure'),
      bound: isBound(node),
      readAtOnce: false,
      hidden: false,
    }),
};

function truncate(schema: Schema, node: Node, { transaction }: Where): void {
  const named = children(node, 'relations').map((one) => relationKey(child(one, 'RangeVar')));
  const reached = textOf(node, 'behavior') === 'DROP_CASCADE' ? named.flatMap((table) => reachedFrom({ schema, table })) : [];
  for (const table of [...named, ...reached]) empty(schema, table, transaction);
}

function empty(schema: Schema, name: string, transaction: number): void {
  schema.tables.set(name, { ...(schema.tables.get(name) ?? unseen(name)), emptied: transaction });
}

function insert(schema: Schema, node: Node, { file }: Where): void {
  const name = relationKey(child(node, 'relation'));
  fill(schema, name);
  const table = schema.tables.get(name) ?? unseen(name);
  // Rows that other tables have a part in are not known by heart.
  if (table.spelt?.has(file) === true || schema.views.has(name) || findAll(node['selectStmt'] ?? null, ['RangeVar']).length > 0) return;
  schema.tables.set(name, { ...table, spelt: new Set([...(table.spelt ?? []), file]) });
}

function fill(schema: Schema, name: string): void {
  const table = schema.tables.get(name);
  if (table !== undefined && table.emptied !== null) schema.tables.set(name, { ...table, emptied: null });
}

/** What a domain promises afterwards. */
function alterDomain(schema: Schema, node: Node): void {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const known = schema.domains.get(name);
  if (known !== undefined && ['C', 'O'].includes(textOf(node, 'subtype'))) schema.domains.set(name, { ...known, checked: true });
}

/** As its definition says; VOLATILE where it says nothing. */
function isStable(node: Node): boolean {
  return children(node, 'options').some((one) => {
    const option = child(one, 'DefElem');
    return textOf(option, 'defname') === 'volatility' && textOf(child(child(option, 'arg'), 'String'), 'sval') !== 'volatile';
  });
}

/** With SET or SECURITY DEFINER, under which no transaction ends. */
function isBound(node: Node): boolean {
  return children(node, 'options').some((one) => {
    const option = child(one, 'DefElem');
    const name = textOf(option, 'defname');
    return name === 'set' || (name === 'security' && isSet(child(child(option, 'arg'), 'Boolean'), 'boolval'));
  });
}

/** Adds a value to an enum's known ones, with the transaction it becomes usable after. */
function addValue(schema: Schema, node: Node, { transaction }: Where): void {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const known = schema.enums.get(name) ?? { file: null, transaction: null, values: new Set<string>(), added: new Map<string, number>() };
  const value = textOf(node, 'newVal');
  const there = isSet(node, 'skipIfNewValExists') && (known.values.has(value) || known.added.has(value));
  if (textOf(node, 'oldVal') === '' && !there) known.added.set(value, transaction);
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
    partitioned: node['partspec'] === undefined ? null : { columns: keyColumns(child(node, 'partspec')), parts: new Set(), rest: null },
    temporary: textOf(child(node, 'relation'), 'relpersistence') === 't',
    parents: node['partbound'] === undefined ? children(node, 'inhRelations').map((one) => relationKey(child(one, 'RangeVar'))) : [],
    emptied: null,
  };
  for (const element of children(node, 'tableElts')) {
    if (element['ColumnDef'] !== undefined) addColumn(table, child(element, 'ColumnDef'), { file, transaction });
    if (element['Constraint'] !== undefined) addConstraint(table, child(element, 'Constraint'), { file, transaction });
  }
  schema.tables.set(name, table);
  if (node['partbound'] === undefined) return;
  for (const parent of children(node, 'inhRelations'))
    addPart(schema, relationKey(child(parent, 'RangeVar')), { name, rest: isSet(child(node, 'partbound'), 'is_default') });
}

/** The columns of a partition key; none where an expression is one of its parts. */
function keyColumns(spec: Node): readonly string[] {
  const names = children(spec, 'partParams').map((one) => textOf(child(one, 'PartitionElem'), 'name'));
  return names.includes('') ? [] : names;
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
    partitioned: null,
    temporary,
    parents: [],
    emptied: null,
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
    if (what === 'OBJECT_TABLE' || what === 'OBJECT_MATVIEW') forgetTable(schema, name);
    if (what === 'OBJECT_INDEX') schema.indexes.delete(name);
    if (what === 'OBJECT_VIEW' || what === 'OBJECT_MATVIEW') schema.views.delete(name);
    if (what === 'OBJECT_TYPE' || what === 'OBJECT_DOMAIN') forgetType(schema, one);
    if (what === 'OBJECT_SCHEMA') forgetSchema(schema, textOf(child(one, 'String'), 'sval'));
  }
}

function forgetSchema(schema: Schema, name: string): void {
  schema.schemas.delete(name);
  for (const table of [...schema.tables.keys()].filter((one) => one.startsWith(`${name}.`))) forgetTable(schema, table);
}

function forgetType(schema: Schema, object: Node): void {
  const name = plainName(nameParts(children(child(object, 'TypeName'), 'names')).join('.'));
  schema.enums.delete(name);
  schema.domains.delete(name);
}

/** With a table go its indexes, the keys that reference it, and its place among the partitions of another. */
function forgetTable(schema: Schema, name: string): void {
  schema.tables.delete(name);
  for (const other of schema.tables.values()) {
    for (const [key, { referenced }] of other.constraints) if (referenced === name) other.constraints.delete(key);
    if (other.partitioned?.parts.has(name) === true) takePart(schema, other.name, name);
  }
  for (const [index, { table }] of schema.indexes) if (table === name) schema.indexes.delete(index);
}
