import { BUILT_IN_TYPES } from '../built-in-types.ts';
import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { givenTo } from './checks-enums.ts';
import type { Dependants } from './dependant.ts';
import { plainName, relationKey, type Column, type Schema } from './schema.ts';
import { typeKey } from './there-others.ts';
import { refused, type Wrong } from './there-wrong.ts';

type Node = Statement['node'];

/** A value as a statement writes it, and the type it must be of. */
interface Typed {
  readonly type: string;
  readonly value: Node;
}

/** Texts that are no value of their enum, and NULL for columns that take none. */
export function wrongValues(statement: Statement, schema: Schema): readonly Wrong[] {
  const { there } = schema.dependants;
  const texts = [...casts(statement), ...columnValues(statement, schema)].flatMap(({ type, value }) => {
    const made = there.get(typeKey(type));
    const text = child(child(value, 'A_Const'), 'sval')['sval'];
    return made?.whole !== true || typeof text !== 'string' || made.members.has(text)
      ? []
      : [`'${text}' for ${type}, which has no such value`];
  });
  return [...new Set([...texts, ...absent(statement, schema)])].map((one) => refused(one));
}

function typeNamed(type: Node): string {
  return type['arrayBounds'] === undefined ? plainName(nameParts(children(type, 'names')).join('.')) : '';
}

/** The server reads them when it parses the statement. */
function casts({ node }: Statement): readonly Typed[] {
  return findAll(node, ['TypeCast']).map((one) => ({ type: typeNamed(child(one.node, 'typeName')), value: child(one.node, 'arg') }));
}

/** What columns are given, now or by default. */
function columnValues({ kind, node }: Statement, schema: Schema): readonly Typed[] {
  const table = relationKey(child(node, 'relation'));
  const typeOf = (column: string): string => {
    const type = schema.tables.get(table)?.columns.get(column)?.type ?? null;
    return type === null || type.array ? '' : plainName(type.base);
  };
  const given = givenTo(kind, node).map(({ column, value }) => ({ type: typeOf(column), value }));
  if (kind === 'CreateStmt') return children(node, 'tableElts').flatMap((one) => defaultOf(child(one, 'ColumnDef')));
  if (kind !== 'AlterTableStmt') return given;
  return children(node, 'cmds').flatMap((one) => {
    const command = child(one, 'AlterTableCmd');
    if (textOf(command, 'subtype') === 'AT_ColumnDefault') return [{ type: typeOf(textOf(command, 'name')), value: child(command, 'def') }];
    return textOf(command, 'subtype') === 'AT_AddColumn' ? defaultOf(child(child(command, 'def'), 'ColumnDef')) : [];
  });
}

function defaultOf(column: Node): readonly Typed[] {
  return children(column, 'constraints')
    .map((one) => child(one, 'Constraint'))
    .filter((one) => textOf(one, 'contype') === 'CONSTR_DEFAULT')
    .map((one) => ({ type: typeNamed(child(column, 'typeName')), value: child(one, 'raw_expr') }));
}

/** Must it be given? A domain may have a default of its own, and so may a type that nobody knows. */
function isRequired({ notNull, unfilled, virtual, type }: Column, { there }: Dependants): boolean {
  if (!notNull || unfilled !== true || virtual === true || type === null) return false;
  return BUILT_IN_TYPES.has(type.base) || there.get(typeKey(plainName(type.base)))?.whole === true;
}

/** A trigger or a rule may put something else in its place. */
function absent({ kind, node }: Statement, { tables, dependants }: Schema): readonly string[] {
  const table = relationKey(child(node, 'relation'));
  const made = dependants.there.get(table);
  const known = tables.get(table);
  if (kind !== 'InsertStmt' || known === undefined || known.partitioned !== null || made?.whole !== true || !made.partsWhole) return [];
  if ([...made.parts].some((one) => !one.startsWith('policy '))) return [];
  const given = givenTo(kind, node);
  const named = new Set(given.map(({ column }) => column));
  // Without names it is not known here which columns are left out.
  const left =
    named.size === 0 || named.has('')
      ? []
      : [...known.columns.values()].filter((one) => !named.has(one.name) && isRequired(one, dependants));
  const nulls = given
    .filter(({ column, value }) => child(value, 'A_Const')['isnull'] === true && known.columns.get(column)?.notNull === true)
    .map(({ column }) => `NULL for ${table}.${column}, which is NOT NULL`);
  return [...nulls, ...left.map(({ name }) => `nothing for ${table}.${name}, which is NOT NULL and has no default`)];
}
