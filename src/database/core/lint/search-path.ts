import { isJsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { plainName, type Schema } from './schema.ts';

type Node = Statement['node'];

/** The schemas in which a bare name is looked for, in turn; null where nobody knows them. */
export type Path = readonly string[] | null;

const USUAL: Path = ['public'];
/** PostgreSQL looks there anyway, or in nobody's schema that files tell of. */
const NOBODYS: ReadonlySet<string> = new Set(['$user', 'pg_catalog', 'pg_temp']);

/** The path that a value of search_path, as `settingOf` writes it, means; without one, the usual. */
export function pathOf(value: string | undefined): Path {
  if (value === undefined) return USUAL;
  if (value === UNKNOWN_PATH) return null;
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    ([, exact, bare]) => exact?.replaceAll('""', '"') ?? (bare ?? '').toLowerCase(),
  );
  return names.filter((one) => !NOBODYS.has(one) && one !== '');
}

/** What stands for a search_path that is put together when it runs. */
export const UNKNOWN_PATH = '?';

/** The path a function runs with, where it says so itself. */
export function ownPath({ kind, node }: Statement): Path | undefined {
  if (kind !== 'CreateFunctionStmt') return undefined;
  const set = children(node, 'options')
    .map((one) => child(child(child(one, 'DefElem'), 'arg'), 'VariableSetStmt'))
    .find((one) => textOf(one, 'name') === 'search_path');
  return set === undefined ? undefined : pathOf(pathValue(set));
}

/** The value of SET search_path, its names in quotes. */
export function pathValue(set: Node): string {
  const names = children(set, 'args').map((one) => child(one, 'A_Const'));
  if (textOf(set, 'kind') !== 'VAR_SET_VALUE' || names.some((one) => one['sval'] === undefined)) return UNKNOWN_PATH;
  return names.map((one) => `"${textOf(child(one, 'sval'), 'sval').replaceAll('"', '""')}"`).join(', ');
}

/** A statement with the schema of each bare name written out, as far as it is known. */
export interface Resolved {
  readonly statement: Statement;
  /** Is it known of every bare name of a relation which one it means? */
  readonly sure: boolean;
}

/** Writes the schema of bare names into a statement's tree. What nobody knows stays as it is, as if it were of `public`. */
export function resolveNames(statement: Statement, path: Path, schema: Schema): Resolved {
  if (path === null) return { statement, sure: false };
  if (path.length === 0 || (path.length === 1 && path[0] === 'public')) return { statement, sure: true };
  const local = new Set(findAll(statement.node, ['CommonTableExpr']).map(({ node }) => textOf(node, 'ctename')));
  const names: Names = { path, schema, local, made: madeBy(statement), unsure: [] };
  const node = rewritten(statement.node, names, 0) as Node;
  return { statement: { ...statement, node: renamedObjects(statement.kind, node, names) }, sure: names.unsure.length === 0 };
}

interface Names {
  readonly path: readonly string[];
  readonly schema: Schema;
  /** Names of WITH. */
  readonly local: ReadonlySet<string>;
  /** The RangeVar or list that names what the statement makes. */
  readonly made: JsonValue | undefined;
  readonly unsure: string[];
}

const MADE: Readonly<Record<string, (node: Node) => JsonValue | undefined>> = {
  CreateStmt: (node) => node['relation'],
  ViewStmt: (node) => node['view'],
  CreateTableAsStmt: (node) => child(node, 'into')['rel'],
  CreateSeqStmt: (node) => node['sequence'],
  CompositeTypeStmt: (node) => node['typevar'],
  CreateEnumStmt: (node) => node['typeName'],
  CreateDomainStmt: (node) => node['domainname'],
  CreateFunctionStmt: (node) => node['funcname'],
};

function madeBy({ kind, node }: Statement): JsonValue | undefined {
  return MADE[kind]?.(node);
}

/** Nobody names a table as deep in an expression. */
const DEEPEST = 200;

function rewritten(value: JsonValue, names: Names, depth: number): JsonValue {
  if (depth > DEEPEST || typeof value !== 'object' || value === null) return value;
  if (value === names.made) return madeName(value, names);
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((one) => rewritten(one, names, depth + 1));
  if (!isJsonObject(value)) return value;
  if (typeof value['relname'] === 'string') return relation(value, names);
  const changed = Object.entries(value).map(([key, one]) => [
    key,
    key in LISTS ? list(one, LISTS[key] ?? 'types', names) : rewritten(one, names, depth + 1),
  ]);
  return Object.fromEntries(changed) as Node;
}

