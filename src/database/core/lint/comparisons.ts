import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';

type Node = Statement['node'];

/** One comparison of a column with a constant, in one way of writing it. */
function comparison(column: string, operator: string, value: string): string {
  return `${column} ${operator} ${value}`;
}

/** The comparisons that a CHECK joins by AND; none where it holds anything else that is not `IS NOT NULL`. */
export function comparisonsOf(expression: Node): readonly string[] {
  const both = child(expression, 'BoolExpr');
  if (textOf(both, 'boolop') === 'AND_EXPR') return children(both, 'args').flatMap(comparisonsOf);
  const test = child(expression, 'A_Expr');
  const column = columnOf(child(test, 'lexpr'));
  if (column === null) return [];
  const operator = nameParts(children(test, 'name')).at(-1) ?? '';
  const values = constantsOf(test['rexpr']);
  if (textOf(test, 'kind') === 'AEXPR_IN' || textOf(test, 'kind') === 'AEXPR_OP_ANY') return [comparison(column, '=', listed(values))];
  if (textOf(test, 'kind') === 'AEXPR_BETWEEN' || textOf(test, 'kind') !== 'AEXPR_OP' || values.length !== 1) return [];
  return [comparison(column, operator, operator === '=' ? listed(values) : (values[0] ?? ''))];
}

/** The comparisons of a CHECK as the catalog prints it. */
export function comparisonsOfText(definition: string): readonly string[] {
  if (/\b(?:OR|NOT)\b/.test(definition.replaceAll(/IS NOT NULL|NOT VALID/g, ''))) return [];
  const simple = [...definition.matchAll(/\(("?[\w$]+"?) (=|>=|<=|<|>) '?([^')]*)'?(?:::[\w ]+)?\)/g)];
  return simple.map(([, column = '', operator = '', value = '']) =>
    comparison(column.replaceAll('"', ''), operator, operator === '=' ? listed([value]) : value),
  );
}

/** What a CHECK must say so that rows of a partition with these bounds need not be looked at; null where that is not known. */
export function boundComparisons(bound: Node, columns: readonly string[]): readonly string[] | null {
  const [column, more] = columns;
  if (column === undefined || more !== undefined || isSet(bound, 'is_default')) return null;
  if (textOf(bound, 'strategy') === 'l') return [comparison(column, '=', listed(constantsOf(bound['listdatums'])))];
  if (textOf(bound, 'strategy') !== 'r') return null;
  const [from] = limitOf(bound['lowerdatums']);
  const [to] = limitOf(bound['upperdatums']);
  return [...(from === undefined ? [] : [comparison(column, '>=', from)]), ...(to === undefined ? [] : [comparison(column, '<', to)])];
}

/** A bound's constant; MINVALUE and MAXVALUE are read as columns, and bind nothing. */
function limitOf(datums: Node[string] | undefined): readonly string[] {
  return constantsOf(datums);
}

function columnOf(expression: Node): string | null {
  const cast = child(expression, 'TypeCast');
  if (cast['arg'] !== undefined) return columnOf(child(cast, 'arg'));
  return nameParts(children(child(expression, 'ColumnRef'), 'fields')).at(-1) ?? null;
}

function constantsOf(value: Node[string] | undefined): readonly string[] {
  return findAll(value ?? null, ['A_Const']).map(({ node }) => {
    const number = child(node, 'ival')['ival'];
    if (node['ival'] !== undefined) return String(typeof number === 'number' ? number : 0);
    if (node['fval'] !== undefined) return textOf(child(node, 'fval'), 'fval');
    return textOf(child(node, 'sval'), 'sval');
  });
}

const listed = (values: readonly string[]): string => values.toSorted().join(',');
