import { neededIn } from '../lint/checks-dependants.ts';
import { wrongIn } from '../lint/checks-there.ts';
import { plainName, type Schema, type Table } from '../lint/schema.ts';
import type { Wrong } from '../lint/there-wrong.ts';
import { child, children, droppedNames, isSet, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Refusal } from './refused.ts';

/** What statements meet. */
export interface Ground {
  readonly schema: Schema;
  /** Is it known which one each name without a schema means? Their schemas are written out then; else nothing is said of such a name. */
  readonly bare: boolean;
}

type Node = Statement['node'];

/** Why PostgreSQL refuses a statement on this ground, as far as its catalog tells it for certain; empty where it tells nothing. */
export function refusalsOf(statement: Statement, ground: Ground): readonly Refusal[] {
  const wrong = wrongIn(statement, ground.schema).filter(({ relation }) => ground.bare || relation?.includes('.') === true);
  const holding = held(statement, ground);
  const needed = neededIn(statement, ground.schema).map(({ what, because }) => `it cannot ${what}: ${because}`);
  const reasons = [...wrong.map(told), ...(holding.length > 0 ? holding : needed)];
  return [...new Set(reasons)].map((why) => ({ line: statement.line, why }));
}

function told({ rule, what }: Wrong): string {
  if (rule === 'already-there') return `${what} is there already`;
  return rule === 'not-there' ? `${what} is not there` : `it gives ${what}`;
}

/** A name as the schema has it; null where nobody can tell from it which relation is meant. */
export function keyOf(written: string, { bare }: Pick<Ground, 'bare'>): string | null {
  const parts = written.split('.');
  const known = parts.length === 1 ? bare : parts.length === 2;
  return !known || written === '' || /^(?:pg_|information_schema\b)/.test(written) ? null : plainName(written);
}

const ASKED = new Set([
  'AlterTableStmt',
  'CopyStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'CreateTrigStmt',
  'DeleteStmt',
  'DropStmt',
  'IndexStmt',
  'InsertStmt',
  'MergeStmt',
  'RenameStmt',
  'TruncateStmt',
  'UpdateStmt',
  'ViewStmt',
]);

/** Is there anything of a statement that the catalog could refuse? */
export function isAsked({ kind, node }: Statement): boolean {
  const made = [child(node, 'relation'), child(child(node, 'into'), 'rel')];
  if (kind.startsWith('Create') && made.some((one) => textOf(one, 'relpersistence') === 't')) return false;
  const mayStay = kind.startsWith('Create') && isSet(node, 'if_not_exists');
  const mayGo = kind === 'DropStmt' && isSet(node, 'missing_ok') && textOf(node, 'behavior') === 'DROP_CASCADE';
  return ASKED.has(kind) && !mayStay && !mayGo;
}

/** What holds on to that which a statement drops or changes, as far as lint does not tell it. */
function held(statement: Statement, ground: Ground): readonly string[] {
  const { kind, node } = statement;
  if (kind === 'DropStmt') return textOf(node, 'removeType') === 'OBJECT_TABLE' ? tablesHeld(node, ground) : [];
  if (kind === 'IndexStmt' && isSet(node, 'concurrent')) return builtAside(node, ground);
  if (kind !== 'AlterTableStmt' || textOf(node, 'objtype') !== 'OBJECT_TABLE') return [];
  const table = ground.schema.tables.get(keyOf(relationName(child(node, 'relation')), ground) ?? '');
  if (table === undefined) return [];
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  return commands.flatMap((command) => alterRefusals(command, table, ground.schema));
}

/** An index on all of a partitioned table is built under its lock, or on each partition by itself. */
function builtAside(node: Node, ground: Ground): readonly string[] {
  const key = keyOf(relationName(child(node, 'relation')), ground) ?? '';
  const partitioned = (ground.schema.tables.get(key)?.partitioned ?? null) !== null;
  return partitioned
    ? [
        `it builds an index CONCURRENTLY on ${key}, which is partitioned; build it on each partition, then attach them to one ON ONLY ${key}`,
      ]
    : [];
}

/** A table with its partitions, and theirs. */
function withParts(key: string, schema: Schema): readonly string[] {
  const parts = [...(schema.tables.get(key)?.partitioned?.parts ?? [])];
  return [key, ...parts.flatMap((part) => withParts(part, schema))];
}

