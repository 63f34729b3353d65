import { child, children, textOf } from '../tree.ts';
import { droppedNames } from './dependants-follow.ts';
import type { Dependant } from './dependant.ts';
import { ownText, sql } from './fixes.ts';
import { beside, relationKey, type Constraint, type Schema } from './schema.ts';
import { viewColumns } from './view-columns.ts';
import type { Context, Draft } from './types.ts';

type Node = Context['statement']['node'];

export function checkDependants({ statement, schema, placed }: Context): readonly Draft[] {
  if (placed.inside !== null) return [];
  return neededIn(statement, schema).map(({ what, because, relation, fix }) => ({
    rule: 'still-needed',
    message: `PostgreSQL refuses to ${what}: ${because}`,
    ...(relation === undefined ? {} : { relation }),
    fix,
  }));
}

/** What a statement cannot do, and what is to be done first. */
export interface StillNeeded {
  /** `drop customers` */
  readonly what: string;
  readonly because: string;
  readonly relation?: string | undefined;
  readonly fix: string;
}

/** What PostgreSQL refuses to drop, empty or redefine, because something that is there for certain needs it. */
export function neededIn(statement: Context['statement'], schema: Schema): readonly StillNeeded[] {
  const { kind, node } = statement;
  switch (kind) {
    case 'DropStmt':
      return textOf(node, 'behavior') === 'DROP_CASCADE' && textOf(node, 'removeType') !== 'OBJECT_INDEX'
        ? []
        : refusedDrop(statement, schema);
    case 'AlterTableStmt':
      return textOf(node, 'objtype') === 'OBJECT_TABLE' ? refusedAlter(statement, schema) : [];
    case 'TruncateStmt':
      return textOf(node, 'behavior') === 'DROP_CASCADE' ? [] : refusedTruncate(statement, schema);
    case 'ViewStmt':
      return refusedReplace(node, schema);
    default:
      return [];
  }
}

const DROPPED: Readonly<Record<string, Dependant['kind']>> = {
  OBJECT_TABLE: 'relation',
  OBJECT_VIEW: 'relation',
  OBJECT_MATVIEW: 'relation',
  OBJECT_SEQUENCE: 'relation',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'type',
  OBJECT_FUNCTION: 'function',
  OBJECT_SCHEMA: 'schema',
  OBJECT_INDEX: 'index',
};

function refusedDrop(statement: Context['statement'], { dependants }: Schema): readonly StillNeeded[] {
  const { node } = statement;
  const kind = DROPPED[textOf(node, 'removeType')];
  if (kind === undefined) return [];
  const names = droppedNames(node);
  return names.flatMap((name, index) => {
    // A trigger's function has no arguments.
    if (kind === 'function' && children(child(children(node, 'objects')[index] ?? {}, 'ObjectWithArgs'), 'objargs').length > 0) return [];
    const needing = dependants.list.filter((one) => one.kind === kind && one.name === name && !names.includes(one.owner));
    // With a column goes its default.
    const typed = new Set(needing.filter((one) => one.as === 'type').map((one) => `${one.owner}.${one.column}`));
    const left = needing.filter((one) => one.as !== 'default' || !typed.has(`${one.owner}.${one.column}`));
    return draftOf(`drop ${kind === 'relation' ? '' : `${kind} `}${name}`, left, statement, kind === 'relation' ? name : undefined);
  });
}

// oxlint-disable-next-line max-params -- the relation is only for those that have one
function draftOf(what: string, needing: readonly Dependant[], statement: Context['statement'], relation?: string): readonly StillNeeded[] {
  const told = [...new Set(needing.map((one) => one.told))];
  if (told.length === 0) return [];
  return [
    {
      what,
      because: `${told.slice(0, MOST_TOLD).join(' and ')}${told.length > MOST_TOLD ? ' and others' : ''} still ${told.length === 1 ? 'needs' : 'need'} it`,
      relation,
      fix: sql(...new Set(needing.map((one) => one.undo)), ownText(statement)),
    },
  ];
}

const MOST_TOLD = 5;

