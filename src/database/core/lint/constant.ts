import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { quoted } from './fixes.ts';

type Node = Statement['node'];

/** What variables hold, by their names. */
export type Known = ReadonlyMap<string, string>;

/** The text an expression of constants is; null where something of it is not known before it runs. */
export function constantText(expression: Node, known: Known): string | null {
  const constant = child(expression, 'A_Const');
  if (expression['A_Const'] !== undefined) return constant['isnull'] === true ? null : valueOf(constant);
  if (expression['TypeCast'] !== undefined) return constantText(child(child(expression, 'TypeCast'), 'arg'), known);
  if (expression['ColumnRef'] !== undefined)
    return (
      known.get(
        nameParts(children(child(expression, 'ColumnRef'), 'fields'))
          .join('.')
          .toLowerCase(),
      ) ?? null
    );
  if (expression['A_Expr'] !== undefined) return joined(child(expression, 'A_Expr'), known);
  return expression['FuncCall'] === undefined ? null : called(child(expression, 'FuncCall'), known);
}

/** The texts of ARRAY['a', 'b']; null for any other expression. */
export function constantList(expression: Node, known: Known): readonly string[] | null {
  if (expression['TypeCast'] !== undefined) return constantList(child(child(expression, 'TypeCast'), 'arg'), known);
  return expression['A_ArrayExpr'] === undefined ? null : all(children(child(expression, 'A_ArrayExpr'), 'elements'), known);
}

function all(parts: readonly Node[], known: Known): readonly string[] | null {
  const texts = parts.map((one) => constantText(one, known)).filter((one) => one !== null);
  return texts.length === parts.length ? texts : null;
}

function valueOf(constant: Node): string {
  const number = child(constant, 'ival')['ival'];
  if (constant['ival'] !== undefined) return String(typeof number === 'number' ? number : 0);
  if (constant['fval'] !== undefined) return textOf(child(constant, 'fval'), 'fval');
  return textOf(child(constant, 'sval'), 'sval');
}

function joined(operation: Node, known: Known): string | null {
  if (nameParts(children(operation, 'name')).at(-1) !== '||') return null;
  return all([child(operation, 'lexpr'), child(operation, 'rexpr')], known)?.join('') ?? null;
}

function called(call: Node, known: Known): string | null {
  const args = all(children(call, 'args'), known);
  if (args === null) return null;
  const [first = '', ...rest] = args;
  switch (nameParts(children(call, 'funcname')).at(-1)) {
    case 'format':
      return formatted(first, rest);
    case 'concat':
      return args.join('');
    case 'quote_ident':
      return identifier(first);
    case 'quote_literal':
      return literal(first);
    default:
      return null;
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
