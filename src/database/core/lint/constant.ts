import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { quoted } from './fixes.ts';
import { standIn } from './stand-ins.ts';

type Node = Statement['node'];

/** What variables hold, by their names. */
export type Known = ReadonlyMap<string, string>;

/** What a part of an expression is called that is not known before it runs; null where nothing may stand for it. */
type Unknown = (name: string) => string | null;

const NOTHING: Unknown = () => null;

/** The text an expression of constants is; null where something of it is not known before it runs. */
export function constantText(expression: Node, known: Known): string | null {
  return textFrom(expression, known, NOTHING);
}

/** As {@link constantText}, with a stand-in for each part that is not known: taken for the name or value it is meant to be. */
export function templateText(expression: Node, known: Known): string | null {
  return textFrom(expression, known, standIn);
}

function textFrom(expression: Node, known: Known, unknown: Unknown): string | null {
  const constant = child(expression, 'A_Const');
  if (expression['A_Const'] !== undefined) return constant['isnull'] === true ? null : valueOf(constant);
  if (expression['TypeCast'] !== undefined) return textFrom(child(child(expression, 'TypeCast'), 'arg'), known, unknown);
  if (expression['ColumnRef'] !== undefined) {
    const name = nameParts(children(child(expression, 'ColumnRef'), 'fields'))
      .join('.')
      .toLowerCase();
    return known.get(name) ?? unknown(name);
  }
  if (expression['A_Expr'] !== undefined) return joined(child(expression, 'A_Expr'), known, unknown) ?? unknown('value');
  return expression['FuncCall'] === undefined ? unknown('value') : called(child(expression, 'FuncCall'), known, unknown);
}

/** The texts of ARRAY['a', 'b']; null for any other expression. */
export function constantList(expression: Node, known: Known): readonly string[] | null {
  if (expression['TypeCast'] !== undefined) return constantList(child(child(expression, 'TypeCast'), 'arg'), known);
  return expression['A_ArrayExpr'] === undefined ? null : all(children(child(expression, 'A_ArrayExpr'), 'elements'), known, NOTHING);
}

function all(parts: readonly Node[], known: Known, unknown: Unknown): readonly string[] | null {
  const texts = parts.map((one) => textFrom(one, known, unknown)).filter((one) => one !== null);
  return texts.length === parts.length ? texts : null;
}

function valueOf(constant: Node): string {
  const number = child(constant, 'ival')['ival'];
  if (constant['ival'] !== undefined) return String(typeof number === 'number' ? number : 0);
  if (constant['fval'] !== undefined) return textOf(child(constant, 'fval'), 'fval');
  return textOf(child(constant, 'sval'), 'sval');
}

function joined(operation: Node, known: Known, unknown: Unknown): string | null {
  if (nameParts(children(operation, 'name')).at(-1) !== '||') return null;
  return all([child(operation, 'lexpr'), child(operation, 'rexpr')], known, unknown)?.join('') ?? null;
}

function called(call: Node, known: Known, unknown: Unknown): string | null {
  const args = all(children(call, 'args'), known, unknown);
  if (args === null) return null;
  const [first = '', ...rest] = args;
  const name = nameParts(children(call, 'funcname')).at(-1) ?? '';
  switch (name) {
    case 'format':
      return formatted(first, rest);
    case 'concat':
      return args.join('');
    case 'quote_ident':
      return identifier(first);
    case 'quote_literal':
      return literal(first);
    default:
      return unknown(name);
  }
}

/** As PostgreSQL's `format` does with `%I`, `%L`, `%s` and `%1$I`. */
function formatted(pattern: string, values: readonly string[]): string {
  let next = 0;
  return pattern.replace(/%(?:(\d+)\$)?(?:-?\d+)?([ILs%])/g, (_, place: string | undefined, kind: string) => {
    if (kind === '%') return '%';
    const value = values[place === undefined ? next : Number(place) - 1] ?? '';
    next = place === undefined ? next + 1 : Number(place);
    if (kind === 'I') return identifier(value);
    return kind === 'L' ? literal(value) : value;
  });
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** One name, whatever is in it. */
function identifier(name: string): string {
  return name.includes('.') ? `"${name.replaceAll('"', '""')}"` : quoted(name);
}
