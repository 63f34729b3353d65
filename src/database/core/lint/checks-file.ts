import { child } from '../tree.ts';
import { quoted, sql } from './fixes.ts';
import { relationKey, type Constraint, type Schema } from './schema.ts';
import type { Draft, Placed } from './types.ts';

/** What can be said only when the whole file was read, with the statement it is about. */
export function checkFile(placed: readonly Placed[], schema: Schema): readonly { readonly draft: Draft; readonly placed: Placed }[] {
  const last = new Map<string, Placed>();
  for (const one of placed) if (TOUCHES.has(one.statement.kind)) last.set(relationKey(child(one.statement.node, 'relation')), one);
  return [...last].flatMap(([table, one]) => unindexed(table, schema).map((draft) => ({ draft, placed: one })));
}

const TOUCHES: ReadonlySet<string> = new Set(['CreateStmt', 'AlterTableStmt', 'IndexStmt']);

/** Foreign keys whose columns begin no whole index: the other table's DELETE looks for them row by row. */
function unindexed(table: string, schema: Schema): readonly Draft[] {
  const known = schema.tables.get(table);
  if (known?.whole !== true) return [];
  const indexes = [...schema.indexes.values()].filter((one) => one.table === table && !one.partial).map(({ columns }) => columns);
  const keys = [...known.constraints.values()].filter(({ kind }) => kind === 'primary' || kind === 'unique').map(({ columns }) => columns);
  return [...known.constraints.values()]
    .filter((one) => one.kind === 'foreign' && ![...indexes, ...keys].some((columns) => begins(columns, one)))
    .map((one) => draftOf(table, one));
}

function begins(columns: readonly string[], { columns: wanted }: Constraint): boolean {
  return wanted.every((column) => columns.slice(0, wanted.length).includes(column));
}

function draftOf(table: string, { columns, referenced }: Constraint): Draft {
  return {
    rule: 'unindexed-reference',
    message: `no index of ${table} begins with ${columns.join(', ')}, which references ${referenced ?? 'another table'}`,
    relation: table,
    fix: sql(`CREATE INDEX CONCURRENTLY ON ${quoted(table)} (${columns.map(quoted).join(', ')})`),
  };
}
