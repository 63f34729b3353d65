import { child, children, isSet, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { addColumn, addConstraint, setNotNull, type Where } from './schema-table.ts';
import { beside, relationKey, type Constraint, type Schema, type Table } from './schema.ts';
import { columnType } from './type-change.ts';

type Node = Statement['node'];

/** Changes a table as an ALTER TABLE would; one that was never seen is noted with what is now known of it. */
export function alterTable(schema: Schema, node: Node, where: Where): void {
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE') return;
  const name = relationKey(child(node, 'relation'));
  const table = schema.tables.get(name) ?? unseen(name);
  schema.tables.set(name, table);
  for (const one of children(node, 'cmds')) apply({ schema, table, where }, child(one, 'AlterTableCmd'));
}

function refill({ columns }: Table, name: string, unfilled: boolean): void {
  const known = columns.get(name);
  if (known !== undefined) columns.set(name, { ...known, unfilled });
}

export function unseen(name: string): Table {
  return {
    name,
    file: null,
    transaction: null,
    columns: new Map(),
    constraints: new Map(),
    whole: false,
    partitioned: null,
    temporary: false,
    parents: [],
    emptied: null,
  };
}

function unseenConstraint(name: string): Constraint {
  const nothing = { columns: [], keys: [], present: [], compares: [], referenced: null, file: null, transaction: null };
  return { ...nothing, name, kind: 'check', valid: true, unseen: true };
}

interface At {
  readonly schema: Schema;
  readonly table: Table;
  readonly where: Where;
}

function apply({ schema, table, where }: At, command: Node): void {
  const name = textOf(command, 'name');
  switch (textOf(command, 'subtype')) {
    case 'AT_AddColumn': {
      const definition = child(child(command, 'def'), 'ColumnDef');
      if (isSet(command, 'missing_ok') && table.columns.has(textOf(definition, 'colname'))) return;
      return addColumn(table, definition, where);
    }
    case 'AT_DropColumn':
      return dropColumn(schema, table, name);
    case 'AT_AlterColumnType': {
      const known = table.columns.get(name);
      const type = columnType(child(child(child(command, 'def'), 'ColumnDef'), 'typeName'));
      return void table.columns.set(name, { notNull: false, file: null, ...known, name, type });
    }
    case 'AT_ColumnDefault':
    case 'AT_AddIdentity':
      return refill(table, name, command['def'] === undefined);
    case 'AT_SetNotNull':
      return setNotNull(table, name, true);
    case 'AT_DropNotNull':
      return setNotNull(table, name, false);
    case 'AT_AddConstraint':
      return constrain({ schema, table, where }, child(child(command, 'def'), 'Constraint'));
    case 'AT_DropConstraint':
      // An index that is no constraint's stays, whatever its name.
      if (isSet(command, 'missing_ok') && !table.constraints.has(name)) return;
      // With a key goes the index of its name.
      schema.indexes.delete(beside(table.name, name));
      return void table.constraints.delete(name);
    case 'AT_ValidateConstraint': {
      const known = table.constraints.get(name);
      return void table.constraints.set(name, known === undefined ? unseenConstraint(name) : { ...known, valid: true });
    }
    case 'AT_AddInherit':
    case 'AT_DropInherit': {
      const parent = relationKey(child(child(command, 'def'), 'RangeVar'));
      const others = table.parents.filter((one) => one !== parent);
      const parents = textOf(command, 'subtype') === 'AT_AddInherit' ? [...others, parent] : others;
      return void schema.tables.set(table.name, { ...table, parents });
    }
    case 'AT_AttachPartition':
    case 'AT_DetachPartition': {
      const part = child(child(command, 'def'), 'PartitionCmd');
      const partition = relationKey(child(part, 'name'));
      if (textOf(command, 'subtype') === 'AT_DetachPartition') return detach(schema, table, partition);
      return addPart(schema, table.name, { name: partition, rest: isSet(child(part, 'bound'), 'is_default') });
    }
    default:
  }
}

/** Notes that a table is a partition of another, and whether it is that for the rows of no other. */
export function addPart(schema: Schema, parent: string, { name, rest }: { readonly name: string; readonly rest: boolean }): void {
  const table = schema.tables.get(parent) ?? unseen(parent);
  const before = table.partitioned ?? { columns: [], parts: new Set<string>(), rest: null };
  const partitioned = { ...before, parts: new Set([...before.parts, name]), rest: rest ? name : before.rest };
  schema.tables.set(parent, { ...table, partitioned });
}

/** What was a partition keeps the keys of the whole. */
function detach(schema: Schema, whole: Table, partition: string): void {
  const part = schema.tables.get(partition) ?? unseen(partition);
  schema.tables.set(partition, part);
  for (const [name, one] of whole.constraints) if (one.kind === 'foreign' && !part.constraints.has(name)) part.constraints.set(name, one);
  takePart(schema, whole.name, partition);
}

/** Notes that it is no longer one. */
export function takePart(schema: Schema, parent: string, name: string): void {
  const table = schema.tables.get(parent);
  if (table === undefined || table.partitioned === null) return;
  const parts = new Set([...table.partitioned.parts].filter((one) => one !== name));
  const rest = table.partitioned.rest === name ? null : table.partitioned.rest;
  schema.tables.set(parent, { ...table, partitioned: { ...table.partitioned, parts, rest } });
}

/** With the column go the indexes and constraints on it. */
function dropColumn(schema: Schema, table: Table, column: string): void {
  table.columns.delete(column);
  for (const [name, { columns }] of table.constraints) if (columns.includes(column)) table.constraints.delete(name);
  for (const [name, index] of schema.indexes)
    if (index.table === table.name && index.mentions.includes(column)) schema.indexes.delete(name);
}

/** USING INDEX names no columns: they are the index's. */
function constrain({ schema, table, where }: At, node: Node): void {
  const index = textOf(node, 'indexname');
  addConstraint(table, node, where, index === '' ? [] : (schema.indexes.get(index)?.columns ?? []));
}
