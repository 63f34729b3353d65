import { SERIAL } from '../expression-effect.ts';
import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { typeMissing, wrongOthers } from './checks-there-others.ts';
import { wrongRelations } from './checks-there-relations.ts';
import { wrongValues } from './checks-values.ts';
import type { Dependants, Made } from './dependant.ts';
import { droppedNames } from './dependants-follow.ts';
import { beside, plainName, relationKey, type Schema } from './schema.ts';
import { followThere, typeMade } from './there.ts';
import { inOrderOfServer } from './there-alter.ts';
import { typeKey } from './there-others.ts';
import {
  already,
  isMissing,
  isRelationMissing,
  lacksConstraint as lacks,
  missingColumns as missing,
  not,
  type Other,
  type Wrong,
} from './there-wrong.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];
type Check = (node: Node, known: Dependants) => readonly Wrong[];

/** What the server refuses because of what is there already, or is not there, as these files themselves say, or the database. */
export function checkThere({ statement, schema, file }: Context): readonly Draft[] {
  const found = wrongIn(statement, schema).map((one) => draftOf(one, schema.dependants.besides !== null));
  return file.conditional ? found.map((one) => ({ ...one, severity: 'warning' })) : found;
}

/** The same, as it is. */
export function wrongIn(statement: Statement, schema: Schema): readonly Wrong[] {
  const { kind, node } = statement;
  const known = schema.dependants;
  const type = typeMade(kind, node);
  const found = [
    ...(CHECKS[kind]?.(node, known) ?? []),
    ...(type === null ? [] : taken(known, type)),
    ...wrongRelations(statement, known),
    ...wrongOthers(statement, known),
    ...wrongValues(statement, schema),
  ];
  // Two of them may say the same.
  return [...new Map(found.map((one) => [`${one.rule} ${one.what}`, one])).values()];
}

/** @param asked was the database asked what it has? */
function draftOf({ rule, what, ...about }: Wrong, asked: boolean): Draft {
  const [had, has] = asked
    ? ['the database has it, or these files made it before', 'neither the database nor these files before have it']
    : ['these files made it before', 'as far as these files say, it was dropped, renamed or never made'];
  const messages = {
    'already-there': `${what} is there already: ${had}`,
    'not-there': `${what} is not there: ${has}`,
    'refused-value': `PostgreSQL refuses ${what}`,
  };
  return { rule, message: messages[rule], ...about };
}

/** Is the name taken by another of its kind? */
function taken({ there }: Dependants, name: string): readonly Wrong[] {
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
  CreateStmt: (node, known) => [
    ...makes((one) => child(one, 'relation'))(node, known),
    ...referencesIn(node, known),
    ...(mayStay(node, known)
      ? []
      : typesOf(
          children(node, 'tableElts').map((one) => child(one, 'ColumnDef')),
          known,
        )),
  ],
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
  DropStmt: (node, known) => {
    const what = textOf(node, 'removeType');
    const keyed = DROPPED[what];
    if (keyed === undefined || isSet(node, 'missing_ok')) return [];
    return droppedNames(node).flatMap((name) => (isDropMissing(known, keyed(name), what) ? [not(name, name)] : []));
  },
};

const plain = (name: string): string => name;
const DROPPED: Readonly<Record<string, (name: string) => string>> = {
  OBJECT_TABLE: plain,
  OBJECT_VIEW: plain,
  OBJECT_MATVIEW: plain,
  OBJECT_FOREIGN_TABLE: plain,
  OBJECT_INDEX: plain,
  OBJECT_SEQUENCE: plain,
  OBJECT_TYPE: typeKey,
  OBJECT_DOMAIN: typeKey,
};

const OTHERS: Readonly<Record<string, readonly Other[]>> = { OBJECT_INDEX: ['index'], OBJECT_SEQUENCE: ['sequence'] };

function isDropMissing(known: Dependants, key: string, what: string): boolean {
  if (key.startsWith('type ')) return typeMissing(known, [key.slice('type '.length)]).length > 0;
  // The index of a constraint has its name, and is not dropped by itself.
  const bare = key.split('.').at(-1) ?? key;
  const constrained = what === 'OBJECT_INDEX' && [...known.there.values()].some(({ constraints }) => constraints.has(bare));
  return !constrained && isRelationMissing(known, key, OTHERS[what]);
}

/** With IF NOT EXISTS nobody looks what a table would be that is there already. */
function mayStay(node: Node, known: Dependants): boolean {
  return isSet(node, 'if_not_exists') && !isMissing(known, relationKey(child(node, 'relation')));
}

/** Columns that are written to. */
function targets(list: readonly Node[]): readonly string[] {
  return list.map((one) => textOf(child(one, 'ResTarget'), 'name'));
}

/** Foreign keys of a new table. */
function referencesIn(node: Node, known: Dependants): readonly Wrong[] {
  const name = relationKey(child(node, 'relation'));
  const elements = children(node, 'tableElts');
  const constraints = [
    ...elements.map((one) => child(one, 'Constraint')),
    ...elements.flatMap((one) => children(child(one, 'ColumnDef'), 'constraints').map((each) => child(each, 'Constraint'))),
  ];
  return isSet(node, 'if_not_exists') ? [] : constraints.flatMap((one) => referenced(known, one, name));
}

function referenced(known: Dependants, constraint: Node, own: string): readonly Wrong[] {
  const other = relationKey(child(constraint, 'pktable'));
  if (other === '' || other === own) return [];
  if (isRelationMissing(known, other)) return [not(other, other)];
  return missing(known, other, nameParts(children(constraint, 'pk_attrs')));
}

function renamed(node: Node, known: Dependants): readonly Wrong[] {
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

function altered(node: Node, known: Dependants): readonly Wrong[] {
  const name = relationKey(child(node, 'relation'));
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE' || known.there.get(name)?.kind !== 'table') return [];
  // One command after the other, each knowing what those before it did to the tables that it is about.
  const about = new Set([name, ...findAll(node, ['pktable']).map((one) => relationKey(one.node))]);
  const so: Dependants = { ...known, there: new Map([...about].flatMap((one) => entryOf(known, one))), besides: null };
  const columns = inOrderOfServer(node).flatMap((one) => (isSet(one, 'missing_ok') ? [] : [child(child(one, 'def'), 'ColumnDef')]));
  const gone = [...about].filter((one) => one !== name && isRelationMissing(known, one)).map((one) => not(one, one));
  const wrong = inOrderOfServer(node).flatMap((command) => {
    const found = COMMANDS[textOf(command, 'subtype')]?.(command, name, so) ?? [];
    followThere(so, { kind: 'AlterTableStmt', node: { ...node, cmds: [{ AlterTableCmd: command }] } });
    return found;
  });
  return [...typesOf(columns, known), ...gone, ...wrong];
}

/** Types of columns that are not there. */
function typesOf(columns: readonly Node[], known: Dependants): readonly Wrong[] {
  const types = columns.map((one) => nameParts(children(child(one, 'typeName'), 'names')));
  return types.flatMap((names) => (SERIAL.test(names.at(-1) ?? '') ? [] : typeMissing(known, names)));
}

function entryOf({ there }: Dependants, name: string): readonly (readonly [string, Made])[] {
  const made = there.get(name);
  return made === undefined ? [] : [[name, made]];
}

type CheckCommand = (command: Node, table: string, known: Dependants) => readonly Wrong[];

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

function constrains(constraint: Node, table: string, known: Dependants): readonly Wrong[] {
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
