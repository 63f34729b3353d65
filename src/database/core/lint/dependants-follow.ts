import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { calledFunctions } from './called.ts';
import { forgetAll, type Dependant, type Dependants } from './dependant.ts';
import { renameNeeded } from './dependants-rename.ts';
import { dependantsOf } from './dependants.ts';
import { plainName, relationKey, type Schema } from './schema.ts';
import { viewColumns } from './view-columns.ts';

type Node = Statement['node'];

/**
 * Forgets what a statement drops, renames or changes, or may have.
 * @param schema as it is before the statement
 * @param plain is it known which schema a bare name is of?
 */
export function forgetDependants(schema: Schema, statement: Statement, plain: boolean): void {
  const { dependants } = schema;
  if (setsPathForLater(statement)) dependants.blind = true;
  if (dependants.blind || isOpaque(statement, schema) || (!plain && CHANGES.has(statement.kind))) return forgetAll(dependants);
  if (statement.kind === 'RenameStmt' && renameNeeded(schema, statement.node)) return;
  const gone = FORGETS[statement.kind]?.(statement.node, schema) ?? null;
  if (gone === 'all') return forgetAll(dependants);
  if (gone !== null) forget(dependants, gone);
}

/**
 * Notes what a statement made dependent for certain.
 * @param schema as it is after the statement
 */
export function noteDependants(schema: Schema, statement: Statement): void {
  const { dependants } = schema;
  if (dependants.blind || isTemporary(statement, dependants)) return;
  const made = dependantsOf(statement, schema);
  if (made.length > 0) dependants.list = [...dependants.list, ...made];
  const view = statement.kind === 'ViewStmt' ? relationKey(child(statement.node, 'view')) : null;
  const columns = view === null ? null : viewColumns(statement.node);
  if (view !== null && columns !== null) dependants.columns.set(view, columns);
}

/** ALTER ROLE or DATABASE ... SET search_path is for sessions that begin later. */
function setsPathForLater({ kind, node }: Statement): boolean {
  return (kind === 'AlterRoleSetStmt' || kind === 'AlterDatabaseSetStmt') && textOf(child(node, 'setstmt'), 'name') === 'search_path';
}

type Gone = (one: Dependant) => boolean;

function forget(dependants: Dependants, gone: Gone): void {
  dependants.list = dependants.list.filter((one) => !gone(one));
  for (const view of dependants.columns.keys())
    if (gone({ kind: 'relation', name: '', as: 'view', owner: view, column: '', part: '', told: '', undo: '' }))
      dependants.columns.delete(view);
}

/** Everything of a relation, and everything that needs it or a column of it. */
function mentions(relation: string): Gone {
  return ({ kind, name, owner }) =>
    owner === relation ||
    ((kind === 'relation' || kind === 'index') && name === relation) ||
    (kind === 'column' && name.startsWith(`${relation}.`));
}

/** The same of all that reads them: under its new name it goes with them, and nobody could tell any more. */
function mentionsAll(relations: readonly string[], dependants: Dependants): Gone {
  const all = withReaders(relations, dependants).map(mentions);
  return (one) => all.some((each) => each(one));
}

/** Statements that make, drop or change what has a name. */
const CHANGES = new Set([
  'CreateStmt',
  'CreateTableAsStmt',
  'ViewStmt',
  'DropStmt',
  'AlterTableStmt',
  'RenameStmt',
  'AlterObjectSchemaStmt',
  'CreateTrigStmt',
  'CreateFunctionStmt',
]);
const OPAQUE = new Set([
  'DoStmt',
  'CallStmt',
  'DropOwnedStmt',
  'AlterExtensionStmt',
  'AlterExtensionContentsStmt',
  'DiscardStmt',
  'ExecuteStmt',
]);
/** Functions of PostgreSQL that queries of migrations call, and that change no schema. */
const HARMLESS = new Set(
  'set_config setval nextval currval now pg_sleep count max min sum coalesce pg_advisory_lock pg_advisory_xact_lock'.split(' '),
);

