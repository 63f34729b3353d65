import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import { columnUse, type ColumnTarget, type Use } from './column-use.ts';
import { leftOut, type GivenTarget } from './left-out.ts';
import { samePath, type OldShape } from './shape.ts';

/** An old shape as the catalog knows it. */
export interface Resolved {
  readonly shape: OldShape;
  /** For a column: its table; for a relation: itself. With what inherits from it, each as `[schema, name]`. */
  readonly relations: readonly (readonly [schema: string, name: string])[];
  /** Every column of the table that holds what was written into it, in order: those that a dump names. */
  readonly columns: readonly string[];
  /** Of a column that must be given: what becomes of it in a statement that leaves it out. */
  readonly otherwise: GivenTarget['otherwise'];
  /** Other relations with a column of the same name, as `[schema, name]`. */
  readonly namesakes: readonly (readonly [schema: string, name: string])[];
}

/** How a statement uses an old shape; null when it does not. */
export function useOf(tree: JsonValue, resolved: Resolved): Use | null {
  const { shape, relations, columns, namesakes } = resolved;
  if (shape.mustBeGiven === true) return leftOut(tree, { column: shape.column ?? '', relations, otherwise: resolved.otherwise });
  if (shape.change === 'narrow') return null;
  switch (shape.kind) {
    case 'column': {
      const target: ColumnTarget = { column: shape.column ?? '', relations, columns, namesakes };
      return columnUse(tree, target);
    }
    case 'relation':
      return namesRelation(tree, relations) ? 'names' : null;
    case 'routine':
      return findAll(tree, ['FuncCall']).some(({ node }) => samePath(nameParts(children(node, 'funcname')), shape.path)) ? 'names' : null;
    case 'type':
      return findAll(tree, ['TypeName', 'typeName']).some(({ node }) => samePath(nameParts(children(node, 'names')), shape.path))
        ? 'names'
        : null;
    case 'schema':
      return inSchema(tree, shape.path[0] ?? '') ? 'names' : null;
    case 'rule':
      return null;
  }
}

/** Names that WITH gives hide a table only where they are known: not in their own query, unless it is recursive, and not as what is written to. */
function namesRelation(tree: JsonValue | undefined, relations: Resolved['relations'], hidden: ReadonlySet<string> = new Set()): boolean {
  if (Array.isArray(tree)) return (tree as readonly JsonValue[]).some((one) => namesRelation(one, relations, hidden));
  if (tree === undefined || !isJsonObject(tree)) return false;
  const isNamed = (node: JsonObject, unless: ReadonlySet<string>): boolean => {
    const [schema, name] = [textOf(node, 'schemaname'), textOf(node, 'relname')];
    return !(schema === '' && unless.has(name)) && relations.some((one) => one[1] === name && (schema === '' || one[0] === schema));
  };
  const withClause = child(tree, 'withClause');
  const queries = children(withClause, 'ctes').map((one) => child(one, 'CommonTableExpr'));
  const known = new Set([...hidden, ...(isSet(withClause, 'recursive') ? queries.map((cte) => textOf(cte, 'ctename')) : [])]);
  for (const cte of queries) {
    if (namesRelation(cte['ctequery'], relations, new Set(known))) return true;
    known.add(textOf(cte, 'ctename'));
  }
  return Object.entries(tree).some(([tag, node]) => {
    if (tag === 'withClause') return false;
    if (tag === 'RangeVar' && isJsonObject(node)) return isNamed(node, known);
    if (isJsonObject(node) && typeof node['relname'] === 'string') return isNamed(node, NONE);
    const isType = (tag === 'TypeName' || tag === 'typeName') && isJsonObject(node);
    if (isType && relations.some((one) => samePath(one, nameParts(children(node, 'names'))))) return true;
    return namesRelation(node, relations, known);
  });
}

const NONE: ReadonlySet<string> = new Set();

/** A RangeVar stands under its tag in a list, and under `relation` (without a tag) where a statement works on it. */
function rangeVars(tree: JsonValue): readonly JsonObject[] {
  return [
    ...findAll(tree, ['RangeVar']).map(({ node }) => node),
    ...findAll(tree, ['relation', 'rel'])
      .map(({ node }) => node)
      .filter((node) => typeof node['relname'] === 'string'),
  ];
}

function inSchema(tree: JsonValue, schema: string): boolean {
  const named = (nodes: readonly JsonObject[]): boolean => {
    const parts = nameParts(nodes);
    return parts.length > 1 && parts[0] === schema;
  };
  return (
    rangeVars(tree).some((node) => textOf(node, 'schemaname') === schema) ||
    findAll(tree, ['FuncCall']).some(({ node }) => named(children(node, 'funcname'))) ||
    findAll(tree, ['TypeName', 'typeName']).some(({ node }) => named(children(node, 'names')))
  );
}

const STRENGTH: readonly Use[] = ['names', 'leaves out', 'may leave out', 'takes all'];

/** The strongest of several uses. */
export function strongest(uses: readonly (Use | null)[]): Use | null {
  return STRENGTH.find((use) => uses.includes(use)) ?? null;
}

/** Is it certain to fail once the old shape is gone? */
export function isCertain(use: Use | 'unreadable'): boolean {
  return use === 'names' || use === 'leaves out';
}

/** Does a text that cannot be parsed mention what goes? Then nobody can say that it does not use it. */
export function mentions(text: string, { shape, relations }: Resolved): boolean {
  const words = new Set(text.toLowerCase().match(/[\p{L}_][\p{L}\p{N}_$]*/gu) ?? []);
  const has = (name: string): boolean => words.has(name.toLowerCase());
  if (shape.kind === 'column' || shape.kind === 'relation') return relations.some(([, name]) => has(name));
  return has(shape.path.at(-1) ?? '');
}
