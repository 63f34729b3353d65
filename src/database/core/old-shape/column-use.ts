import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import { samePath } from './shape.ts';

/**
 * `names`: it says the name. `takes all`: it takes every column there is (`SELECT *`), and nobody sees whether this one is used. Of a
 * column that must be given from now on: `leaves out`, and `may leave out` where a trigger may fill it.
 */
export type Use = 'names' | 'takes all' | 'leaves out' | 'may leave out';

type Name = readonly [schema: string, name: string];

/** A column that goes, with what is needed to tell it from others of its name. */
export interface ColumnTarget {
  readonly column: string;
  /** Its table, and what inherits from it. */
  readonly relations: readonly Name[];
  /** Every column of the table that holds what was written into it. */
  readonly columns: readonly string[];
  /** Other relations with a column of that name. */
  readonly namesakes: readonly Name[];
}

/** Something a query reads from, under the name the query knows it by. */
interface Source {
  readonly alias: string;
  readonly target: boolean;
  /** Of another relation: it has a column of that name, so a bare name may mean that one. */
  readonly has: boolean;
}

interface Scope {
  readonly sources: readonly Source[];
  /** Names that WITH gives to queries, and whether they have a column of that name. */
  readonly ctes: ReadonlyMap<string, boolean>;
  readonly outer: Scope | null;
}

interface Work {
  readonly target: ColumnTarget;
  readonly found: Set<Use>;
}

/**
 * How a statement uses a column: names are resolved as PostgreSQL does, through aliases, subqueries, WITH and outer queries. A table
 * without its schema is taken for the one of that name, whatever the search path is.
 * @param rows names under which a whole row of the table is known from outside, as NEW and OLD in a trigger
 */
export function columnUse(tree: JsonValue, target: ColumnTarget, rows: readonly string[] = []): Use | null {
  const work: Work = { target, found: new Set() };
  const sources = rows.map((alias): Source => ({ alias, target: true, has: true }));
  walk(work, tree, { sources, ctes: new Map(), outer: null });
  if (work.found.has('names')) return 'names';
  return work.found.has('takes all') ? 'takes all' : null;
}

const VISITORS: Readonly<Record<string, (work: Work, node: JsonObject, scope: Scope) => void>> = {
  SelectStmt: (work, node, scope) => select(work, node, scope),
  InsertStmt: insert,
  UpdateStmt: (work, node, scope) => change(work, node, { scope, from: children(node, 'fromClause') }),
  DeleteStmt: (work, node, scope) => change(work, node, { scope, from: children(node, 'usingClause') }),
  MergeStmt: (work, node, scope) => change(work, node, { scope, from: [child(node, 'sourceRelation')] }),
  CopyStmt: copy,
  SubLink: subLink,
  ColumnRef: columnRef,
  A_Indirection: indirection,
  TypeName: rowType,
  typeName: rowType,
};

function walk(work: Work, value: JsonValue | undefined, scope: Scope): void {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).forEach((one) => walk(work, one, scope));
  if (value === undefined || !isJsonObject(value)) return;
  for (const [tag, node] of Object.entries(value)) {
    const visit = VISITORS[tag];
    if (visit !== undefined && isJsonObject(node)) visit(work, node, scope);
    else walk(work, node, scope);
  }
}

function select(work: Work, node: JsonObject, scope: Scope, exists = false): void {
  const known = withCtes(work, node, scope);
  for (const side of ['larg', 'rarg']) if (isJsonObject(node[side] ?? null)) select(work, child(node, side), known);
  const from = children(node, 'fromClause');
  const inner: Scope = { sources: from.flatMap((item) => sourcesOf(work, item, known)), ctes: known.ctes, outer: scope };
  walk(work, node['fromClause'], inner);
  const outputs = children(node, 'targetList').map((one) => child(one, 'ResTarget'));
  // What EXISTS selects is never looked at.
  for (const { val } of outputs.filter((one) => !(exists && isStar(one['val'])))) walk(work, val, inner);
  const renamed = outputs.some((one) => textOf(one, 'name') === work.target.column);
  const sorts = children(node, 'sortClause').filter((one) => !(renamed && isBare(child(one, 'SortBy')['node'], work.target.column)));
  walk(work, sorts, inner);
  for (const key of ['whereClause', 'groupClause', 'havingClause', 'windowClause', 'distinctClause', 'valuesLists', 'limitCount'])
    walk(work, node[key], inner);
}

/** The scope with the names WITH gives, whose queries are looked into on the way. */
function withCtes(work: Work, node: JsonObject, scope: Scope): Scope {
  const ctes = new Map(scope.ctes);
  const named = children(child(node, 'withClause'), 'ctes').map((one) => child(one, 'CommonTableExpr'));
  // Recursive ones know themselves and each other; any other that is named like a table still reads the table.
  if (isSet(child(node, 'withClause'), 'recursive')) for (const cte of named) ctes.set(textOf(cte, 'ctename'), true);
  for (const cte of named) {
    const name = textOf(cte, 'ctename');
    walk(work, cte['ctequery'], { ...scope, ctes: new Map(ctes) });
    ctes.set(name, outputs(work, child(cte, 'ctequery'), nameParts(children(cte, 'aliascolnames'))));
  }
  return { ...scope, ctes };
}

