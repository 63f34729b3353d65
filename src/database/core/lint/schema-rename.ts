import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { beside, plainName, relationKey, type Constraint, type Schema, type Table } from './schema.ts';

type Node = Statement['node'];

const OF_INDEX: ReadonlySet<string> = new Set(['primary', 'unique', 'exclude']);

/** Gives things their new names, everywhere they are known by the old one. */
export function rename(schema: Schema, node: Node): void {
  const name = relationKey(child(node, 'relation'));
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  switch (textOf(node, 'renameType')) {
    case 'OBJECT_TABLE':
      return renameTable(schema, name, beside(name, after));
    case 'OBJECT_COLUMN':
      return renameColumn(schema, name, { before, after });
    case 'OBJECT_TABCONSTRAINT': {
      // A key and its index have one name.
      if (OF_INDEX.has(schema.tables.get(name)?.constraints.get(before)?.kind ?? ''))
        moveKey(schema.indexes, beside(name, before), beside(name, after));
      return moveKey(schema.tables.get(name)?.constraints, before, after);
    }
    case 'OBJECT_INDEX':
      return moveKey(schema.indexes, name, beside(name, after));
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
      move(schema.views, name, beside(name, after));
      moveKey(schema.tables, name, beside(name, after));
      return renameRead(schema, name, beside(name, after));
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN': {
      const type = plainName(nameParts(children(child(child(node, 'object'), 'List'), 'items')).join('.'));
      return renameType(schema, type, beside(type, after));
    }
    default:
  }
}

/** ALTER TABLE ... SET SCHEMA: its indexes go with it. */
export function moveToSchema(schema: Schema, node: Node): void {
  if (textOf(node, 'objectType') !== 'OBJECT_TABLE') return;
  const name = relationKey(child(node, 'relation'));
  renameTable(schema, name, plainName(`${textOf(node, 'newschema')}.${name.split('.').at(-1) ?? name}`));
}

function renameTable(schema: Schema, name: string, to: string): void {
  const table = schema.tables.get(name);
  schema.tables.delete(name);
  if (table !== undefined) schema.tables.set(to, { ...table, name: to });
  for (const [key, index] of schema.indexes) if (index.table === name) schema.indexes.set(key, { ...index, table: to });
  renameRead(schema, name, to);
  for (const [key, { parents, ...other }] of schema.tables)
    if (parents.includes(name)) schema.tables.set(key, { ...other, parents: parents.map((one) => (one === name ? to : one)) });
  for (const other of schema.tables.values()) {
    eachConstraint(other, (one) => (one.referenced === name ? { ...one, referenced: to } : one));
    if (other.partitioned?.parts.has(name) !== true) continue;
    const parts = new Set([...other.partitioned.parts].map((part) => (part === name ? to : part)));
    const rest = other.partitioned.rest === name ? to : other.partitioned.rest;
    schema.tables.set(other.name, { ...other, partitioned: { ...other.partitioned, parts, rest } });
  }
}

/** Views go on reading it under its new name. */
function renameRead(schema: Schema, name: string, to: string): void {
  for (const [key, view] of schema.views) {
    if (!view.reads.includes(name)) continue;
    const columns =
      view.columns === null ? null : [...view.columns].map((one) => (isOf(name, one) ? `${to}${one.slice(name.length)}` : one));
    const reads = view.reads.map((one) => (one === name ? to : one));
    schema.views.set(key, { ...view, reads, columns: columns === null ? null : new Set(columns) });
  }
}

/** Is it `table.column` of this table? */
const isOf = (table: string, column: string): boolean => column.slice(0, column.lastIndexOf('.')) === table;

interface Renamed {
  readonly before: string;
  readonly after: string;
}

function heirsOf({ tables }: Schema, name: string): readonly string[] {
  const heirs = [...tables.values()].filter(({ parents }) => parents.includes(name)).map((one) => one.name);
  return [...heirs, ...(tables.get(name)?.partitioned?.parts ?? [])];
}

function renameColumn(schema: Schema, name: string, { before, after }: Renamed): void {
  const swap = (columns: readonly string[]): readonly string[] => columns.map((one) => (one === before ? after : one));
  const table = schema.tables.get(name);
  moveKey(table?.columns, before, after);
  if (table?.partitioned !== undefined && table.partitioned !== null)
    schema.tables.set(name, { ...table, partitioned: { ...table.partitioned, columns: swap(table.partitioned.columns) } });
  if (table !== undefined)
    eachConstraint(table, (one) => ({
      ...one,
      columns: swap(one.columns),
      present: swap(one.present),
      // A comparison is text: after a rename it is not known any more.
      compares: one.columns.includes(before) ? [] : one.compares,
    }));
  for (const other of schema.tables.values())
    eachConstraint(other, (one) => (one.referenced === name ? { ...one, keys: swap(one.keys) } : one));
  for (const [key, index] of schema.indexes)
    if (index.table === name) schema.indexes.set(key, { ...index, columns: swap(index.columns), mentions: swap(index.mentions) });
  renameReadColumn(schema, name, { before, after });
  // Those that inherit it have it under its new name too.
  for (const heir of heirsOf(schema, name)) renameColumn(schema, heir, { before, after });
}

/** Views go on reading the column under its new name. */
function renameReadColumn(schema: Schema, name: string, { before, after }: Renamed): void {
  const swapped = (names: readonly string[], from: string, to: string): readonly string[] => names.map((one) => (one === from ? to : one));
  for (const [key, view] of schema.views) {
    const columns = view.columns === null ? null : new Set(swapped([...view.columns], `${name}.${before}`, `${name}.${after}`));
    // Of several relations nobody knows whose column a name in a text is.
    const only = view.reads.length === 1 && view.reads[0] === name;
    const mentions = view.mentions === null || !only ? view.mentions : swapped(view.mentions, before, after);
    schema.views.set(key, { ...view, columns, mentions });
  }
}

function renameType(schema: Schema, name: string, to: string): void {
  move(schema.enums, name, to);
  move(schema.domains, name, to);
  for (const table of schema.tables.values())
    for (const [key, column] of table.columns)
      if (column.type !== null && plainName(column.type.base) === name)
        table.columns.set(key, { ...column, type: { ...column.type, base: to } });
}

function eachConstraint(table: Table, change: (one: Constraint) => Constraint): void {
  for (const [key, one] of table.constraints) table.constraints.set(key, change(one));
}

function move<T>(map: Map<string, T>, before: string, after: string): void {
  const value = map.get(before);
  if (value === undefined) return;
  map.delete(before);
  map.set(after, value);
}

function moveKey<T extends { readonly name: string }>(map: Map<string, T> | undefined, before: string, after: string): void {
  const value = map?.get(before);
  if (map === undefined || value === undefined) return;
  map.delete(before);
  map.set(after, { ...value, name: after });
}
