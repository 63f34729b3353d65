import { isJsonObject, messageOf, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { constantList, constantText, type Known } from '../core/lint/constant.ts';
import { child, children, findAll, isSet, nameParts, textOf } from '../core/tree.ts';
import { libpgQuery } from '../libpg-query.ts';
import { parseSql } from '../parser.ts';

/** SQL that a body runs, and the body's line on which. */
export interface Piece {
  readonly query: string;
  readonly line: number;
}

/** What a body runs, and the lines on which it runs what only it knows. */
export interface Pieces {
  readonly found: readonly Piece[];
  readonly hidden: readonly number[];
  /** Why the body cannot be parsed; null where it can. */
  readonly refused: string | null;
}

/** The SQL of a DO block or function in PL/pgSQL. */
export async function plpgsqlPieces(text: string): Promise<Pieces> {
  const { parsePlPgSQLSync } = await libpgQuery();
  let tree: JsonValue;
  try {
    tree = parsePlPgSQLSync(text) as JsonValue;
  } catch (error) {
    return { found: [], hidden: [], refused: messageOf(error) };
  }
  const variables = variablesOf(tree);
  const fixed = await fixedOf(variables, tree);
  const body: Body = { found: [], hidden: [], refused: null, variables, lists: fixed.lists };
  await walk(tree, { line: 1, known: [fixed.texts] }, body);
  return body;
}

interface Body extends Pieces {
  readonly found: Piece[];
  readonly hidden: number[];
  readonly variables: readonly JsonObject[];
  readonly lists: Fixed['lists'];
}

interface At {
  readonly line: number;
  /** What is known of the variables, in each way a loop may come there. */
  readonly known: readonly Known[];
}

async function walk(value: JsonValue, at: At, body: Body): Promise<void> {
  if (Array.isArray(value)) for (const one of value as readonly JsonValue[]) await walk(one, at, body);
  if (!isJsonObject(value)) return;
  for (const [tag, node] of Object.entries(value)) {
    if (!isJsonObject(node)) {
      await walk(node, at, body);
      continue;
    }
    const line = typeof node['lineno'] === 'number' ? node['lineno'] : at.line;
    await note(tag, node, { line, known: at.known }, body);
    const known = tag === 'PLpgSQL_stmt_foreach_a' ? await inLoop(node, at.known, body) : at.known;
    await walk(node, { line, known }, body);
  }
}

async function note(tag: string, node: JsonObject, { line, known }: At, { found, hidden }: Body): Promise<void> {
  if (tag === 'PLpgSQL_stmt_execsql') found.push({ query: queryOf(node, 'sqlstmt'), line });
  if (tag === 'PLpgSQL_stmt_perform') found.push({ query: queryOf(node, 'expr'), line });
  if (tag !== 'PLpgSQL_stmt_dynexecute') return;
  const expression = await expressionOf(queryOf(node, 'query'));
  const texts = new Set(known.map((one) => (expression === null ? null : constantText(expression, one))));
  if (texts.has(null)) hidden.push(line);
  else for (const query of texts) if (query !== null) found.push({ query, line });
}

function queryOf(node: JsonObject, key: string): string {
  return textOf(child(child(node, key), 'PLpgSQL_expr'), 'query');
}

/** The tree of an expression; null for what is none. */
async function expressionOf(text: string): Promise<JsonObject | null> {
  const parsed = await parseSql(`SELECT ${text}`);
  const [statement] = parsed.ok ? parsed.statements : [];
  const [target] = statement === undefined ? [] : children(statement.node, 'targetList');
  return target === undefined ? null : child(child(target, 'ResTarget'), 'val');
}

/** The variables of a body, by their number. */
function variablesOf(tree: JsonValue): readonly JsonObject[] {
  const [body] = isJsonObject(tree) ? children(tree, 'plpgsql_funcs') : [];
  return body === undefined ? [] : children(child(body, 'PLpgSQL_function'), 'datums').map((one) => child(one, 'PLpgSQL_var'));
}

/** Variables that keep what they are declared with. */
interface Fixed {
  readonly texts: Known;
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

async function fixedOf(variables: readonly JsonObject[], tree: JsonValue): Promise<Fixed> {
  const changed = changedNumbers(tree);
  const names = variables.map((one) => textOf(one, 'refname'));
  // What CALL is given may come back changed.
  const calls = findAll(tree, ['PLpgSQL_stmt_call']).length > 0;
  const kept = (one: JsonObject, number: number): boolean => isSet(one, 'isconst') || (!calls && !changed.has(number));
  const [texts, lists] = [new Map<string, string>(), new Map<string, readonly string[]>()];
  for (const [number, one] of variables.entries()) {
    const name = textOf(one, 'refname');
    // A name of two blocks is not one variable.
    if (one['default_val'] === undefined || !kept(one, number) || names.indexOf(name) !== names.lastIndexOf(name)) continue;
    const expression = await expressionOf(queryOf(one, 'default_val'));
    if (expression === null) continue;
    const [text, list] = [constantText(expression, texts), constantList(expression, texts)];
    if (text !== null) texts.set(name, text);
    if (list !== null) lists.set(name, list);
  }
  return { texts, lists };
}

/** The numbers of variables that are given a value on the way: by `:=`, INTO, a loop or GET DIAGNOSTICS. */
function changedNumbers(tree: JsonValue): ReadonlySet<unknown> {
  const found = findAll(tree, ['PLpgSQL_stmt_assign', 'PLpgSQL_stmt_foreach_a', 'PLpgSQL_diag_item', 'PLpgSQL_row']);
  return new Set(found.flatMap(({ node }) => [node['varno'], node['target'], ...children(node, 'fields').map((one) => one['varno'])]));
}

/** More ways than these are not worth telling one by one. */
const MOST_WAYS = 50;

/** In FOREACH name IN ARRAY ARRAY[...] the variable is each of the list in turn. */
async function inLoop(node: JsonObject, known: readonly Known[], { variables, lists }: Body): Promise<readonly Known[]> {
  const number = node['varno'];
  const name = textOf(variables[typeof number === 'number' ? number : 0] ?? {}, 'refname');
  const expression = await expressionOf(queryOf(node, 'expr'));
  const ways = known.flatMap((one) => {
    const texts = expression === null ? null : (constantList(expression, one) ?? listNamed(expression, lists));
    return (texts ?? []).map((text): Known => new Map([...one, [name, text]]));
  });
  return ways.length === 0 || ways.length > MOST_WAYS ? known : ways;
}

function listNamed(expression: JsonObject, lists: Fixed['lists']): readonly string[] | null {
  return lists.get(nameParts(children(child(expression, 'ColumnRef'), 'fields')).join('.')) ?? null;
}