function refusedAlter(statement: Context['statement'], schema: Schema): readonly StillNeeded[] {
  const table = relationKey(child(statement.node, 'relation'));
  const commands = children(statement.node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  const goes = new Set(
    commands.filter((one) => /^AT_Drop(?:Column|Constraint)$/.test(textOf(one, 'subtype'))).map((one) => textOf(one, 'name')),
  );
  return commands.flatMap((command) => {
    if (textOf(command, 'behavior') === 'DROP_CASCADE') return [];
    const needing = neededOf(command, table, schema);
    // What goes by the same statement may go first.
    const left = needing.filter((one) => one.owner !== table || (!goes.has(one.part) && !goes.has(one.column)));
    const what = textOf(command, 'subtype') === 'AT_AlterColumnType' ? 'change the type of' : 'drop';
    return draftOf(`${what} ${textOf(command, 'name')} of ${table}`, left, statement, table);
  });
}

/** Views have a rule of their own, and a key only needs types that can be compared. */
const KEEPS_TYPE: ReadonlySet<Dependant['as']> = new Set(['default', 'trigger', 'policy', 'function']);

function neededOf(command: Node, table: string, schema: Schema): readonly Dependant[] {
  const [subtype, name] = [textOf(command, 'subtype'), textOf(command, 'name')];
  if (subtype === 'AT_DropColumn') return schema.dependants.list.filter((one) => one.kind === 'column' && one.name === `${table}.${name}`);
  if (subtype === 'AT_AlterColumnType')
    return schema.dependants.list.filter((one) => KEEPS_TYPE.has(one.as) && one.kind === 'column' && one.name === `${table}.${name}`);
  const constraint = subtype === 'AT_DropConstraint' ? schema.tables.get(table)?.constraints.get(name) : undefined;
  return constraint?.kind === 'unique' || constraint?.kind === 'primary' ? keysOn(constraint, table, schema) : [];
}

/** The foreign keys that stand on this key for certain: no other of the table has the same columns. */
function keysOn({ columns }: Constraint, table: string, { tables, indexes, dependants }: Schema): readonly Dependant[] {
  const same = (others: readonly string[]): boolean => others.length === columns.length && others.every((one) => columns.includes(one));
  const keys = [...(tables.get(table)?.constraints.values() ?? [])].filter(
    (one) => (one.kind === 'unique' || one.kind === 'primary') && same(one.columns),
  );
  const own = new Set(keys.map((one) => beside(table, one.name)));
  const unique = [...indexes.values()].some((one) => one.table === table && one.unique && same(one.columns) && !own.has(one.name));
  if (keys.length !== 1 || unique) return [];
  const on = dependants.list.filter((one) => one.as === 'key' && one.kind === 'column' && one.name.startsWith(`${table}.`));
  const columnsOf = ({ owner, part }: Dependant): readonly string[] =>
    on.filter((one) => one.owner === owner && one.part === part).map((one) => one.name.slice(table.length + 1));
  return on.filter((one) => same(columnsOf(one)));
}

function refusedTruncate(statement: Context['statement'], { dependants }: Schema): readonly StillNeeded[] {
  const names = children(statement.node, 'relations').map((one) => relationKey(child(one, 'RangeVar')));
  return names.flatMap((name) => {
    const needing = dependants.list.filter(
      (one) => one.as === 'key' && one.kind === 'relation' && one.name === name && !names.includes(one.owner),
    );
    const [draft] = draftOf(`truncate ${name}`, needing, statement, name);
    const others = [...new Set(needing.map((one) => one.owner))];
    return draft === undefined ? [] : [{ ...draft, fix: `-- TRUNCATE ${[name, ...others].join(', ')} together, or DELETE in batches` }];
  });
}

function refusedReplace(node: Node, { dependants }: Schema): readonly StillNeeded[] {
  const view = relationKey(child(node, 'view'));
  const [before, after] = [dependants.columns.get(view), viewColumns(node)];
  if (node['replace'] !== true || before === undefined || after === null) return [];
  const at = before.findIndex((one, index) => after[index] !== one);
  if (at < 0) return [];
  const [had, has] = [before[at] ?? '', after[at]];
  const why = has === undefined ? `column ${had} would be gone` : `column ${had} would be called ${has}`;
  const readers = dependants.list.filter((one) => one.kind === 'relation' && one.name === view).map((one) => one.undo);
  return [
    {
      what: `replace view ${view}`,
      because: `${why}; it only adds columns at the end`,
      relation: view,
      fix: `-- drop it and create it again, and what reads it:\n${sql(...readers, `DROP VIEW ${view}`)}`,
    },
  ];
}