/** Lists of names by what they name: only what is known is written out, for most are PostgreSQL's own. */
const LISTS: Readonly<Record<string, 'types' | 'functions'>> = { names: 'types', typeName: 'types', funcname: 'functions' };

function list(value: JsonValue | undefined, kind: 'types' | 'functions', names: Names): JsonValue {
  if (value === names.made && value !== undefined) return madeName(value, names);
  // A type is a list where a statement is about it, and an object in a definition.
  if (!Array.isArray(value)) return rewritten(value ?? null, names, 1);
  const items = value as readonly JsonValue[];
  const [bare = '', more] = nameParts(items.filter(isJsonObject));
  if (more !== undefined || bare === '') return items;
  const known = kind === 'types' ? isType : isFunction;
  const found = names.path.find((one) => known(plainName(`${one}.${bare}`), names.schema));
  return found === undefined ? items : [written(found), ...items];
}

const isType = (name: string, { enums, domains }: Schema): boolean => enums.has(name) || domains.has(name);
const isFunction = (name: string, { functions }: Schema): boolean => functions.has(name);
const isRelation = (name: string, { tables, views, indexes }: Schema): boolean => tables.has(name) || views.has(name) || indexes.has(name);

function written(name: string): JsonValue {
  return { String: { sval: name } };
}

/** The first schema of the path is where things are made, if it is there. */
function madeName(value: JsonValue, names: Names): JsonValue {
  const [first = ''] = names.path;
  const there = names.path.length === 1 || first === 'public' || isSchema(first, names.schema);
  if (isJsonObject(value)) {
    if (value['schemaname'] !== undefined || textOf(value, 'relpersistence') === 't') return value;
    if (there) return { ...value, schemaname: first };
    names.unsure.push(textOf(value, 'relname'));
    return value;
  }
  const parts = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  return there && parts.length === 1 ? [written(first), ...parts] : value;
}

function isSchema(name: string, { schemas, tables, views, enums }: Schema): boolean {
  return schemas.has(name) || [tables, views, enums].some((map) => [...map.keys()].some((one) => one.startsWith(`${name}.`)));
}

function relation(rangeVar: Node, names: Names): Node {
  const name = textOf(rangeVar, 'relname');
  if (rangeVar['schemaname'] !== undefined || names.local.has(name)) return rangeVar;
  const found = schemaOf(name, names);
  return found === null ? rangeVar : { ...rangeVar, schemaname: found };
}

/** The schema of a relation that is there; null where it stays bare. */
function schemaOf(name: string, { path, schema, unsure }: Names): string | null {
  if (name === '' || name.startsWith('pg_') || schema.tables.get(name)?.temporary === true) return null;
  const found = path.find((one) => isRelation(plainName(`${one}.${name}`), schema)) ?? (path.length === 1 ? path[0] : undefined);
  if (found === undefined) unsure.push(name);
  return found ?? null;
}

const OF_RELATION = /^OBJECT_(?:TABLE|VIEW|MATVIEW|INDEX|SEQUENCE|FOREIGN_TABLE|COLUMN|TABCONSTRAINT|TRIGGER|POLICY|RULE)$/;
/** Their own name stands behind that of their table. */
const BEHIND = /^OBJECT_(?:COLUMN|TABCONSTRAINT|TRIGGER|POLICY|RULE)$/;

/** What DROP, COMMENT and RENAME name by a list. */
function renamedObjects(kind: string, node: Node, names: Names): Node {
  if (kind === 'DropStmt') {
    const objects = children(node, 'objects').map((one) => object(one, textOf(node, 'removeType'), names));
    return { ...node, objects };
  }
  if (kind === 'CommentStmt' && node['object'] !== undefined)
    return { ...node, object: object(child(node, 'object'), textOf(node, 'objtype'), names) };
  if (kind === 'RenameStmt' && node['object'] !== undefined)
    return { ...node, object: object(child(node, 'object'), textOf(node, 'renameType'), names) };
  return node;
}

function object(node: Node, type: string, names: Names): Node {
  if (node['ObjectWithArgs'] !== undefined) {
    const own = child(node, 'ObjectWithArgs');
    return { ...node, ObjectWithArgs: { ...own, objname: list(own['objname'], 'functions', names) } };
  }
  if (node['List'] === undefined) return node;
  const items = children(child(node, 'List'), 'items');
  if (type === 'OBJECT_TYPE' || type === 'OBJECT_DOMAIN') return { ...node, List: { items: list(items, 'types', names) } };
  const [bare = ''] = nameParts(items);
  if (!OF_RELATION.test(type) || items.length !== (BEHIND.test(type) ? 2 : 1)) return node;
  const found = schemaOf(bare, names);
  return found === null ? node : { ...node, List: { items: [written(found), ...items] } };
}
