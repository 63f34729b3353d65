import type { JsonObject, JsonValue } from '../../../kernel/pure.ts';
import { child, children, findAll, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';

/** What a parameter of a statement is there for. */
export interface Parameter {
  /** The n of `$n`. */
  readonly number: number;
  /** The column it is written to or compared with; null where it meets none. */
  readonly column: string | null;
  /** The table of that column, where the statement says so; null where only the catalog can tell. */
  readonly table: string | null;
  readonly use: 'assigned' | 'compared' | 'limit' | 'offset' | 'other';
}

/** The tables of a statement, and what each of its parameters meets. */
export interface Parameters {
  /** The table it writes to; null for a query. */
  readonly target: string | null;
  /** All tables, the target first. */
  readonly tables: readonly string[];
  /** By number, without gaps as the statement has none. */
  readonly parameters: readonly Parameter[];
}

/** Reads from a statement's tree which column each parameter meets. Scopes are not told apart: what is ambiguous is the catalog's to say. */
export function parametersOf({ kind, node }: Pick<Statement, 'kind' | 'node'>): Parameters {
  const ranges = findAll({ node }, ['RangeVar']).map((found) => found.node);
  const relation = kind === 'SelectStmt' ? {} : child(node, 'relation');
  const target = kind === 'SelectStmt' ? null : relationName(relation);
  const all = target === null ? ranges : [relation, ...ranges];
  const names = new Map<string, string>();
  for (const range of all) {
    const alias = textOf(child(range, 'alias'), 'aliasname');
    names.set(alias === '' ? textOf(range, 'relname') : alias, relationName(range));
  }
  const found = new Map<number, Parameter>();
  const note = (value: JsonValue | undefined, meets: Omit<Parameter, 'number'>): void => {
    const number = parameterIn(value);
    if (number !== null && !found.has(number)) found.set(number, { number, ...meets });
  };
  if (target !== null) assignments(kind, node, (value, column) => note(value, { column, table: target, use: 'assigned' }));
  comparisons(node, names, note);
  for (const { node: select } of findAll({ SelectStmt: node }, ['SelectStmt'])) {
    note(select['limitCount'], { column: null, table: null, use: 'limit' });
    note(select['limitOffset'], { column: null, table: null, use: 'offset' });
  }
  for (const { node: one } of findAll({ node }, ['ParamRef'])) note({ ParamRef: one }, { column: null, table: null, use: 'other' });
  return {
    target,
    tables: [...new Set(all.map(relationName))].filter((name) => name !== ''),
    parameters: [...found.values()].toSorted((a, b) => a.number - b.number),
  };
}

type Note = (value: JsonValue | undefined, meets: Omit<Parameter, 'number'>) => void;

function assignments(kind: string, node: JsonObject, note: (value: JsonValue, column: string) => void): void {
  if (kind === 'InsertStmt') {
    const columns = children(node, 'cols').map((one) => textOf(child(one, 'ResTarget'), 'name'));
    const select = child(child(node, 'selectStmt'), 'SelectStmt');
    const rows = children(select, 'valuesLists').map((row) => children(child(row, 'List'), 'items'));
    const selected = children(select, 'targetList').map((one) => child(child(one, 'ResTarget'), 'val'));
    const written = (rows.length > 0 ? rows : [selected]).flatMap((row) => row.map((value, index) => [value, columns[index]] as const));
    for (const [value, column] of written) if (column !== undefined) note(value, column);
  }
  // Of an UPDATE, of ON CONFLICT and of MERGE alike: a target with a name is written to.
  for (const { node: target } of findAll(node, ['ResTarget'])) {
    const name = textOf(target, 'name');
    if (name !== '') note(child(target, 'val'), name);
  }
}

function comparisons(node: JsonObject, names: ReadonlyMap<string, string>, note: Note): void {
  for (const { node: expression } of findAll({ node }, ['A_Expr'])) {
    const sides = [expression['lexpr'], expression['rexpr']] as const;
    for (const [side, other] of [sides, sides.toReversed()] as const) {
      const column = columnIn(side, names);
      if (column === null) continue;
      for (const value of listed(other)) note(value, { ...column, use: 'compared' });
    }
  }
}

function listed(value: JsonValue | undefined): readonly (JsonValue | undefined)[] {
  const list = value === undefined ? {} : child({ value }, 'value');
  return list['List'] === undefined ? [value] : children(child(list, 'List'), 'items');
}

function columnIn(value: JsonValue | undefined, names: ReadonlyMap<string, string>): Pick<Parameter, 'column' | 'table'> | null {
  if (value === undefined) return null;
  const cast = child(child({ value }, 'value'), 'TypeCast');
  if (cast['arg'] !== undefined) return columnIn(cast['arg'], names);
  const parts = children(child(child({ value }, 'value'), 'ColumnRef'), 'fields').map((one) => textOf(child(one, 'String'), 'sval'));
  const column = parts.at(-1) ?? '';
  if (column === '') return null;
  return { column, table: parts.length > 1 ? (names.get(parts.at(-2) ?? '') ?? null) : null };
}

/** The number of a parameter that stands alone, or only under a cast. */
function parameterIn(value: JsonValue | undefined): number | null {
  if (value === undefined) return null;
  const node = child({ value }, 'value');
  const cast = child(node, 'TypeCast');
  if (cast['arg'] !== undefined) return parameterIn(cast['arg']);
  const number = child(node, 'ParamRef')['number'];
  return typeof number === 'number' ? number : null;
}
