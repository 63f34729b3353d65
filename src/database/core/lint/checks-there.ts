import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependants, Made } from './dependant.ts';
import { droppedNames } from './dependants-follow.ts';
import { beside, plainName, relationKey } from './schema.ts';
import { followThere, typeKey, typeMade } from './there.ts';
import { inOrderOfServer } from './there-alter.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];
type Check = (node: Node, known: Dependants) => readonly Draft[];

/** What the server refuses because it is there already, or is not there any more, as these files themselves say. */
export function checkThere({ statement: { kind, node }, schema, file }: Context): readonly Draft[] {
  const known = schema.dependants;
  const type = typeMade(kind, node);
  const found = [...(CHECKS[kind]?.(node, known) ?? []), ...(type === null ? [] : taken(known, type)), ...onGone(kind, node, known)];
  return file.conditional ? found.map((one) => ({ ...one, severity: 'warning' })) : found;
}

const already = (what: string, relation?: string): Draft => ({
  rule: 'already-there',
  message: `${what} is there already: these files made it before`,
  ...(relation === undefined ? {} : { relation }),
});

const not = (what: string, relation?: string): Draft => ({
  rule: 'not-there',
  message: `${what} is not there: as far as these files say, it was dropped, renamed or never made`,
  ...(relation === undefined ? {} : { relation }),
});

/** Is the name taken by another of its kind? */
function taken({ there }: Dependants, name: string): readonly Draft[] {
  const made = there.get(name);
  return made === undefined ? [] : [already(made.kind === 'type' ? name : `${made.kind} ${name}`, name)];
}

function makes(relation: (node: Node) => Node): Check {
  return (node, known) =>
    isSet(node, 'if_not_exists') || isSet(node, 'replace') || textOf(relation(node), 'relpersistence') === 't'
      ? []
      : taken(known, relationKey(relation(node)));
}

const CHECKS: Readonly<Record<string, Check>> = {
  CreateStmt: (node, known) => [...makes((one) => child(one, 'relation'))(node, known), ...referencesIn(node, known)],
  CreateTableAsStmt: makes((node) => child(child(node, 'into'), 'rel')),
  SelectStmt: (node, known) =>
    node['intoClause'] === undefined ? [] : makes((one) => child(child(one, 'intoClause'), 'rel'))(node, known),
  ViewStmt: makes((node) => child(node, 'view')),
  CreateSeqStmt: makes((node) => child(node, 'sequence')),
  IndexStmt: (node, known) => {
    const table = relationKey(child(node, 'relation'));
    if (isSet(node, 'if_not_exists')) return [];
    const columns = children(node, 'indexParams').map((one) => textOf(child(one, 'IndexElem'), 'name'));
    const index = textOf(node, 'idxname');
    return [...(index === '' ? [] : taken(known, beside(table, index))), ...missing(known, table, columns)];
  },
  InsertStmt: (node, known) => missing(known, relationKey(child(node, 'relation')), targets(children(node, 'cols'))),
  UpdateStmt: (node, known) => missing(known, relationKey(child(node, 'relation')), targets(children(node, 'targetList'))),
  AlterEnumStmt: (node, { there }) => {
    const name = plainName(nameParts(children(node, 'typeName')).join('.'));
    const type = there.get(typeKey(name));
    const [before, after] = [textOf(node, 'oldVal'), textOf(node, 'newVal')];
    if (type === undefined || isSet(node, 'skipIfNewValExists')) return [];
    return [
      ...(type.members.has(after) ? [already(`'${after}' of type ${name}`)] : []),
      ...(before !== '' && type.whole && !type.members.has(before) ? [not(`'${before}' of type ${name}`)] : []),
    ];
  },
  AlterTableStmt: altered,
  RenameStmt: renamed,
  DropStmt: (node, { gone }) => {
    const what = textOf(node, 'removeType');
    const keyed = DROPPED[what];
    if (keyed === undefined || isSet(node, 'missing_ok')) return [];
    return droppedNames(node).flatMap((name) => (gone.has(keyed(name)) ? [not(name, name)] : []));
  },
};