function sourcesOf(work: Work, item: JsonObject, scope: Scope): readonly Source[] {
  const [[tag, node] = ['', null]] = Object.entries(item);
  if (!isJsonObject(node ?? null)) return [];
  const inside = child(item, tag);
  const alias = textOf(child(inside, 'alias'), 'aliasname');
  const renamed = nameParts(children(child(inside, 'alias'), 'colnames'));
  switch (tag) {
    case 'RangeVar':
      return [relationSource(work, inside, scope)];
    case 'RangeTableSample':
      return sourcesOf(work, child(inside, 'relation'), scope);
    case 'JoinExpr':
      return joinSources(work, inside, scope);
    case 'RangeSubselect':
      return [{ alias, target: false, has: outputs(work, child(inside, 'subquery'), renamed) }];
    default:
      return [{ alias, target: false, has: renamed.includes(work.target.column) }];
  }
}

function relationSource({ target, found }: Work, rangeVar: JsonObject, { ctes }: Scope): Source {
  const [schema, name] = [textOf(rangeVar, 'schemaname'), textOf(rangeVar, 'relname')];
  const given = textOf(child(rangeVar, 'alias'), 'aliasname');
  const alias = given === '' ? name : given;
  const cte = schema === '' ? ctes.get(name) : undefined;
  if (cte !== undefined) return { alias, target: false, has: cte };
  const path = schema === '' ? [name] : [schema, name];
  const isTarget = target.relations.some((one) => samePath(one, path));
  // `customers AS c (a, b)` gives its columns other names.
  if (isTarget && children(child(rangeVar, 'alias'), 'colnames').length > 0) found.add('takes all');
  return { alias, target: isTarget, has: isTarget || target.namesakes.some((one) => samePath(one, path)) };
}

/** A join over columns of the same name uses them without saying it anywhere else. */
function joinSources(work: Work, join: JsonObject, scope: Scope): readonly Source[] {
  const sources = [...sourcesOf(work, child(join, 'larg'), scope), ...sourcesOf(work, child(join, 'rarg'), scope)];
  const withTarget = sources.some(({ target }) => target);
  if (withTarget && nameParts(children(join, 'usingClause')).includes(work.target.column)) work.found.add('names');
  if (withTarget && join['isNatural'] === true && sources.some(({ target, has }) => has && !target)) work.found.add('names');
  const alias = textOf(child(join, 'alias'), 'aliasname');
  if (alias === '') return sources;
  // Under an alias of its own a join hides the names of what it joins.
  if (withTarget && children(child(join, 'alias'), 'colnames').length > 0) work.found.add('takes all');
  return [{ alias, target: withTarget, has: sources.some(({ has }) => has) }];
}

/** Does a query answer a column of that name? */
function outputs({ target }: Work, query: JsonObject, renamed: readonly string[]): boolean {
  if (renamed.length > 0) return renamed.includes(target.column);
  let node = child(query, 'SelectStmt');
  while (isJsonObject(node['larg'] ?? null)) node = child(node, 'larg');
  const list = [
    ...children(node, 'targetList'),
    ...Object.values(query).flatMap((one) => (isJsonObject(one) ? children(child(one, 'returningClause'), 'exprs') : [])),
  ];
  return list.some((one) => {
    const output = child(one, 'ResTarget');
    const name = textOf(output, 'name');
    return name === '' ? isStar(output['val']) || lastOf(output['val']) === target.column : name === target.column;
  });
}

function insert(work: Work, node: JsonObject, scope: Scope): void {
  const known = withCtes(work, node, scope);
  const source = relationSource(work, child(node, 'relation'), EMPTY);
  const columns = children(node, 'cols');
  if (source.target) {
    assigned(work, columns);
    // Values by position reach it too.
    if (columns.length === 0 && isJsonObject(node['selectStmt'] ?? null)) work.found.add('takes all');
  }
  walk(work, node['selectStmt'], known);
  const inner: Scope = { sources: [source, { ...source, alias: 'excluded' }], ctes: known.ctes, outer: scope };
  const conflict = child(node, 'onConflictClause');
  if (source.target) {
    assigned(work, children(conflict, 'targetList'));
    const keys = children(child(conflict, 'infer'), 'indexElems').map((one) => textOf(child(one, 'IndexElem'), 'name'));
    if (keys.includes(work.target.column)) work.found.add('names');
  }
  walk(work, conflict, inner);
  walk(work, node['returningClause'], inner);
}

const EMPTY: Scope = { sources: [], ctes: new Map(), outer: null };

