import { neededIn } from '../lint/checks-dependants.ts';
import { wrongIn } from '../lint/checks-there.ts';
import { plainName, type Schema, type Table } from '../lint/schema.ts';
import { mayBeGiven, type Wrong } from '../lint/there-wrong.ts';
import { child, children, droppedNames, isSet, relationName, textOf, truncatedNames } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Refusal } from './refused.ts';

/** What statements meet. */
export interface Ground {
  readonly schema: Schema;
  /** Names in use that the schema does not tell of: sequences, foreign tables, indexes that are not valid. */
  readonly others: ReadonlySet<string>;
  /** Is it known which one each name without a schema means? Their schemas are written out then; else nothing is said of such a name. */
  readonly bare: boolean;
  /** May there be more than the schema tells: what an extension brought along? */
  readonly more?: boolean;
}

type Node = Statement['node'];

/** Why PostgreSQL refuses a statement on this ground, as far as its catalog tells it for certain; empty where it tells nothing. */
export function refusalsOf(statement: Statement, ground: Ground): readonly Refusal[] {
  const holding = held(statement, ground);
  const needed = neededIn(statement, ground.schema).map(({ what, because }) => `it cannot ${what}: ${because}`);
  const reasons = [...missing(statement, ground), ...taken(statement, ground), ...(holding.length > 0 ? holding : needed)];
  // Of what is there, or not, the linter knows more. It is asked where nothing was found, so that nothing is told twice.
  const all = reasons.length > 0 || !ground.bare ? reasons : wrongIn(statement, ground.schema).map(told);
  return [...new Set(all)].map((why) => ({ line: statement.line, why }));
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

export const inUse = (name: string, { tables, views, indexes }: Schema): boolean =>
  tables.has(name) || views.has(name) || indexes.has(name);

const ON_RELATION = new Set(['IndexStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'CopyStmt', 'CreateTrigStmt']);

/** The relations that must be there for it, as written. */
function needed({ kind, node }: Statement): readonly string[] {
  if (isSet(node, 'missing_ok')) return [];
  if (kind === 'TruncateStmt') return truncatedNames(node);
  if (kind === 'DropStmt') return textOf(node, 'removeType') in DROPPED ? droppedNames(node) : [];
  const altered = kind === 'AlterTableStmt' && textOf(node, 'objtype') === 'OBJECT_TABLE';
  const renamed = kind === 'RenameStmt' && ['OBJECT_TABLE', 'OBJECT_COLUMN'].includes(textOf(node, 'renameType'));
  return altered || renamed || ON_RELATION.has(kind) ? [relationName(child(node, 'relation'))] : [];
}

const DROPPED: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_INDEX: 'index',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
};

/** Is there anything of a statement that the catalog could refuse? */
export function isAsked(statement: Statement): boolean {
  const { kind, node } = statement;
  const drops = kind === 'DropStmt' && textOf(node, 'behavior') !== 'DROP_CASCADE';
  return drops || kind === 'AlterTableStmt' || kind === 'ViewStmt' || needed(statement).length > 0 || madeBy(statement) !== null;
}

function missing(statement: Statement, ground: Ground): readonly string[] {
  if (ground.more === true) return [];
  const keys = needed(statement).map((written) => keyOf(written, ground));
  const word = DROPPED[textOf(statement.node, 'removeType')] ?? 'table';
  const known = (key: string): boolean =>
    inUse(key, ground.schema) ||
    ground.others.has(key) ||
    ground.schema.dependants.temporary.has(key) ||
    (statement.kind !== 'DropStmt' && mayBeGiven(key));
  return keys.flatMap((key) => (key === null || known(key) ? [] : [`there is no ${word} ${key}`]));
}

/** The relation that it makes, as written; null where one that is there already may stay. */
function madeBy({ kind, node }: Statement): { readonly what: string; readonly name: string } | null {
  if (isSet(node, 'if_not_exists') || isSet(node, 'replace')) return null;
  switch (kind) {
    case 'CreateStmt':
      return named('table', child(node, 'relation'));
    case 'CreateTableAsStmt':
      return named(textOf(node, 'objtype') === 'OBJECT_MATVIEW' ? 'view' : 'table', child(child(node, 'into'), 'rel'));
    case 'ViewStmt':
      return named('view', child(node, 'view'));
    case 'IndexStmt': {
      const [index, table] = [textOf(node, 'idxname'), relationName(child(node, 'relation'))];
      if (index === '') return null;
      return { what: 'index', name: table.includes('.') ? `${table.slice(0, table.lastIndexOf('.'))}.${index}` : index };
    }
    default:
      return null;
  }
}

/** A temporary one may have a name that is in use. */
const named = (what: string, rangeVar: Node): { readonly what: string; readonly name: string } | null =>
  textOf(rangeVar, 'relpersistence') === 't' ? null : { what, name: relationName(rangeVar) };

function taken(statement: Statement, ground: Ground): readonly string[] {
  const made = madeBy(statement);
  const key = made === null ? null : keyOf(made.name, ground);
  if (made === null || key === null || !inUse(key, ground.schema)) return [];
  const is = ground.schema.indexes.has(key) ? 'an index' : ground.schema.views.has(key) ? 'a view' : 'a table';
  return [`it makes the ${made.what} ${key}, and there is ${is} of that name already`];
}

/** What holds on to that which a statement drops or changes, and columns that are there or not. */
function held(statement: Statement, ground: Ground): readonly string[] {
  const { kind, node } = statement;
  if (kind === 'DropStmt') return textOf(node, 'removeType') === 'OBJECT_TABLE' ? tablesHeld(node, ground) : [];
  if (kind === 'IndexStmt' && isSet(node, 'concurrent')) return builtAside(node, ground);
  if (kind === 'InsertStmt' || kind === 'UpdateStmt') return columnsMissing(statement, ground);
  if (kind !== 'AlterTableStmt' || textOf(node, 'objtype') !== 'OBJECT_TABLE') return [];
  const table = ground.schema.tables.get(keyOf(relationName(child(node, 'relation')), ground) ?? '');
  if (table === undefined) return [];
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  return commands.flatMap((command) => alterRefusals(command, { table, schema: ground.schema, commands }));
}

/** Columns that rows are written into, by name. */
function columnsMissing({ kind, node }: Statement, ground: Ground): readonly string[] {
  const table = ground.schema.tables.get(keyOf(relationName(child(node, 'relation')), ground) ?? '');
  if (table === undefined || !table.whole || isHeir(ground.schema, table.name)) return [];
  const written = children(node, kind === 'InsertStmt' ? 'cols' : 'targetList').map((one) => textOf(child(one, 'ResTarget'), 'name'));
  return written.filter((name) => name !== '' && !table.columns.has(name)).map((name) => `there is no column ${table.name}.${name}`);
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

interface Altered {
  readonly table: Table;
  readonly schema: Schema;
  /** All of the statement, which PostgreSQL does in an order of its own: what goes, goes first. */
  readonly commands: readonly Node[];
}

const ON_COLUMN = new Set(['AT_DropColumn', 'AT_AlterColumnType', 'AT_SetNotNull', 'AT_DropNotNull', 'AT_ColumnDefault']);

function alterRefusals(command: Node, altered: Altered): readonly string[] {
  const { table, schema } = altered;
  const subtype = textOf(command, 'subtype');
  if (subtype === 'AT_AddColumn' || subtype === 'AT_AddConstraint') return added(command, altered);
  if (!ON_COLUMN.has(subtype)) return [];
  const column = textOf(command, 'name');
  if (table.columns.has(column)) return columnHeld(command, { table, schema, column });
  const known = table.whole && !isHeir(schema, table.name) && !isSet(command, 'missing_ok');
  return known && !addedBeside(altered, column) ? [`there is no column ${table.name}.${column}`] : [];
}

const addedBeside = ({ commands }: Altered, column: string): boolean =>
  commands.some((one) => textOf(one, 'subtype') === 'AT_AddColumn' && textOf(child(child(one, 'def'), 'ColumnDef'), 'colname') === column);

function added(command: Node, { table, schema, commands }: Altered): readonly string[] {
  const goes = (kind: string, name: string): boolean =>
    commands.some((one) => textOf(one, 'subtype') === kind && textOf(one, 'name') === name);
  if (textOf(command, 'subtype') === 'AT_AddColumn') {
    const column = textOf(child(child(command, 'def'), 'ColumnDef'), 'colname');
    const whole = [...schema.tables.values()].find(({ partitioned }) => partitioned?.parts.has(table.name) === true);
    if (whole !== undefined) return [`it adds the column ${column} to ${table.name}, which is a partition; add it to ${whole.name}`];
    const free = isSet(command, 'missing_ok') || !table.columns.has(column) || goes('AT_DropColumn', column);
    return free ? [] : [`it adds the column ${table.name}.${column}, which is there already`];
  }
  const constraint = textOf(child(child(command, 'def'), 'Constraint'), 'conname');
  const free = !table.constraints.has(constraint) || goes('AT_DropConstraint', constraint);
  return free ? [] : [`it adds the constraint ${constraint} to ${table.name}, which has one of that name already`];
}

function columnHeld(command: Node, { table, schema, column }: Omit<Altered, 'commands'> & { readonly column: string }): readonly string[] {
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