const plain = (name: string): string => name;
const DROPPED: Readonly<Record<string, (name: string) => string>> = {
  OBJECT_TABLE: plain,
  OBJECT_VIEW: plain,
  OBJECT_MATVIEW: plain,
  OBJECT_FOREIGN_TABLE: plain,
  OBJECT_TYPE: typeKey,
  OBJECT_DOMAIN: typeKey,
};

/** Under which key a statement names the relation that it must find. */
const FINDS: Readonly<Record<string, string>> = {
  AlterTableStmt: 'relation',
  IndexStmt: 'relation',
  CreateTrigStmt: 'relation',
  CreatePolicyStmt: 'table',
  RuleStmt: 'relation',
  RenameStmt: 'relation',
  AlterObjectSchemaStmt: 'relation',
  InsertStmt: 'relation',
  UpdateStmt: 'relation',
  DeleteStmt: 'relation',
  MergeStmt: 'relation',
  CopyStmt: 'relation',
};

function onGone(kind: string, node: Node, { gone }: Dependants): readonly Draft[] {
  const names =
    kind === 'TruncateStmt'
      ? children(node, 'relations').map((one) => relationKey(child(one, 'RangeVar')))
      : [relationKey(child(node, FINDS[kind] ?? ''))];
  return isSet(node, 'missing_ok') ? [] : names.filter((one) => gone.has(one)).map((one) => not(one, one));
}

