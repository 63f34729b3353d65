import type { Statement } from '../types.ts';
import { action } from './recognise-parts.ts';
import type { Constraint, Schema, Table, View } from './schema.ts';
import type { Action, Detail } from './types.ts';

type Node = Statement['node'];

/** Tables that a foreign key joins to another are locked with it; which ones is known as far as their keys are. */
export interface Referring {
  readonly schema: Schema;
  readonly table: string;
}

/** The foreign keys of other tables that reference this one, with their tables. */
export function referringTo({ schema, table }: Referring): readonly { readonly child: Table; readonly key: Constraint }[] {
  return [...schema.tables.values()].flatMap((child) =>
    child.name === table
      ? []
      : [...child.constraints.values()].filter(({ referenced }) => referenced === table).map((key) => ({ child, key })),
  );
}

/** Other tables that the foreign keys of a table reference; with `column`, only of those keys it is part of. */
export function referencedBy({ schema, table }: Referring, column?: string): readonly string[] {
  const keys = [...(schema.tables.get(table)?.constraints.values() ?? [])];
  return unique(
    keys.flatMap(({ referenced, columns }) =>
      referenced !== null && referenced !== table && (column === undefined || columns.includes(column)) ? [referenced] : [],
    ),
  );
}

/** Tables whose foreign keys reference a column of this one: by name, or as its primary key. */
export function childrenOf(at: Referring, column: string): readonly string[] {
  const primary = [...(at.schema.tables.get(at.table)?.constraints.values() ?? [])].find(({ kind }) => kind === 'primary');
  return unique(
    referringTo(at).flatMap(({ child, key }) =>
      (key.keys.length === 0 ? (primary?.columns ?? []) : key.keys).includes(column) ? [child.name] : [],
    ),
  );
}

/** Every table that TRUNCATE ... CASCADE reaches: those that reference it, those that reference them, and so on. */
export function reachedFrom({ schema, table }: Referring): readonly string[] {
  const reached = new Set<string>();
  const open = [table];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const { child } of referringTo({ schema, table: next })) {
      if (reached.has(child.name) || child.name === table) continue;
      reached.add(child.name);
      open.push(child.name);
    }
  return [...reached];
}

/** What a change of a column's type does to tables that foreign keys join to it. */
export function typeNeighbours(
  at: Referring,
  column: string,
  node: Node,
  detail: Detail & { readonly writes: boolean },
): readonly Action[] {
  const { writes, ...rest } = detail;
  return [
    ...referencedBy(at, column).map((referenced) =>
      action(writes ? 'change type rewrite referencing' : 'change type free referencing', { referenced }, node, undefined, rest),
    ),
    ...childrenOf(at, column).map((child) =>
      action(writes ? 'change type rewrite referenced' : 'change type free referenced', { child }, node, undefined, rest),
    ),
  ];
}

/** What dropping a column does to the tables its foreign keys reference, and, with CASCADE, to those that reference it. */
export function dropNeighbours(at: Referring, column: string, node: Node, cascade: boolean): readonly Action[] {
  return [
    ...referencedBy(at, column).map((referenced) => action('drop column referencing', { referenced }, node, undefined, { column })),
    ...(cascade ? childrenOf(at, column).map((child) => action('drop column referenced', { child }, node, undefined, { column })) : []),
    ...(cascade ? dropViews(at, node, column) : []),
  ];
}

/** The views that go with a table, or with a column of it, when it is dropped with CASCADE. */
export function dropViews({ schema, table }: Referring, node: Node, column?: string): readonly Action[] {
  const reads = ({ reads: tables, columns, mentions }: View): boolean =>
    tables.includes(table) &&
    (column === undefined || (columns === null ? mentions === null || mentions.includes(column) : columns.has(`${table}.${column}`)));
  return [...schema.views]
    .filter(([, view]) => reads(view))
    .map(([name]) => action(schema.tables.has(name) ? 'drop materialized view' : 'drop view', { a_view: name }, node));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
