import type { JsonObject } from '../../kernel/index.ts';
import { BUILT_IN_TYPES } from '../core/built-in-types.ts';
import { quoted } from '../core/plan/names.ts';
import { child, children, findAll, nameParts, textOf } from '../core/tree.ts';
import { parseSql } from '../parser.ts';

/** What a body in PL/pgSQL knows of the types of its variables, as they are written. */
export interface Types {
  /** By the numbers of the variables. */
  readonly variables: readonly JsonObject[];
  readonly parameters: ReadonlyMap<string, string>;
  /** Of what it answers; null where that is not known. */
  readonly returns: string | null;
}

/** Where a statement has expressions that it works out. */
const VALUES = ['cond', 'expr', 'default_val'];
/** What a block, and not PostgreSQL, gives a name to. */
const CASE_VARIABLE = /"__Case__Variable_\d+__"/g;

/**
 * Queries that do what a statement's expressions do: those in them, calls of the functions that they call, and such that read their texts as
 * values of a type that is not PostgreSQL's own, where it is certain that they are: a cast says so, or nothing else is in the expression than
 * variables of that type.
 */
export async function valuesIn(tag: string, node: JsonObject, types: Types): Promise<readonly string[]> {
  if (tag === 'PLpgSQL_stmt_perform' || tag === 'PLpgSQL_stmt_call') return [];
  const queries: string[] = [];
  for (const text of textsOf(tag, node).filter((one) => /['(]/.test(one))) {
    const expression = await expressionOf(text);
    if (expression === null) continue;
    queries.push(...queriesIn(text, expression), ...callsIn(expression), ...castsIn(expression));
    const typed = text.includes("'") ? typedQuery(text, expression, { own: typesOf(tag, node, types), types }) : null;
    if (typed !== null && (await parseSql(typed)).ok) queries.push(typed);
  }
  return [...new Set(queries)];
}

/** As it is written: IF EXISTS (SELECT ...). */
function queriesIn(text: string, expression: JsonObject): readonly string[] {
  return findAll({ expression }, ['SubLink']).length > 0 ? [`SELECT ${text}`] : [];
}

/** Without what they are called with, of which nobody knows the types. */
function callsIn(expression: JsonObject): readonly string[] {
  const names = findAll({ expression }, ['FuncCall']).map((one) => nameParts(children(one.node, 'funcname')));
  return names.flatMap((one) => (one[0] === 'pg_catalog' ? [] : [`SELECT ${one.map(quoted).join('.')}()`]));
}

const queryOf = (node: JsonObject, key: string): string => textOf(child(child(node, key), 'PLpgSQL_expr'), 'query');

function textsOf(tag: string, node: JsonObject): readonly string[] {
  const chosen = queryOf(node, 't_expr');
  const cases = children(node, 'case_when_list').map((one) => queryOf(child(one, 'PLpgSQL_case_when'), 'expr'));
  const given = children(node, 'params').map((one) => textOf(child(one, 'PLpgSQL_expr'), 'query'));
  const values = VALUES.map((key) => queryOf(node, key));
  // An assignment is written with its variable.
  const own = tag === 'PLpgSQL_stmt_assign' ? values.map((one) => one.replace(/^[^=]*=/, '')) : values;
  return [...own, ...given, ...cases.map((one) => one.replaceAll(CASE_VARIABLE, `(${chosen})`))];
}

/** The tree of an expression; null for what is none. */
export async function expressionOf(text: string): Promise<JsonObject | null> {
  const parsed = await parseSql(`SELECT ${text}`);
  const [statement] = parsed.ok ? parsed.statements : [];
  const [target] = statement === undefined ? [] : children(statement.node, 'targetList');
  return target === undefined ? null : child(child(target, 'ResTarget'), 'val');
}

function castsIn(expression: JsonObject): readonly string[] {
  const casts = findAll({ expression }, ['TypeCast']).map((one) => one.node);
  return casts.flatMap((one) => {
    const text = child(child(child(one, 'arg'), 'A_Const'), 'sval')['sval'];
    const type = typeWritten(child(one, 'typeName'));
    return typeof text !== 'string' || type === null ? [] : [`SELECT '${text.replaceAll("'", "''")}'::${type}`];
  });
}

interface Typed {
  /** Of what the expression is given to. */
  readonly own: string | null;
  readonly types: Types;
}

function typedQuery(text: string, expression: JsonObject, { own, types }: Typed): string | null {
  const tree = { expression };
  if (findAll(tree, ['FuncCall', 'TypeCast', 'SubLink']).length > 0) return null;
  const named = findAll(tree, ['ColumnRef']).map((one) => nameParts(children(one.node, 'fields')).at(-1) ?? '');
  const found = named.map((name) => typeNamed(name, types));
  const all = new Set([...found, ...(named.length > 0 ? [] : [own])]);
  return all.size === 0 || all.has(null) ? null : `SELECT (${text}\n)${[...all].map((one) => `, NULL::${one}`).join('')}`;
}

function typesOf(tag: string, node: JsonObject, types: Types): string | null {
  if (tag === 'PLpgSQL_stmt_return' || tag === 'PLpgSQL_stmt_return_next') return types.returns;
  if (tag === 'PLpgSQL_var') return typeOfVariable(node, types);
  const number = tag === 'PLpgSQL_stmt_assign' ? node['varno'] : null;
  const variable = typeof number === 'number' ? types.variables[number] : undefined;
  return variable === undefined ? null : typeOfVariable(variable, types);
}

/** Null for a name of two blocks, or of none. */
function typeNamed(name: string, types: Types): string | null {
  const [variable, more] = types.variables.filter((one) => textOf(one, 'refname') === name);
  return variable === undefined || more !== undefined ? null : typeOfVariable(variable, types);
}

/** Null for a type of PostgreSQL's own, and for that of a column, which nobody knows here. */
function typeOfVariable(variable: JsonObject, { parameters }: Types): string | null {
  const written = textOf(child(child(variable, 'datatype'), 'PLpgSQL_type'), 'typname');
  const type = written === 'record' ? (parameters.get(textOf(variable, 'refname')) ?? '') : written;
  return /^[\w.]+$/.test(type) && !type.startsWith('pg_catalog.') && !BUILT_IN_TYPES.has(type.toLowerCase()) ? type : null;
}

/** A type as it is written; null for a list, and for one of PostgreSQL's own. */
export function typeWritten(type: JsonObject): string | null {
  const names = nameParts(children(type, 'names'));
  const text = names.join('.');
  if (type['arrayBounds'] !== undefined || names[0] === 'pg_catalog' || BUILT_IN_TYPES.has(text)) return null;
  return /^[a-z_][\w.]*$/.test(text) ? text : null;
}

/** A variable's first value, which the parser leaves out where it does not know the type. */
export function firstValues(
  body: string,
  { variables }: Pick<Types, 'variables'>,
): readonly { readonly query: string; readonly line: number }[] {
  return variables.flatMap((one) => {
    const [name, type] = [textOf(one, 'refname'), textOf(child(child(one, 'datatype'), 'PLpgSQL_type'), 'typname')];
    if (!/^\w+$/.test(name) || !/^[\w.]+$/.test(type) || one['dno'] === undefined) return [];
    const declared = new RegExp(
      String.raw`\b${name}\s+(?:constant\s+)?${type.replaceAll('.', String.raw`\.`)}\s+(?:not\s+null\s+)?(?::=|=|default\b)\s*('(?:[^']|'')*')\s*;`,
      'i',
    ).exec(body);
    const line = one['lineno'];
    return declared === null || typeof line !== 'number' ? [] : [{ query: `SELECT ${declared[1] ?? ''}::${type}`, line }];
  });
}