/** Every table has them. */
const SYSTEM = new Set(['', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid', 'oid']);

function missing({ there }: Dependants, table: string, columns: readonly string[]): readonly Draft[] {
  const made = there.get(table);
  if (made?.whole !== true) return [];
  return columns.filter((one) => !SYSTEM.has(one) && !made.members.has(one)).map((one) => not(`column ${one} of ${table}`, table));
}

/** Columns that are written to. */
function targets(list: readonly Node[]): readonly string[] {
  return list.map((one) => textOf(child(one, 'ResTarget'), 'name'));
}

/** Foreign keys of a new table. */
function referencesIn(node: Node, known: Dependants): readonly Draft[] {
  const name = relationKey(child(node, 'relation'));
  const elements = children(node, 'tableElts');
  const constraints = [
    ...elements.map((one) => child(one, 'Constraint')),
    ...elements.flatMap((one) => children(child(one, 'ColumnDef'), 'constraints').map((each) => child(each, 'Constraint'))),
  ];
  return isSet(node, 'if_not_exists') ? [] : constraints.flatMap((one) => referenced(known, one, name));
}

function referenced(known: Dependants, constraint: Node, own: string): readonly Draft[] {
  const other = relationKey(child(constraint, 'pktable'));
  if (other === '' || other === own) return [];
  if (known.gone.has(other)) return [not(other, other)];
  return missing(known, other, nameParts(children(constraint, 'pk_attrs')));
}

function renamed(node: Node, known: Dependants): readonly Draft[] {
  const name = relationKey(child(node, 'relation'));
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  switch (textOf(node, 'renameType')) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_INDEX':
    case 'OBJECT_SEQUENCE':
      // With IF EXISTS, what is not known to be there may not be.
      return isSet(node, 'missing_ok') && !known.there.has(name) ? [] : taken(known, beside(name, after));
    case 'OBJECT_COLUMN': {
      const there = known.there.get(name)?.members.has(after) === true ? [already(`column ${after} of ${name}`, name)] : [];
      return [...missing(known, name, [before]), ...there];
    }
    case 'OBJECT_TABCONSTRAINT': {
      const made = known.there.get(name);
      const there = made?.constraints.has(after) === true ? [already(`constraint ${after} of ${name}`, name)] : [];
      return [...(lacks(made, before) ? [not(`constraint ${before} of ${name}`, name)] : []), ...there];
    }
    default:
      return [];
  }
}

/** Is there no constraint of this name for certain? One that nobody named may have it. */
function lacks(made: Made | undefined, name: string): boolean {
  if (made === undefined || made.given === null || made.constraints.has(name)) return false;
  return !made.given.some((one) => name.startsWith(one.slice(0, KEPT)));
}

/** PostgreSQL shortens long names of tables to make room for the rest; so much of them stays. */
const KEPT = 20;

function altered(node: Node, known: Dependants): readonly Draft[] {
  const name = relationKey(child(node, 'relation'));
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE' || known.there.get(name)?.kind !== 'table') return [];
  // One command after the other, each knowing what those before it did to the tables that it is about.
  const about = new Set([name, ...findAll(node, ['pktable']).map((one) => relationKey(one.node))]);
  const so: Dependants = { ...known, there: new Map([...about].flatMap((one) => entryOf(known, one))) };
  return inOrderOfServer(node).flatMap((command) => {
    const found = COMMANDS[textOf(command, 'subtype')]?.(command, name, so) ?? [];
    followThere(so, { kind: 'AlterTableStmt', node: { ...node, cmds: [{ AlterTableCmd: command }] } });
    return found;
  });
}

function entryOf({ there }: Dependants, name: string): readonly (readonly [string, Made])[] {
  const made = there.get(name);
  return made === undefined ? [] : [[name, made]];
}

type CheckCommand = (command: Node, table: string, known: Dependants) => readonly Draft[];

const onColumn: CheckCommand = (command, table, known) => missing(known, table, [textOf(command, 'name')]);

const COMMANDS: Readonly<Record<string, CheckCommand>> = {
  AT_AddColumn: (command, table, known) => {
    const definition = child(child(command, 'def'), 'ColumnDef');
    const column = textOf(definition, 'colname');
    if (isSet(command, 'missing_ok')) return [];
    const there = known.there.get(table)?.members.has(column) === true ? [already(`column ${column} of ${table}`, table)] : [];
    const constraints = children(definition, 'constraints').map((one) => child(one, 'Constraint'));
    return [...there, ...constraints.flatMap((one) => constrains(one, table, known))];
  },
  AT_DropColumn: (command, table, known) => (isSet(command, 'missing_ok') ? [] : onColumn(command, table, known)),
  AT_AlterColumnType: onColumn,
  AT_ColumnDefault: onColumn,
  AT_SetNotNull: onColumn,
  AT_DropNotNull: onColumn,
  AT_SetStatistics: onColumn,
  AT_SetStorage: onColumn,
  AT_AddIdentity: onColumn,
  AT_AddConstraint: (command, table, known) => constrains(child(child(command, 'def'), 'Constraint'), table, known),
  AT_DropConstraint: (command, table, known) => {
    const name = textOf(command, 'name');
    return !isSet(command, 'missing_ok') && lacks(known.there.get(table), name) ? [not(`constraint ${name} of ${table}`, table)] : [];
  },
  AT_ValidateConstraint: (command, table, known) =>
    lacks(known.there.get(table), textOf(command, 'name')) ? [not(`constraint ${textOf(command, 'name')} of ${table}`, table)] : [],
};

function constrains(constraint: Node, table: string, known: Dependants): readonly Draft[] {
  const made = known.there.get(table);
  const name = textOf(constraint, 'conname');
  const key = made?.key === true && textOf(constraint, 'contype') === 'CONSTR_PRIMARY';
  return [
    ...(name !== '' && made?.constraints.has(name) === true ? [already(`constraint ${name} of ${table}`, table)] : []),
    ...(key ? [already(`a primary key of ${table}`, table)] : []),
    ...missing(known, table, nameParts([...children(constraint, 'keys'), ...children(constraint, 'fk_attrs')])),
    ...referenced(known, constraint, table),
  ];
}