/** May it have dropped anything, without anybody seeing it? */
export function isOpaque(statement: Statement, { functions }: Schema): boolean {
  const { kind, node } = statement;
  if (OPAQUE.has(kind)) return true;
  if (kind === 'TransactionStmt') return textOf(node, 'kind').startsWith('TRANS_STMT_ROLLBACK');
  if (kind !== 'SelectStmt') return false;
  return calledFunctions(statement).some((name) => {
    if (HARMLESS.has(name.split('.').at(-1) ?? name)) return false;
    const made = functions.get(name);
    const opens = made === undefined || made.hidden || (made.body.length === 0 && made.stable !== true);
    return opens || made.body.some((inner) => CHANGES.has(inner.statement.kind) || inner.statement.kind === 'SelectStmt');
  });
}

/** A temporary relation stands before one of its name that is not. */
function isTemporary({ kind, node }: Statement, dependants: Dependants): boolean {
  const made =
    kind === 'CreateStmt' ? child(node, 'relation') : kind === 'ViewStmt' ? child(node, 'view') : child(child(node, 'into'), 'rel');
  if (textOf(made, 'relpersistence') !== 't') return false;
  forget(dependants, mentions(relationKey(made)));
  return true;
}

const FORGETS: Readonly<Record<string, (node: Node, schema: Schema) => Gone | 'all' | null>> = {
  DropStmt: dropped,
  AlterTableStmt: altered,
  RenameStmt: renamed,
  AlterSeqStmt: (node) => mentions(relationKey(child(node, 'sequence'))),
  AlterObjectSchemaStmt: (node, { dependants }) =>
    node['relation'] === undefined ? 'all' : mentionsAll([relationKey(child(node, 'relation'))], dependants),
  ViewStmt: (node) => {
    if (!isSet(node, 'replace')) return null;
    const view = relationKey(child(node, 'view'));
    return ({ owner }) => owner === view;
  },
  // A function of that name with other arguments may be another one.
  CreateFunctionStmt: (node) => {
    const name = plainName(nameParts(children(node, 'funcname')).join('.'));
    return ({ owner, as }) => as === 'function' && owner === name;
  },
  CreateTrigStmt: (node) => {
    if (!isSet(node, 'replace')) return null;
    const [table, trigger] = [relationKey(child(node, 'relation')), textOf(node, 'trigname')];
    return ({ owner, part }) => owner === table && part === trigger;
  },
};

const RELATIONS = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);

const GOES_ALONG: ReadonlySet<Dependant['as']> = new Set(['view', 'function', 'policy', 'trigger', 'default']);

function dropped(node: Node, { dependants, tables }: Schema): Gone | 'all' | null {
  const what = textOf(node, 'removeType');
  // With a partitioned table go its partitions.
  const names = droppedNames(node).flatMap((name) => (what === 'OBJECT_TABLE' ? withParts(name, tables) : [name]));
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  if (RELATIONS.has(what)) {
    const each = mentionsAll(cascade ? names : [], dependants);
    const own = names.map(mentions);
    // What CASCADE takes, only that tells which was seen being made.
    return (one) => own.some((gone) => gone(one)) || each(one) || (cascade && GOES_ALONG.has(one.as));
  }
  if (['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE'].includes(what)) {
    const parts = children(node, 'objects').map((one) => nameParts(children(child(one, 'List'), 'items')));
    return ({ owner, part }) => parts.some((one) => one.at(-1) === part && plainName(one.slice(0, -1).join('.')) === owner);
  }
  if (cascade) return 'all';
  if (what === 'OBJECT_SCHEMA')
    return ({ kind, name, owner }) => names.some((one) => (kind === 'schema' && name === one) || owner.startsWith(`${one}.`));
  return ({ kind, name, owner, as }) =>
    names.some(
      (one) => (kind !== 'relation' && kind !== 'column' && name === one) || ((as === 'content' || as === 'function') && owner === one),
    );
}

function withParts(name: string, tables: Schema['tables']): readonly string[] {
  return [name, ...[...(tables.get(name)?.partitioned?.parts ?? [])].flatMap((part) => withParts(part, tables))];
}

