import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { forgetThere, type Dependants, type Made } from './dependant.ts';
import { beside, relationKey } from './schema.ts';

type Node = Statement['node'];

/** Of which nothing is known but that it is there. */
export const VAGUE: Omit<Made, 'kind'> = {
  owner: '',
  members: new Set(),
  whole: false,
  constraints: new Set(),
  given: null,
  key: false,
  parts: new Set(),
  partsWhole: false,
};

/** What CREATE TABLE says of a table. */
export function declared(node: Node, bare: string): Omit<Made, 'kind'> {
  const elements = children(node, 'tableElts');
  const others = node['inhRelations'] !== undefined || node['ofTypename'] !== undefined;
  if (others || elements.some((one) => one['TableLikeClause'] !== undefined)) return VAGUE;
  const columns = elements.map((one) => child(one, 'ColumnDef')).filter((one) => textOf(one, 'colname') !== '');
  const start = { ...VAGUE, members: new Set(columns.map((one) => textOf(one, 'colname'))), whole: true, given: [], partsWhole: true };
  const constraints = [...elements.map((one) => child(one, 'Constraint')), ...columns.flatMap(constraintsOf)];
  return constraints.reduce((table, one) => constrained(table, one, bare), columns.some(numbers) ? givenTo(start, bare) : start);
}

function constraintsOf(column: Node): readonly Node[] {
  return children(column, 'constraints').map((one) => child(one, 'Constraint'));
}

/** Is it of a type that makes the column NOT NULL? */
function numbers(column: Node): boolean {
  return /serial/.test(nameParts(children(child(column, 'typeName'), 'names')).at(-1) ?? '');
}

const NAMED = new Set(['CONSTR_CHECK', 'CONSTR_FOREIGN', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_EXCLUSION']);
const NO_CONSTRAINT = new Set(['', 'CONSTR_DEFAULT', 'CONSTR_NULL', 'CONSTR_GENERATED']);

/** Names of NOT NULL are kept from PostgreSQL 18 on, and not before. */
function constrained<T extends Omit<Made, 'kind'>>(table: T, constraint: Node, bare: string): T {
  const type = textOf(constraint, 'contype');
  if (NO_CONSTRAINT.has(type) || type.startsWith('CONSTR_ATTR')) return table;
  const name = textOf(constraint, 'conname') === '' ? textOf(constraint, 'indexname') : textOf(constraint, 'conname');
  const key = table.key || type === 'CONSTR_PRIMARY';
  if (name === '') return { ...givenTo(table, bare), key };
  return NAMED.has(type) ? { ...table, constraints: new Set([...table.constraints, name]), key } : givenTo(table, name);
}

function givenTo<T extends Omit<Made, 'kind'>>(table: T, bare: string): T {
  return table.given === null || table.given.includes(bare) ? table : { ...table, given: [...table.given, bare] };
}

/** What ALTER TABLE makes and takes away, of the table and of others. */
export function alterThere(node: Node, known: Dependants): void {
  const name = relationKey(child(node, 'relation'));
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE' || known.temporary.has(name)) return;
  // What is changed is there, whoever made it.
  if (!known.there.has(name) && !isSet(node, 'missing_ok')) known.there.set(name, { ...VAGUE, kind: 'table' });
  for (const one of inOrderOfServer(node)) alterOne(known, name, one);
}

/** PostgreSQL drops first and adds then, wherever in the statement that is written. */
export function inOrderOfServer(node: Node): readonly Node[] {
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  const rank = (one: Node): number => ['AT_DropColumn', 'AT_DropConstraint', 'AT_AddColumn', ''].indexOf(textOf(one, 'subtype'));
  return commands.toSorted((a, b) => place(rank(a)) - place(rank(b)));
}

const LAST = 9;
const place = (rank: number): number => (rank < 0 ? LAST : rank);

function alterOne(known: Dependants, name: string, command: Node): void {
  const { there } = known;
  const subtype = textOf(command, 'subtype');
  if (subtype === 'AT_AttachPartition' || subtype === 'AT_AddInherit') return join(known, name, command);
  if (textOf(command, 'behavior') === 'DROP_CASCADE') forgetOthers(known);
  if (subtype === 'AT_DropConstraint') there.delete(beside(name, textOf(command, 'name')));
  if (subtype === 'AT_AddConstraint') there.delete(beside(name, textOf(child(child(command, 'def'), 'Constraint'), 'indexname')));
  if (subtype === 'AT_DropColumn') forgetThere(known, (one) => one.kind === 'sequence' || (one.kind === 'index' && one.owner === name));
  const table = there.get(name);
  if (table?.kind === 'table') there.set(name, altered(table, command, name.split('.').at(-1) ?? name));
}

function altered(table: Made, command: Node, bare: string): Made {
  const name = textOf(command, 'name');
  switch (textOf(command, 'subtype')) {
    case 'AT_AddColumn':
      return withColumn(table, child(child(command, 'def'), 'ColumnDef'), { bare, maybe: isSet(command, 'missing_ok') });
    case 'AT_DropColumn':
      // Its constraints go with it.
      return {
        ...table,
        members: new Set([...table.members].filter((one) => one !== name)),
        constraints: new Set(),
        given: null,
        key: false,
      };
    case 'AT_AddConstraint':
      return constrained(table, child(child(command, 'def'), 'Constraint'), bare);
    case 'AT_DropConstraint':
      return { ...table, constraints: new Set([...table.constraints].filter((one) => one !== name)), key: false };
    case 'AT_SetNotNull':
    case 'AT_AddIdentity':
      return givenTo(table, bare);
    default:
      return table;
  }
}

function withColumn(table: Made, column: Node, { bare, maybe }: { readonly bare: string; readonly maybe: boolean }): Made {
  const name = textOf(column, 'colname');
  if (maybe && table.members.has(name)) return table;
  const added = { ...table, members: new Set([...table.members, name]) };
  const numbered = numbers(column) ? givenTo(added, bare) : added;
  // Of one that may have been there, the constraints are not made.
  if (maybe && !table.whole) return { ...numbered, given: null };
  return constraintsOf(column).reduce((so, one) => constrained(so, one, bare), numbered);
}

/** A part of another table has what that has, and goes with it. */
function join(known: Dependants, name: string, command: Node): void {
  const parts = child(child(command, 'def'), 'PartitionCmd');
  const child_ = textOf(command, 'subtype') === 'AT_AddInherit' ? name : relationKey(child(parts, 'name'));
  const table = known.there.get(child_);
  if (table !== undefined) known.there.set(child_, { ...VAGUE, kind: table.kind, owner: table.owner });
}

/** CASCADE of a relation, a column or a key takes views, functions, and foreign keys, triggers and policies of other tables. */
export function forgetOthers(known: Dependants): void {
  forgetThere(known, ({ kind }) => kind === 'view' || kind === 'index' || kind === 'sequence' || kind === 'function');
  for (const [name, one] of known.there)
    known.there.set(name, { ...one, constraints: new Set(), given: null, key: false, parts: new Set(), partsWhole: false });
}
