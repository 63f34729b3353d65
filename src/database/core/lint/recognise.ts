import { child, children, isSet, nameParts, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { FormName } from './measured-facts.ts';
import { alterActions } from './recognise-alter.ts';
import { plainName, relationKey, type Schema } from './schema.ts';
import { action, located } from './recognise-parts.ts';
import type { Action, LintOptions } from './types.ts';

type Node = Statement['node'];
type Recognise = (node: Node, schema: Schema, options: LintOptions) => readonly Action[];

/** What a statement does, as measured forms. Empty for one that touches no relation in use. */
export function recognise({ kind, node }: Statement, schema: Schema, options: LintOptions): readonly Action[] {
  return RECOGNISERS[kind]?.(node, schema, options) ?? [];
}

const target = (node: Node, key = 'relation'): Readonly<Record<string, string>> => ({ target: relationKey(child(node, key)) });
const simple =
  (form: FormName, key = 'relation'): Recognise =>
  (node) => [action(form, target(node, key), node, located(child(node, key)))];

const RECOGNISERS: Readonly<Record<string, Recognise>> = {
  AlterTableStmt: alterActions,
  IndexStmt: (node) => [action(isSet(node, 'concurrent') ? 'create index concurrently' : 'create index', target(node), node)],
  CreateStmt: createTable,
  CreateTableAsStmt: (node) => [action('create table as', {}, node)],
  DropStmt: drop,
  ReindexStmt: reindex,
  ClusterStmt: (node) => [action('cluster', target(node), node, located(child(node, 'relation')))],
  VacuumStmt: vacuum,
  RefreshMatViewStmt: (node) => [
    action(
      isSet(node, 'concurrent') ? 'refresh materialized view concurrently' : 'refresh materialized view',
      { a_view: relationKey(child(node, 'relation')) },
      node,
      located(child(node, 'relation')),
    ),
  ],
  CreateTrigStmt: simple('create trigger'),
  CreatePolicyStmt: simple('create policy', 'table'),
  AlterPolicyStmt: simple('alter policy', 'table'),
  RuleStmt: simple('create rule'),
  TruncateStmt: (node) =>
    children(node, 'relations').map((one) => {
      const table = child(one, 'RangeVar');
      return action(
        textOf(node, 'behavior') === 'DROP_CASCADE' ? 'truncate cascade' : 'truncate',
        { target: relationKey(table) },
        node,
        located(table),
      );
    }),
  LockStmt: (node) => children(node, 'relations').map((one) => action(null, { target: relationKey(child(one, 'RangeVar')) }, node)),
  UpdateStmt: simple('update'),
  DeleteStmt: simple('delete'),
  InsertStmt: simple('insert'),
  MergeStmt: simple('merge'),
  CopyStmt: (node) => (isSet(node, 'is_from') ? [action('insert', target(node), node)] : []),
  RenameStmt: rename,
  AlterObjectSchemaStmt: (node) => (textOf(node, 'objectType') === 'OBJECT_TABLE' ? [action('set schema', target(node), node)] : []),
  AlterDomainStmt: alterDomain,
  ViewStmt: (node) => (isSet(node, 'replace') ? [action('replace view', { a_view: relationKey(child(node, 'view')) }, node)] : []),
  CreateStatsStmt: (node) =>
    children(node, 'relations').map((one) => action('create statistics', { target: relationKey(child(one, 'RangeVar')) }, node)),
  CommentStmt: (node) =>
    textOf(node, 'objtype') === 'OBJECT_TABLE' ? [action('comment on table', { target: listedName(child(node, 'object')) }, node)] : [],
};

/** A new table locks others: those it references, inherits from or is a part of. */
function createTable(node: Node): readonly Action[] {
  const parents = children(node, 'inhRelations').map((one) => relationKey(child(one, 'RangeVar')));
  const isPart = node['partbound'] !== undefined;
  const elements = children(node, 'tableElts');
  const constraints = [
    ...elements.map((one) => child(one, 'Constraint')),
    ...elements.flatMap((one) => children(child(one, 'ColumnDef'), 'constraints').map((each) => child(each, 'Constraint'))),
  ].filter((one) => textOf(one, 'contype') === 'CONSTR_FOREIGN');
  return [
    ...constraints.map((one) => action('create table references', { referenced: relationKey(child(one, 'pktable')) }, one, located(one))),
    ...parents.map((parent) =>
      isPart ? action('create table partition of', { parent }, node) : action('create table inherits', { target: parent }, node),
    ),
  ];
}

const DROPPED: Readonly<Record<string, FormName>> = {
  OBJECT_TABLE: 'drop table',
  OBJECT_VIEW: 'drop view',
  OBJECT_MATVIEW: 'drop materialized view',
};
/** Named after their table: the last part of the name is their own. */
const DROPPED_FROM: Readonly<Record<string, FormName>> = {
  OBJECT_TRIGGER: 'drop trigger',
  OBJECT_POLICY: 'drop policy',
  OBJECT_RULE: 'drop rule',
};

function drop(node: Node, schema: Schema): readonly Action[] {
  const what = textOf(node, 'removeType');
  const names = children(node, 'objects').map((one) => nameParts(children(child(one, 'List'), 'items')));
  const [whole, from] = [DROPPED[what], DROPPED_FROM[what]];
  if (what === 'OBJECT_INDEX') {
    const form = isSet(node, 'concurrent') ? 'drop index concurrently' : 'drop index';
    return names.map((parts) => {
      const name = plainName(parts.join('.'));
      return action(form, indexRoles(name, schema), node);
    });
  }
  if (whole !== undefined) return names.flatMap((parts) => dropRelation(whole, plainName(parts.join('.')), node, schema));
  if (from !== undefined) return names.map((parts) => action(from, { target: plainName(parts.slice(0, -1).join('.')) }, node));
  return [];
}

function dropRelation(form: FormName, name: string, node: Node, schema: Schema): readonly Action[] {
  if (form !== 'drop table') return [action(form, { a_view: name }, node)];
  const referenced = [...(schema.tables.get(name)?.constraints.values() ?? [])].flatMap((one) =>
    one.referenced === null ? [] : [one.referenced],
  );
  return [
    action('drop table', { target: name }, node),
    ...[...new Set(referenced)].map((other) => action('drop table referencing', { referenced: other }, node)),
  ];
}

/** An index, with its table where these files made it. */
function indexRoles(name: string, schema: Schema): Readonly<Record<string, string>> {
  const table = schema.indexes.get(name)?.table;
  return table === undefined ? { an_index: name } : { an_index: name, target: table };
}

function reindex(node: Node, schema: Schema): readonly Action[] {
  const concurrent = children(node, 'params').some((one) => isOn(child(one, 'DefElem'), 'concurrently'));
  const name = node['relation'] === undefined ? textOf(node, 'name') : relationKey(child(node, 'relation'));
  if (concurrent) return [action('reindex concurrently', { target: name }, node)];
  switch (textOf(node, 'kind')) {
    case 'REINDEX_OBJECT_INDEX':
      return [action('reindex index', indexRoles(name, schema), node)];
    case 'REINDEX_OBJECT_TABLE':
      return [action('reindex table', { target: name }, node)];
    default:
      return [action('reindex schema', { referenced: name }, node)];
  }
}

/** Is an option on: `FULL`, `FULL true`, `FULL 1`, but not `FULL false`? */
function isOn(option: Node, name: string): boolean {
  if (textOf(option, 'defname') !== name) return false;
  const value = child(option, 'arg');
  const word = textOf(child(value, 'String'), 'sval').toLowerCase();
  const number = child(value, 'Integer');
  if (value['Integer'] !== undefined) return Number(number['ival'] ?? 0) !== 0;
  return !['false', 'off', '0', 'no'].includes(word);
}

function vacuum(node: Node): readonly Action[] {
  const vacuums = isSet(node, 'is_vacuumcmd');
  const full = vacuums && children(node, 'options').some((one) => isOn(child(one, 'DefElem'), 'full'));
  const form: FormName = full ? 'vacuum full' : vacuums ? 'vacuum' : 'analyze';
  const tables = children(node, 'rels').map((one) => child(child(one, 'VacuumRelation'), 'relation'));
  if (tables.length === 0) return [action(form, { target: 'every table' }, node)];
  return tables.map((table) => action(form, { target: plainName(relationName(table)) }, node, located(table)));
}

const RENAMED: Readonly<Record<string, FormName>> = {
  OBJECT_TABLE: 'rename table',
  OBJECT_COLUMN: 'rename column',
  OBJECT_INDEX: 'rename index',
  OBJECT_TABCONSTRAINT: 'rename constraint',
  OBJECT_TRIGGER: 'rename trigger',
};

function rename(node: Node): readonly Action[] {
  const form = RENAMED[textOf(node, 'renameType')];
  if (form === undefined) return [];
  const name = relationKey(child(node, 'relation'));
  return [action(form, form === 'rename index' ? { an_index: name } : { target: name }, node, located(child(node, 'relation')))];
}

function alterDomain(node: Node): readonly Action[] {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const constraint = child(child(node, 'def'), 'Constraint');
  const form = domainForm(textOf(node, 'subtype'), constraint);
  return form === null
    ? []
    : [action(form, { target: `every table with a column of ${name}` }, node, located(constraint), { constraint: name })];
}

function domainForm(subtype: string, constraint: Node): FormName | null {
  if (subtype === 'C') return isSet(constraint, 'skip_validation') ? 'domain add check not valid' : 'domain add check';
  if (subtype === 'O') return 'domain set not null';
  if (subtype === 'V') return 'domain validate';
  return subtype === 'X' ? 'domain drop constraint' : null;
}

function listedName(object: Node): string {
  return plainName(nameParts(children(child(object, 'List'), 'items')).join('.'));
}