function tablesHeld(node: Node, ground: Ground): readonly string[] {
  if (textOf(node, 'behavior') === 'DROP_CASCADE') return [];
  const keys = droppedNames(node).map((written) => keyOf(written, ground));
  return keys.flatMap((key) => {
    if (key === null || !ground.schema.tables.has(key)) return [];
    const gone = withParts(key, ground.schema);
    const views = [...ground.schema.views]
      .filter(([, { reads }]) => gone.some((one) => reads.includes(one)))
      .map(([name]) => `view ${name}`);
    const tables = [...ground.schema.tables.values()].filter(({ name }) => !keys.includes(name));
    const heirs = tables.filter(({ parents }) => parents.includes(key)).map(({ name }) => `table ${name}, which inherits from it,`);
    const users = [...views, ...heirs, ...keysOf(tables, ground.schema, key).map(({ text }) => text)];
    return users.length === 0
      ? []
      : [`it drops the table ${key}, which ${users.join(' and ')} still ${users.length === 1 ? 'needs' : 'need'}`];
  });
}

interface Key {
  readonly columns: readonly string[];
  readonly text: string;
}

/** Foreign keys of these tables to another. Those to a partition are the server's own copies of its whole's. */
function keysOf(tables: readonly Table[], schema: Schema, key: string): readonly Key[] {
  if (isHeir(schema, key)) return [];
  return tables.flatMap(({ name, constraints }) =>
    [...constraints.values()]
      .filter(({ kind, referenced }) => kind === 'foreign' && referenced === key && name !== key)
      .map((one) => ({ columns: one.keys, text: `foreign key ${one.name} of ${name}` })),
  );
}

/** It has columns from another table, which change with that. */
function isHeir({ tables }: Schema, key: string): boolean {
  return (tables.get(key)?.parents.length ?? 0) > 0 || [...tables.values()].some(({ partitioned }) => partitioned?.parts.has(key) === true);
}

function alterRefusals(command: Node, table: Table, schema: Schema): readonly string[] {
  if (textOf(command, 'subtype') === 'AT_AddColumn') return addedToPart(command, table, schema);
  const column = textOf(command, 'name');
  return table.columns.has(column) ? columnHeld(command, { table, schema, column }) : [];
}

/** A partition gets its columns from the whole, and an heir has those of its parents, which change with them. */
function addedToPart(command: Node, table: Table, schema: Schema): readonly string[] {
  const column = textOf(child(child(command, 'def'), 'ColumnDef'), 'colname');
  const whole = [...schema.tables.values()].find(({ partitioned }) => partitioned?.parts.has(table.name) === true);
  if (whole !== undefined) return [`it adds the column ${column} to ${table.name}, which is a partition; add it to ${whole.name}`];
  const inherited = table.parents.some((parent) => schema.tables.get(parent)?.columns.has(column) === true);
  return inherited && !isSet(command, 'missing_ok') ? [`column ${column} of ${table.name} is there already`] : [];
}

interface Held {
  readonly table: Table;
  readonly schema: Schema;
  readonly column: string;
}

function columnHeld(command: Node, { table, schema, column }: Held): readonly string[] {
  const at = `${table.name}.${column}`;
  const parts = withParts(table.name, schema);
  const views = [...schema.views].filter(([, { reads, columns, mentions }]) =>
    columns === null
      ? reads.length === 1 && parts.includes(reads[0] ?? '') && mentions?.includes(column) === true
      : parts.some((part) => columns.has(`${part}.${column}`)),
  );
  const readers = views.map(([name]) => `view ${name}`);
  if (textOf(command, 'subtype') === 'AT_AlterColumnType' && readers.length > 0)
    return [
      `it changes the type of ${at}, which ${readers.join(' and ')} ${readers.length === 1 ? 'reads' : 'read'}; drop the view first and make it again after`,
    ];
  if (textOf(command, 'subtype') !== 'AT_DropColumn' || textOf(command, 'behavior') === 'DROP_CASCADE') return [];
  const keys = keysOf([...schema.tables.values()], schema, table.name).filter(({ columns }) => columns.includes(column));
  const users = [...readers, ...keys.map(({ text }) => text)];
  return users.length === 0
    ? []
    : [`it drops the column ${at}, which ${users.join(' and ')} still ${users.length === 1 ? 'needs' : 'need'}`];
}
