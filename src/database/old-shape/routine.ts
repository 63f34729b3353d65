import { isJsonObject, type JsonValue } from '../../kernel/index.ts';
import { columnUse } from '../core/old-shape/column-use.ts';
import { isCertain, mentions, strongest, useOf } from '../core/old-shape/uses.ts';
import { textOf } from '../core/tree.ts';
import { parseSql } from '../parser.ts';
import { plpgsqlTree } from '../plpgsql-tree.ts';
import type { Dependant } from '../core/old-shape/facts.ts';
import type { FoundShape } from './resolve.ts';
import { usesInText } from './statements.ts';

/** A function or procedure: `definition` is its CREATE statement, `source` its body. */
export interface Routine {
  readonly definition: string;
  readonly source: string;
  readonly language: string;
  /** It is a trigger of the table, so NEW and OLD are its rows. */
  readonly onTable: boolean;
}

/** How a routine uses an old shape. What is built at run time, or written in another language, may when it mentions it. */
export async function routineUse(routine: Routine, shape: FoundShape): Promise<Dependant['use'] | null> {
  const { language, source } = routine;
  if (language === 'sql') return (await usesInText(source, [shape]))[0]?.use ?? null;
  const parsed = language === 'plpgsql' ? await plpgsqlTree(routine.definition) : null;
  if (parsed?.ok !== true) return mentionsIt(routine, shape) ? 'unreadable' : null;
  return treeUse(parsed.tree, routine, shape);
}

async function treeUse(tree: JsonValue, routine: Routine, shape: FoundShape): Promise<Dependant['use'] | null> {
  const uses: (Dependant['use'] | null)[] = [];
  for (const { query, mode } of expressionsIn(tree)) uses.push(await expressionUse(query, mode, { routine, shape }));
  const known = strongest(uses.filter((use) => use !== 'unreadable'));
  if (known !== null && isCertain(known)) return known;
  const hidden = uses.includes('unreadable') || (runsText(tree) && mentionsIt(routine, shape));
  return hidden ? 'unreadable' : known;
}

/** The text of a trigger need not say the table's name, only the column's. */
function mentionsIt({ source, onTable }: Routine, shape: FoundShape): boolean {
  const column = shape.shape.column;
  const word = column !== null && new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped(column)}(?![\\p{L}\\p{N}_$])`, 'iu').test(source);
  if (column === null) return mentions(source, shape);
  return word && (onTable || mentions(source, shape));
}

/** A name as a pattern that matches nothing else. */
export const escaped = (text: string): string => text.replace(/[^\p{L}\p{N}_]/gu, String.raw`\$&`);

interface Expression {
  readonly query: string;
  /** As PL/pgSQL hands it to the parser: 0 a statement, 2 an expression, 3 and more an assignment. */
  readonly mode: number;
}

function expressionsIn(tree: JsonValue): readonly Expression[] {
  const found: Expression[] = [];
  visit(tree, (tag, node) => {
    if (tag === 'PLpgSQL_expr') found.push({ query: textOf(node, 'query'), mode: Number(node['parseMode'] ?? 0) });
  });
  return found;
}

function runsText(tree: JsonValue): boolean {
  let found = false;
  visit(tree, (tag) => (found ||= tag === 'PLpgSQL_stmt_dynexecute' || tag === 'PLpgSQL_stmt_dynfors'));
  return found;
}

function visit(value: JsonValue, see: (tag: string, node: Readonly<Record<string, JsonValue>>) => void): void {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).forEach((one) => visit(one, see));
  if (!isJsonObject(value)) return;
  for (const [tag, node] of Object.entries(value)) {
    if (isJsonObject(node)) see(tag, node);
    visit(node, see);
  }
}

async function expressionUse(
  query: string,
  mode: number,
  { routine, shape }: { readonly routine: Routine; readonly shape: FoundShape },
): Promise<Dependant['use'] | null> {
  const uses: (Dependant['use'] | null)[] = [];
  for (const sql of asStatements(query, mode)) {
    const parsed = await parseSql(sql);
    if (!parsed.ok) uses.push(mentionsIt(routine, shape) ? 'unreadable' : null);
    else for (const { kind, node } of parsed.statements) uses.push(useInTree({ [kind]: node }, routine, shape));
  }
  return uses.includes('unreadable') ? 'unreadable' : strongest(uses.filter((use) => use !== 'unreadable'));
}

function useInTree(tree: JsonValue, { onTable }: Routine, found: FoundShape): Dependant['use'] | null {
  const { shape, relations, columns, namesakes } = found;
  if (!onTable || shape.kind !== 'column' || shape.column === null || shape.change === 'narrow') return useOf(tree, found);
  return columnUse(tree, { column: shape.column, relations, columns, namesakes }, ['new', 'old']);
}

const ASSIGNMENT = /^([^:=]+?)\s*:?=\s*([\s\S]+)$/;

/** An expression as the statement that computes it; an assignment as both of its sides. */
function asStatements(query: string, mode: number): readonly string[] {
  if (mode === 0) return [query];
  const [, to, value] = mode < 3 ? [] : (ASSIGNMENT.exec(query) ?? []);
  return to === undefined || value === undefined ? [`SELECT ${query}`] : [`SELECT ${to}`, `SELECT ${value}`];
}
