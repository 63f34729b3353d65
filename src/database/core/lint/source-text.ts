import { child, children, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { utf8Length } from './command-place.ts';
import { located } from './recognise-parts.ts';
import type { Placed } from './types.ts';

type Node = Statement['node'];

/** What was written for a new column: its type, and each of its constraints by kind. */
export interface WrittenColumn {
  readonly type: string;
  readonly clauses: Readonly<Record<string, string>>;
}

/** The text of an ADD COLUMN, cut out by the tree's places; null when they are not known. Nothing is written anew from the tree. */
export function writtenColumn(placed: Placed, column: string): WrittenColumn | null {
  const definitions = children(placed.statement.node, 'cmds').map((one) => child(child(child(one, 'AlterTableCmd'), 'def'), 'ColumnDef'));
  const definition = definitions.find((one) => textOf(one, 'colname') === column);
  const from = definition === undefined ? undefined : located(child(definition, 'typeName'));
  if (definition === undefined || from === undefined) return null;
  const end = endOfCommand(placed, from);
  const parts = children(definition, 'constraints')
    .map((one) => child(one, 'Constraint'))
    .map((one) => ({ kind: textOf(one, 'contype'), at: located(one) ?? end }))
    .toSorted((a, b) => a.at - b.at);
  const clauses = parts.map(({ kind, at }, index) => [kind, textBetween(placed, at, parts[index + 1]?.at ?? end)] as const);
  return { type: textBetween(placed, from, parts[0]?.at ?? end), clauses: Object.fromEntries(clauses) };
}

/** The text of an ADD CONSTRAINT, from its name on. */
export function writtenConstraint(placed: Placed, node: Node): string | null {
  const from = located(node);
  return from === undefined || placed.base === null ? null : textBetween(placed, from, endOfCommand(placed, from));
}

/** The place after which the next command of the statement is defined, or the statement's end. */
function endOfCommand(placed: Placed, from: number): number {
  const places = children(placed.statement.node, 'cmds').flatMap((one) => {
    const definition = child(child(one, 'AlterTableCmd'), 'def');
    return [located(child(definition, 'ColumnDef')), located(child(definition, 'Constraint'))].filter((at) => at !== undefined);
  });
  return Math.min(...places.filter((at) => at > from), Number.MAX_SAFE_INTEGER);
}

/** Of a command that follows, only the words before its definition are in the way. */
const NEXT_COMMAND = /,\s*(?:ADD|ALTER|DROP|VALIDATE|SET|RENAME|ENABLE|DISABLE)\b(?:[^'"()]|'[^']*'|"[^"]*"|\([^()]*\))*$/i;

function textBetween({ statement: { text, start }, base }: Placed, from: number, to: number): string {
  const offset = (start ?? 0) - (base ?? 0);
  return sliceBytes(text, from - offset, to - offset)
    .replace(NEXT_COMMAND, '')
    .replace(/--[^\n]*(?:\n|$)/g, ' ')
    .trim();
}

function sliceBytes(text: string, from: number, to: number): string {
  let byte = 0;
  let found = '';
  for (const character of text) {
    if (byte >= to) break;
    if (byte >= from) found += character;
    byte += utf8Length(character);
  }
  return found;
}