/** UPDATE, DELETE, MERGE: a table that is changed, and what it is joined with. */
function change(work: Work, node: JsonObject, { scope, from }: { readonly scope: Scope; readonly from: readonly JsonObject[] }): void {
  const known = withCtes(work, node, scope);
  const source = relationSource(work, child(node, 'relation'), EMPTY);
  const inner: Scope = { sources: [source, ...from.flatMap((item) => sourcesOf(work, item, known))], ctes: known.ctes, outer: scope };
  const whens = children(node, 'mergeWhenClauses').map((one) => child(one, 'MergeWhenClause'));
  if (source.target) for (const one of [node, ...whens]) assigned(work, children(one, 'targetList'));
  // MERGE ... INSERT VALUES by position.
  if (source.target && whens.some((one) => children(one, 'values').length > 0 && children(one, 'targetList').length === 0))
    work.found.add('takes all');
  walk(work, [...from], inner);
  for (const key of ['targetList', 'whereClause', 'returningClause', 'joinCondition', 'mergeWhenClauses']) walk(work, node[key], inner);
}

/** Columns that are written, by name. */
function assigned({ target, found }: Work, list: readonly JsonObject[]): void {
  if (list.some((one) => textOf(child(one, 'ResTarget'), 'name') === target.column)) found.add('names');
}

/** COPY of every column by name is how pg_dump takes a table as it is: it does without what is not there. */
function copy(work: Work, node: JsonObject, scope: Scope): void {
  walk(work, node['query'], scope);
  if (!relationSource(work, child(node, 'relation'), EMPTY).target) return;
  const names = nameParts(children(node, 'attlist'));
  if (names.length === 0) work.found.add('takes all');
  else if (names.includes(work.target.column) && (node['is_from'] === true || names.length < work.target.columns.length))
    work.found.add('names');
}

function subLink(work: Work, node: JsonObject, scope: Scope): void {
  walk(work, node['testexpr'], scope);
  const query = child(child(node, 'subselect'), 'SelectStmt');
  select(work, query, scope, textOf(node, 'subLinkType') === 'EXISTS_SUBLINK');
}

function columnRef(work: Work, node: JsonObject, scope: Scope): void {
  const fields = children(node, 'fields');
  const parts = nameParts(fields);
  if (fields.at(-1)?.['A_Star'] !== undefined) return starRef(work, parts.slice(0, -1), scope);
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return bareRef(work, last, scope);
  if (last === work.target.column && sourceNamed(scope, parts.at(-2) ?? '')?.target === true) work.found.add('names');
}

function starRef(work: Work, qualifier: readonly string[], scope: Scope): void {
  const name = qualifier.at(-1);
  const all = name === undefined ? scope.sources.some(({ target }) => target) : sourceNamed(scope, name)?.target === true;
  if (all) work.found.add('takes all');
}

/** A name alone is a column of the nearest query that has one, or a whole row. */
function bareRef(work: Work, name: string, scope: Scope): void {
  if (name === work.target.column) {
    for (let at: Scope | null = scope; at !== null; at = at.outer) {
      if (at.sources.some(({ target }) => target)) return void work.found.add('names');
      if (at.sources.some(({ has }) => has)) return;
    }
  } else if (!work.target.columns.includes(name) && sourceNamed(scope, name)?.target === true) work.found.add('takes all');
}

/** A table is a type too: `NULL::customers`, `json_populate_record(...)`, a variable. */
function rowType({ target, found }: Work, node: JsonObject): void {
  const path = nameParts(children(node, 'names'));
  if (target.relations.some((one) => samePath(one, path))) found.add('takes all');
}

/** `(c).name` of a whole row. */
function indirection(work: Work, node: JsonObject, scope: Scope): void {
  const row = lastOf(node['arg']);
  const [field] = nameParts(children(node, 'indirection'));
  const isRow = row !== null && isBare(node['arg'], row) && sourceNamed(scope, row)?.target === true;
  if (isRow && field !== undefined && field !== '') {
    if (field === work.target.column) work.found.add('names');
    return;
  }
  walk(work, node['arg'], scope);
  walk(work, node['indirection'], scope);
}

function sourceNamed(scope: Scope, alias: string): Source | null {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const source = at.sources.find((one) => one.alias === alias);
    if (source !== undefined) return source;
  }
  return null;
}

function fieldsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return value !== undefined && isJsonObject(value) ? children(child(value, 'ColumnRef'), 'fields') : [];
}

const isStar = (value: JsonValue | undefined): boolean => fieldsOf(value).at(-1)?.['A_Star'] !== undefined;
const lastOf = (value: JsonValue | undefined): string | null => nameParts(fieldsOf(value)).at(-1) ?? null;

function isBare(value: JsonValue | undefined, name: string): boolean {
  const fields = fieldsOf(value);
  return fields.length === 1 && lastOf(value) === name;
}
