import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { forgetAll, forgetThere, type Dependants, type Made } from './dependant.ts';
import { droppedNames } from './dependants-follow.ts';
import { beside, plainName, relationKey } from './schema.ts';
import { alterThere, declared, forgetOthers, VAGUE } from './there-alter.ts';
import { followOthers, typeKey } from './there-others.ts';

type Node = Statement['node'];
type Follow = (node: Node, known: Dependants) => void;

/** Notes what is there for certain after a statement, and what is not any more. */
export function followThere(known: Dependants, { kind, node }: Pick<Statement, 'kind' | 'node'>): void {
  if (known.blind) return;
  FOLLOWED[kind]?.(node, known);
  followOthers(known, kind, node);
}

/** The name of what CREATE TYPE or DOMAIN makes. */
export function typeMade(kind: string, node: Node): string | null {
  const named = TYPES[kind]?.(node);
  return named === undefined ? null : typeKey(named);
}

const listed =
  (key: string) =>
  (node: Node): string =>
    plainName(nameParts(children(node, key)).join('.'));

const TYPES: Readonly<Record<string, (node: Node) => string>> = {
  CreateEnumStmt: listed('typeName'),
  CreateRangeStmt: listed('typeName'),
  CreateDomainStmt: listed('domainname'),
  CompositeTypeStmt: (node) => relationKey(child(node, 'typevar')),
};

const FOLLOWED: Readonly<Record<string, Follow>> = {
  CreateStmt: (node, known) => {
    const relation = child(node, 'relation');
    make(known, relation, { ...declared(node, textOf(relation, 'relname')), kind: 'table' }, isSet(node, 'if_not_exists'));
  },
  CreateTableAsStmt: (node, known) => {
    const kind = textOf(node, 'objtype') === 'OBJECT_MATVIEW' ? 'view' : 'table';
    make(known, child(child(node, 'into'), 'rel'), { ...VAGUE, kind }, isSet(node, 'if_not_exists'));
  },
  SelectStmt: (node, known) => {
    if (node['intoClause'] !== undefined) make(known, child(child(node, 'intoClause'), 'rel'), { ...VAGUE, kind: 'table' });
  },
  ViewStmt: (node, known) => {
    // One that reads what is temporary is temporary too.
    const read = findAll(node['query'] ?? null, ['RangeVar']).map((one) => relationKey(one.node));
    if (read.some((one) => known.temporary.has(one))) return hide(known, relationKey(child(node, 'view')));
    return make(known, child(node, 'view'), { ...VAGUE, kind: 'view' });
  },
  CreateSeqStmt: (node, known) => make(known, child(node, 'sequence'), { ...VAGUE, kind: 'sequence' }, isSet(node, 'if_not_exists')),
  CreateForeignTableStmt: (node, known) =>
    make(known, child(child(node, 'base'), 'relation'), { ...VAGUE, kind: 'table' }, isSet(child(node, 'base'), 'if_not_exists')),
  IndexStmt: (node, known) => {
    const owner = relationKey(child(node, 'relation'));
    if (textOf(node, 'idxname') === '' || known.temporary.has(owner)) return;
    put(known, beside(owner, textOf(node, 'idxname')), { ...VAGUE, kind: 'index', owner });
  },
  CreateEnumStmt: (node, known) =>
    put(known, typeMade('CreateEnumStmt', node) ?? '', {
      ...VAGUE,
      kind: 'type',
      members: new Set(nameParts(children(node, 'vals'))),
      whole: true,
    }),
  CreateRangeStmt: (node, known) => put(known, typeMade('CreateRangeStmt', node) ?? '', { ...VAGUE, kind: 'type' }),
  CreateDomainStmt: (node, known) => put(known, typeMade('CreateDomainStmt', node) ?? '', { ...VAGUE, kind: 'type' }),
  CompositeTypeStmt: (node, known) => put(known, typeMade('CompositeTypeStmt', node) ?? '', { ...VAGUE, kind: 'type' }),
  AlterEnumStmt: alterEnum,
  AlterTableStmt: alterThere,
  AlterObjectSchemaStmt: move,
  RenameStmt: rename,
  DropStmt: drop,
  CreateExtensionStmt: (_, known) => bringAny(known),
  DefineStmt: (_, known) => bringAny(known),
  ImportForeignSchemaStmt: (_, known) => bringAny(known),
  CreateSchemaStmt: (node, known) => {
    if (node['schemaElts'] !== undefined) forgetAll(known);
  },
};

/** It may bring anything, but drops nothing. */
function bringAny(known: Dependants): void {
  known.gone.clear();
  known.besides = null;
}

function make(known: Dependants, relation: Node, made: Made, maybe = false): void {
  const name = relationKey(relation);
  if (textOf(relation, 'relpersistence') === 't') return hide(known, name);
  if (!maybe || known.gone.has(name)) return put(known, name, made);
  // It may be another that was there before; one that is known stays as it is known.
  if (!known.there.has(name)) put(known, name, { ...VAGUE, kind: made.kind });
}