/** The names of what is dropped, whatever it is. */
export function droppedNames(node: Node): readonly string[] {
  return children(node, 'objects').map((one) => {
    const parts = [
      children(child(one, 'List'), 'items'),
      children(child(one, 'TypeName'), 'names'),
      children(child(one, 'ObjectWithArgs'), 'objname'),
      [one],
    ];
    return plainName(nameParts(parts.find((each) => each.length > 0) ?? []).join('.'));
  });
}

/** With CASCADE go the views and functions that read them and the tables that inherit from them, and theirs. */
function withReaders(names: readonly string[], { list }: Dependants): readonly string[] {
  const all = new Set(names);
  for (const name of all)
    for (const one of list)
      if (one.kind === 'relation' && one.name === name && (one.as === 'view' || one.as === 'heir' || one.as === 'function'))
        all.add(one.owner);
  return [...all];
}

const PARTS = new Set(['OBJECT_TABCONSTRAINT', 'OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE']);

function renamed(node: Node, { dependants }: Schema): Gone | 'all' {
  const type = textOf(node, 'renameType');
  if (PARTS.has(type)) {
    const [table, before] = [relationKey(child(node, 'relation')), textOf(node, 'subname')];
    return ({ owner, part }) => owner === table && part === before;
  }
  if (node['relation'] !== undefined) return mentionsAll([relationKey(child(node, 'relation'))], dependants);
  if (type === 'OBJECT_SCHEMA') return 'all';
  const name = plainName(nameParts(children(child(child(node, 'object'), 'List'), 'items')).join('.'));
  const called = plainName(nameParts(children(child(child(node, 'object'), 'ObjectWithArgs'), 'objname')).join('.'));
  return (one) => one.name === name || one.owner === name || one.name === called || one.owner === called;
}

function altered(node: Node, { tables, dependants }: Schema): Gone {
  const table = relationKey(child(node, 'relation'));
  const gone = children(node, 'cmds').map((one) => commandGone(child(one, 'AlterTableCmd'), table, { tables, dependants }));
  return (one) => gone.some((each) => each(one));
}

const NOTHING: Gone = () => false;

function commandGone(command: Node, table: string, { tables, dependants }: Pick<Schema, 'tables' | 'dependants'>): Gone {
  const name = textOf(command, 'name');
  const cascade = textOf(command, 'behavior') === 'DROP_CASCADE';
  const readers = cascade ? withReaders([table], dependants).filter((one) => one !== table) : [];
  const reader: Gone = (one) =>
    readers.some((each) => mentions(each)(one)) || (cascade && (GOES_ALONG.has(one.as) || (one.as === 'key' && mentions(table)(one))));
  switch (textOf(command, 'subtype')) {
    case 'AT_DropColumn':
      return (one) =>
        reader(one) ||
        (one.kind === 'column' && one.name === `${table}.${name}`) ||
        (one.owner === table && (one.column === name || ofColumn(one, name, tables)));
    case 'AT_DropConstraint': {
      const known = dependants.list.some(({ owner, part }) => owner === table && part === name);
      return (one) =>
        reader(one) ||
        (one.owner === table && one.part !== '' && (one.part === name || (!known && one.as !== 'trigger' && one.as !== 'policy')));
    }
    case 'AT_AlterColumnType':
      return ({ owner, column, as }) => owner === table && column === name && as === 'type';
    case 'AT_ColumnDefault':
    case 'AT_SetExpression':
    case 'AT_DropExpression':
      return ({ owner, column, as }) => owner === table && column === name && as === 'default';
    case 'AT_DropInherit':
      return ({ owner, as }) => owner === table && as === 'heir';
    default:
      return NOTHING;
  }
}

/** May a constraint be of this column? One that nobody knows may. */
function ofColumn({ owner, part, as }: Dependant, column: string, tables: Schema['tables']): boolean {
  if (as !== 'key' && as !== 'constraint') return false;
  return tables.get(owner)?.constraints.get(part)?.columns.includes(column) !== false;
}
