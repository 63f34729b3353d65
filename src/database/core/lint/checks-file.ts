import { child, children, textOf } from '../tree.ts';
import { withoutKey } from './checks-style.ts';
import type { Found } from './findings.ts';
import { quoted, sql } from './fixes.ts';
import { beside, relationKey, type Constraint, type Schema } from './schema.ts';
import type { Draft, Placed } from './types.ts';

/** What can be said only when the whole file was read, with the statement it is about. */
export function checkFile(
  placed: readonly Placed[],
  schema: Schema,
  index: number,
): readonly { readonly draft: Draft; readonly placed: Placed }[] {
  const told = newlyIndexed(placed, index);
  const last = new Map<string, Placed>();
  for (const one of placed) if (TOUCHES.has(one.statement.kind)) last.set(relationKey(child(one.statement.node, 'relation')), one);
  return [
    ...[...last].flatMap(([table, one]) =>
      [...unindexed(table, schema, told), ...otherType(table, schema)].map((draft) => ({ draft, placed: one })),
    ),
    ...unanalyzed(placed, schema),
    ...unkeyed(placed, schema),
  ];
}

/** Without what says that a table has no primary key, where it has one again when the file ends. */
export function withoutKeyed(found: readonly Found[], { tables }: Schema): readonly Found[] {
  const keyed = (table: string): boolean => [...(tables.get(table)?.constraints.values() ?? [])].some(({ kind }) => kind === 'primary');
  return found.filter(({ draft }) => draft.rule !== 'no-primary-key' || draft.relation === undefined || !keyed(draft.relation));
}

/** Tables that are still without a primary key when the file ends. */
function unkeyed(placed: readonly Placed[], schema: Schema): readonly { readonly draft: Draft; readonly placed: Placed }[] {
  const renames = placed.flatMap(({ statement: { kind, node } }, index) =>
    kind === 'RenameStmt' && textOf(node, 'renameType') === 'OBJECT_TABLE' ? [{ node, index }] : [],
  );
  return placed.flatMap((one, index) => {
    if (one.statement.kind !== 'CreateStmt') return [];
    const made = relationKey(child(one.statement.node, 'relation'));
    const later = renames.filter((rename) => rename.index > index);
    const keyed = [...(schema.tables.get(nameAfter(made, later))?.constraints.values() ?? [])].some(({ kind }) => kind === 'primary');
    return keyed ? [] : withoutKey(one.statement.node, made).map((draft) => ({ draft, placed: one }));
  });
}

function nameAfter(made: string, renames: readonly Pick<Placed['statement'], 'node'>[]): string {
  return renames.reduce(
    (name, { node }) => (relationKey(child(node, 'relation')) === name ? beside(name, textOf(node, 'newname')) : name),
    made,
  );
}

/** An UPDATE of every row that nothing in the file analyzes afterwards. */
function unanalyzed(placed: readonly Placed[], schema: Schema): readonly { readonly draft: Draft; readonly placed: Placed }[] {
  if (placed.some(({ statement }) => statement.kind === 'VacuumStmt')) return [];
  return placed
    .filter(({ statement: { kind, node } }) => kind === 'UpdateStmt' && node['whereClause'] === undefined)
    .flatMap((one) => {
      const table = relationKey(child(one.statement.node, 'relation'));
      if (schema.tables.get(table)?.temporary === true) return [];
      return [
        {
          draft: {
            rule: 'analyze-after',
            message: `every row of ${table} changed, and nothing analyzes it`,
            relation: table,
            fix: sql(`ANALYZE ${quoted(table)}`),
          },
          placed: one,
        },
      ];
    });
}

/** Foreign keys between columns of different types, where both are known. */
function otherType(table: string, schema: Schema): readonly Draft[] {
  return [...(schema.tables.get(table)?.constraints.values() ?? [])].flatMap((one) => {
    const [column, more] = one.columns;
    if (one.referenced === null || column === undefined || more !== undefined) return [];
    const [mine, theirs] = [baseOf(schema, table, column), baseOf(schema, one.referenced, one.keys[0] ?? keyOf(schema, one.referenced))];
    if (mine === null || theirs === null || mine === theirs) return [];
    const message = `${table}.${column} is ${mine}, and what it references in ${one.referenced} is ${theirs}`;
    return [{ rule: 'reference-type', message, relation: table } as const];
  });
}

/** The only column of a table's primary key; empty where it has another number of them. */
function keyOf(schema: Schema, table: string): string {
  const key = [...(schema.tables.get(table)?.constraints.values() ?? [])].find(({ kind }) => kind === 'primary');
  return key?.columns.length === 1 ? (key.columns[0] ?? '') : '';
}

function baseOf(schema: Schema, table: string, column: string): string | null {
  return schema.tables.get(table)?.columns.get(column)?.type?.base ?? null;
}

const TOUCHES: ReadonlySet<string> = new Set(['CreateStmt', 'AlterTableStmt', 'IndexStmt']);

/** Is a foreign key worth a word here: is it new, or did this file build an index that has to do with it? An older file was told already. */
function newlyIndexed(placed: readonly Placed[], index: number): (table: string, key: Constraint) => boolean {
  const built = placed.flatMap(({ statement: { kind, node } }) => {
    if (kind !== 'IndexStmt') return [];
    const columns = children(node, 'indexParams').map((one) => textOf(child(one, 'IndexElem'), 'name'));
    return [{ table: relationKey(child(node, 'relation')), columns }];
  });
  return (table, { file, columns }) =>
    file === index || built.some((one) => one.table === table && columns.some((column) => one.columns.includes(column)));
}

/** Foreign keys whose columns begin no whole index: the other table's DELETE looks for them row by row. */
function unindexed(table: string, schema: Schema, told: (table: string, key: Constraint) => boolean): readonly Draft[] {
  const known = schema.tables.get(table);
  if (known?.whole !== true) return [];
  const indexes = [...schema.indexes.values()].filter((one) => one.table === table && !one.partial).map(({ columns }) => columns);
  const keys = [...known.constraints.values()].filter(({ kind }) => kind === 'primary' || kind === 'unique').map(({ columns }) => columns);
  return [...known.constraints.values()]
    .filter((one) => one.kind === 'foreign' && told(table, one) && ![...indexes, ...keys].some((columns) => begins(columns, one)))
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