function put({ there, gone, besides, temporary }: Dependants, name: string, made: Made): void {
  gone.delete(name);
  if (temporary.has(name)) besides?.add(name);
  else there.set(name, made);
}

/** A temporary one stands before another of its name until it is dropped or its session ends, and nobody knows when that is. */
function hide({ there, gone, besides, temporary }: Dependants, name: string): void {
  if (there.delete(name)) besides?.add(name);
  gone.delete(name);
  temporary.add(name);
}

function alterEnum(node: Node, known: Dependants): void {
  const name = typeKey(listed('typeName')(node));
  const type = known.there.get(name);
  if (type === undefined) return;
  const members = new Set([...type.members, textOf(node, 'newVal')]);
  members.delete(textOf(node, 'oldVal'));
  known.there.set(name, { ...type, members });
}

/** Indexes and sequences go along with a table to its schema. */
function move(node: Node, known: Dependants): void {
  const name = relationKey(child(node, 'relation'));
  if (isSet(node, 'missing_ok') && known.gone.has(name)) return;
  forgetThere(known, (one) => one.kind === 'sequence' || one.owner === name);
  carry(known, name, plainName(`${textOf(node, 'newschema')}.${name.split('.').at(-1) ?? name}`));
}

function carry(known: Dependants, name: string, to: string): void {
  if (name === to) return;
  if (known.temporary.delete(name)) return hide(known, to);
  const made = known.there.get(name) ?? { ...VAGUE, kind: 'table' as const };
  known.there.delete(name);
  put(known, to, made);
  known.gone.add(name);
  for (const [key, one] of known.there) if (one.owner === name) known.there.set(key, { ...one, owner: to });
}

const RELATIONS = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);

function rename(node: Node, known: Dependants): void {
  const [type, name, after] = [textOf(node, 'renameType'), relationKey(child(node, 'relation')), textOf(node, 'newname')];
  if (isSet(node, 'missing_ok') && known.gone.has(name)) return;
  if (RELATIONS.has(type)) return carry(known, name, beside(name, after));
  if (type === 'OBJECT_TYPE' || type === 'OBJECT_DOMAIN') {
    const before = plainName(nameParts(children(child(child(node, 'object'), 'List'), 'items')).join('.'));
    return carry(known, typeKey(before), typeKey(beside(before, after)));
  }
  if (type === 'OBJECT_COLUMN') return renameMember(known, name, { before: textOf(node, 'subname'), after });
  if (type === 'OBJECT_TABCONSTRAINT') renameConstraint(known, name, { before: textOf(node, 'subname'), after });
}

interface Renamed {
  readonly before: string;
  readonly after: string;
}

function renameMember({ there }: Dependants, name: string, { before, after }: Renamed): void {
  const table = there.get(name);
  if (table === undefined) return;
  there.set(name, { ...table, members: new Set([...[...table.members].filter((one) => one !== before), after]) });
}

/** A key's index has its name. */
function renameConstraint(known: Dependants, name: string, { before, after }: Renamed): void {
  const { there } = known;
  const table = there.get(name);
  if (there.has(beside(name, before))) carry(known, beside(name, before), beside(name, after));
  if (table === undefined) return;
  there.set(name, { ...table, constraints: new Set([...[...table.constraints].filter((one) => one !== before), after]) });
}

function drop(node: Node, known: Dependants): void {
  const what = textOf(node, 'removeType');
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  const names = droppedNames(node);
  if (what === 'OBJECT_INDEX' || what === 'OBJECT_SEQUENCE') for (const name of names) dropName(known, name);
  else if (GOES.has(what)) for (const name of names) dropOne(known, name, what);
  else if (TYPE.has(what))
    for (const name of names) {
      known.there.delete(typeKey(name));
      known.gone.add(typeKey(name));
    }
  if (cascade) forgetCascade(known, what);
}

/** With an index of a partitioned table go those of its partitions. */
function dropName(known: Dependants, name: string): void {
  const owner = known.there.get(name)?.owner;
  known.there.delete(name);
  const parts = new Set(
    [...known.there].flatMap(([part, one]) => (one.kind === 'table' && one.owner !== '' && one.owner === owner ? [part] : [])),
  );
  if (parts.size > 0) forgetThere(known, (one) => one.kind === 'index' && parts.has(one.owner));
}

const GOES = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);
const TYPE = new Set(['OBJECT_TYPE', 'OBJECT_DOMAIN']);

function dropOne(known: Dependants, name: string, what: string): void {
  if (known.temporary.delete(name)) return;
  known.there.delete(name);
  known.gone.add(name);
  // With a table go its indexes, sequences of its columns, and its partitions, which are among those of which little is known.
  forgetThere(known, (one) => one.owner === name);
  if (what === 'OBJECT_TABLE') forgetThere(known, (one) => one.kind === 'sequence' || (one.kind === 'table' && !one.whole));
}

/** Of anything but relations CASCADE may take columns and tables too. */
function forgetCascade(known: Dependants, what: string): void {
  if (GOES.has(what)) return forgetOthers(known);
  known.there.clear();
  known.besides = null;
}
