import { child, children, isOn, isSet, nameParts, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { FormName } from './measured-facts.ts';
import { alterActions } from './recognise-alter.ts';
import { plainName, relationKey, type Schema } from './schema.ts';
import { createPartOf, dropPart } from './recognise-partition.ts';
import { heirsOf, withInherited } from './recognise-inherited.ts';
import { action, located } from './recognise-parts.ts';
import { dropViews, reachedFrom, referencedBy, referringTo } from './recognise-references.ts';
import type { Action, LintOptions } from './types.ts';

type Node = Statement['node'];
type Recognise = (node: Node, schema: Schema, options: LintOptions) => readonly Action[];

/** What a statement does, as measured forms. Empty for one that touches no relation in use. */
export function recognise(statement: Statement, schema: Schema, options: LintOptions): readonly Action[] {
  const actions = RECOGNISERS[statement.kind]?.(statement.node, schema, options) ?? [];
  return withInherited(actions, statement, schema);
}

const target = (node: Node, key = 'relation'): Readonly<Record<string, string>> => ({ target: relationKey(child(node, key)) });
const simple =
  (form: FormName, key = 'relation'): Recognise =>
  (node) => [action(form, target(node, key), node, located(child(node, key)))];

const RECOGNISERS: Readonly<Record<string, Recognise>> = {
  AlterTableStmt: alterActions,
  IndexStmt: createIndex,
  CreateStmt: createTable,
  CreateTableAsStmt: (node) => [action('create table as', {}, node)],
  DropStmt: drop,
  ReindexStmt: reindex,
  ClusterStmt: (node) =>
    node['relation'] === undefined
      ? [action('cluster', { target: 'every table that was clustered' }, node)]
      : [action('cluster', target(node), node, located(child(node, 'relation')))],
  AlterTableMoveAllStmt: (node) => [
    action('set tablespace', { target: `everything in tablespace ${textOf(node, 'orig_tablespacename')}` }, node),
  ],
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
  TruncateStmt: truncate,
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
  CommentStmt: comment,
  CreatePublicationStmt: publish,
  AlterPublicationStmt: publish,
};

/** Of a partitioned table each partition is locked and read; they are told as one with it, for not all need be known. */
function createIndex(node: Node, schema: Schema): readonly Action[] {
  if (isSet(node, 'concurrent')) return [action('create index concurrently', target(node), node)];
  const table = relationKey(child(node, 'relation'));
  const partitioned = schema.tables.get(table)?.partitioned ?? null;
  if (partitioned === null) return [action('create index', target(node), node)];
  // Without its partitions there are no rows to read.
  if (child(node, 'relation')['inh'] !== true) return [action('create index on partitioned', { parent: table }, node)];
  return [action('create index on partitioned', { parent: table, partition: table }, node)];
}

function truncate(node: Node, schema: Schema): readonly Action[] {
  const tables = children(node, 'relations').map((one) => child(one, 'RangeVar'));
  const named = tables.map(relationKey);
  const reached = textOf(node, 'behavior') === 'DROP_CASCADE' ? named.flatMap((table) => reachedFrom({ schema, table })) : [];
  return [
    ...tables.map((table) => action('truncate', { target: relationKey(table) }, node, located(table))),
    ...[...new Set(reached)].filter((one) => !named.includes(one)).map((one) => action('truncate cascade', { child: one }, node)),
  ];
}

function comment(node: Node): readonly Action[] {
  const parts = nameParts(children(child(child(node, 'object'), 'List'), 'items'));
  switch (textOf(node, 'objtype')) {
    case 'OBJECT_TABLE':
      return [action('comment on table', { target: plainName(parts.join('.')) }, node)];
    case 'OBJECT_COLUMN':
      return [action('comment on column', { target: plainName(parts.slice(0, -1).join('.')) }, node)];
    case 'OBJECT_INDEX':
      return [action('comment on index', { an_index: plainName(parts.join('.')) }, node)];
    default:
      return [];
  }
}

/** Tables that come into a publication. */
function publish(node: Node): readonly Action[] {
  return children(node, 'pubobjects').flatMap((one) => {
    const table = child(child(child(one, 'PublicationObjSpec'), 'pubtable'), 'PublicationTable');
    const bare = child(child(child(one, 'PublicationObjSpec'), 'pubtable'), 'relation');
    const name = relationKey(table['relation'] === undefined ? bare : child(table, 'relation'));
    return name === '' ? [] : [action('publish table', { target: name }, node)];
  });
}

/** A new table locks others: those it references, inherits from or is a part of. */
function createTable(node: Node, schema: Schema): readonly Action[] {
  const parents = children(node, 'inhRelations').map((one) => relationKey(child(one, 'RangeVar')));
  const isPart = node['partbound'] !== undefined;
  const elements = children(node, 'tableElts');
  const constraints = [
    ...elements.map((one) => child(one, 'Constraint')),
    ...elements.flatMap((one) => children(child(one, 'ColumnDef'), 'constraints').map((each) => child(each, 'Constraint'))),
  ].filter((one) => textOf(one, 'contype') === 'CONSTR_FOREIGN');
  return [
    ...constraints.map((one) => action('create table references', { referenced: relationKey(child(one, 'pktable')) }, one, located(one))),
    ...parents.flatMap((parent) =>
      isPart ? createPartOf(node, parent, schema) : [action('create table inherits', { target: parent }, node)],
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
  if (what === 'OBJECT_SCHEMA' && textOf(node, 'behavior') === 'DROP_CASCADE')
    return children(node, 'objects').flatMap((one) => dropSchema(textOf(child(one, 'String'), 'sval'), node, schema));
  if ((what === 'OBJECT_TYPE' || what === 'OBJECT_DOMAIN') && textOf(node, 'behavior') === 'DROP_CASCADE')
    return children(node, 'objects').flatMap((one) => dropType(child(one, 'TypeName'), node, schema));
  if (from !== undefined) return names.map((parts) => action(from, { target: plainName(parts.slice(0, -1).join('.')) }, node));
  return [];
}

function dropSchema(name: string, node: Node, schema: Schema): readonly Action[] {
  const tables = [...schema.tables.keys()].filter((one) => one.startsWith(`${name}.`));
  return tables.flatMap((table) => dropRelation('drop table', table, node, schema));
}

/** With the type go the columns that have it, and the defaults of those that had it. */
function dropType(type: Node, node: Node, schema: Schema): readonly Action[] {
  const name = plainName(nameParts(children(type, 'names')).join('.'));
  const has = (table: string, column: string): boolean =>
    plainName(schema.tables.get(table)?.columns.get(column)?.type?.base ?? '') === name;
  const defaults = schema.dependants.list.filter((one) => one.kind === 'type' && one.as === 'default' && one.name === name);
  return [
    ...[...schema.tables.values()].flatMap((table) =>
      [...table.columns.keys()]
        .filter((one) => has(table.name, one))
        .map((one) => action('drop column', { target: table.name }, node, undefined, { column: one })),
    ),
    ...defaults
      .filter((one) => !has(one.owner, one.column))
      .map((one) => action('drop default', { target: one.owner }, node, undefined, { column: one.column })),
  ];
}

function dropRelation(form: FormName, name: string, node: Node, schema: Schema): readonly Action[] {
  if (form !== 'drop table') return [action(form, { a_view: name }, node)];
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  const children = cascade ? [...referringTo({ schema, table: name }).map(({ child }) => child.name), ...heirsOf(name, schema)] : [];
  return [
    action('drop table', { target: name }, node),
    ...referencedBy({ schema, table: name }).map((other) => action('drop table referencing', { referenced: other }, node)),
    ...[...new Set(children)].map((one) => action('drop table cascade', { child: one }, node)),
    ...(cascade ? dropViews({ schema, table: name }, node) : []),
    ...dropPart(name, node, schema),
  ];
}

/** An index, with its table where these files made it. */
function indexRoles(name: string, schema: Schema): Readonly<Record<string, string>> {
  const table = schema.indexes.get(name)?.table;
  return table === undefined ? { an_index: name } : { an_index: name, target: table };
}

function reindex(node: Node, schema: Schema): readonly Action[] {
  const concurrent = isOn(node, 'concurrently');
  const name = node['relation'] === undefined ? textOf(node, 'name') : relationKey(child(node, 'relation'));
  if (concurrent) return [action('reindex concurrently', { target: name }, node)];
  switch (textOf(node, 'kind')) {
    case 'REINDEX_OBJECT_INDEX':
      return [action('reindex index', indexRoles(name, schema), node)];
    case 'REINDEX_OBJECT_TABLE':
      return [action('reindex table', { target: name }, node)];
    case 'REINDEX_OBJECT_SYSTEM':
      return [action('reindex schema', { target: 'every system catalog' }, node)];
    default:
      return [action('reindex schema', { target: name === '' ? 'every table' : `every table of ${name}` }, node)];
  }
}

function vacuum(node: Node): readonly Action[] {
  const vacuums = isSet(node, 'is_vacuumcmd');
  const full = vacuums && isOn(node, 'full');
  const form: FormName = full ? 'vacuum full' : vacuums ? 'vacuum' : 'analyze';
  const tables = children(node, 'rels').map((one) => child(child(one, 'VacuumRelation'), 'relation'));
  if (tables.length === 0) return [action(form, { target: 'every table' }, node)];
  return tables.map((table) => action(form, { target: plainName(relationName(table)) }, node, located(table)));
}

const RENAMED: Readonly<Record<string, FormName>> = {
  OBJECT_TABLE: 'rename table',
  OBJECT_MATVIEW: 'rename table',
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

function alterDomain(node: Node, schema: Schema): readonly Action[] {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const constraint = child(child(node, 'def'), 'Constraint');
  const form = domainForm(textOf(node, 'subtype'), constraint);
  if (form === null) return [];
  const made = (target: string): Action => action(form, { target }, node, located(constraint), { constraint: name });
  // Of a domain that these files made, the columns are known too.
  if ((schema.domains.get(name)?.file ?? null) === null) return [made(`every table with a column of ${name}`)];
  const users = [...schema.tables.values()].filter(({ columns }) =>
    [...columns.values()].some(({ type }) => type !== null && plainName(type.base) === name),
  );
  return users.map((table) => made(table.name));
}

function domainForm(subtype: string, constraint: Node): FormName | null {
  if (subtype === 'C') return isSet(constraint, 'skip_validation') ? 'domain add check not valid' : 'domain add check';
  if (subtype === 'O') return 'domain set not null';
  if (subtype === 'V') return 'domain validate';
  return subtype === 'X' ? 'domain drop constraint' : null;
}
