import { isWrapper, nameOf, nodeAt, walk, type Node } from './tree.ts';
import type { Module } from './module.ts';

/** First and last line of something, from 1. */
export interface Lines {
  readonly from: number;
  readonly to: number;
}

/** What stands around a call, as far as it is needed to say what becomes of it. */
export interface Site {
  /** The whole expression that gives the value, `await` included, on one line. */
  readonly expression: string;
  /** What the value decides: the test of an `if`, of `a ? b : c`, or one side of `&&` and `||`. */
  readonly decides: 'if' | 'choice' | 'and' | 'or' | null;
  /** True when it is turned around by `!` an odd number of times. */
  readonly negated: boolean;
  readonly whenTrue: Lines | null;
  readonly whenFalse: Lines | null;
  /** The constant the value is kept in, and the lines in which that is used. */
  readonly kept: { readonly name: string; readonly lines: readonly number[] } | null;
}

/** Line and column of an offset, both from 1. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** What stands around a node whose ancestors are `above`. */
export function siteOf(node: Node, above: readonly Node[], module: Module): Site {
  const around = [...above].reverse();
  const inner = around.findIndex((one) => !isWrapper(one) && one.type !== 'AwaitExpression');
  const value = inner <= 0 ? node : (around[inner - 1] ?? node);
  const rest = inner < 0 ? [] : around.slice(inner);
  const outer = rest.findIndex((one) => !isWrapper(one) && one['operator'] !== '!');
  const turned = rest.slice(0, Math.max(0, outer));
  const at = turned.at(-1) ?? value;
  const parent = rest[turned.length] ?? null;
  return {
    expression: oneLine(module.text.slice(value.start, value.end)),
    negated: turned.filter((one) => one['operator'] === '!').length % 2 === 1,
    ...decision(parent, at, module),
    kept: keptIn(parent, at, module),
  };
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}

function decision(parent: Node | null, at: Node, { text }: Module): Pick<Site, 'decides' | 'whenTrue' | 'whenFalse'> {
  const nothing = { decides: null, whenTrue: null, whenFalse: null };
  if (parent === null) return nothing;
  const lines = (node: Node | null): Lines | null =>
    node === null ? null : { from: placeOf(text, node.start).line, to: placeOf(text, node.end).line };
  const isTest = nodeAt(parent, 'test') === at;
  if (isTest && (parent.type === 'IfStatement' || parent.type === 'ConditionalExpression')) {
    const decides = parent.type === 'IfStatement' ? 'if' : 'choice';
    return { decides, whenTrue: lines(nodeAt(parent, 'consequent')), whenFalse: lines(nodeAt(parent, 'alternate')) };
  }
  if (parent.type !== 'LogicalExpression' || nodeAt(parent, 'left') !== at) return nothing;
  const right = lines(nodeAt(parent, 'right'));
  if (parent['operator'] === '&&') return { decides: 'and', whenTrue: right, whenFalse: null };
  return parent['operator'] === '||' ? { decides: 'or', whenTrue: null, whenFalse: right } : nothing;
}

function keptIn(parent: Node | null, at: Node, module: Module): Site['kept'] {
  if (parent?.type !== 'VariableDeclarator' || nodeAt(parent, 'init') !== at) return null;
  const id = nodeAt(parent, 'id');
  const name = id?.type === 'Identifier' ? nameOf(id) : '';
  // A name that is declared twice is not followed: some of its uses are of the other one.
  if (module.names.get(name)?.kind !== 'const') return null;
  const lines = new Set<number>();
  walk(module.program, (node) => {
    if (node.type === 'Identifier' && nameOf(node) === name && node.start !== id?.start) lines.add(placeOf(module.text, node.start).line);
  });
  return { name, lines: [...lines].toSorted((a, b) => a - b) };
}
