import { isJsonObject, messageOf, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { constantList, constantText, type Known } from '../core/lint/constant.ts';
import { child, children, isSet, textOf } from '../core/tree.ts';
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
  const body: Body = { found: [], hidden: [], refused: null, variables: variablesOf(tree) };
  await walk(tree, { line: 1, known: [await constantsOf(body.variables)] }, body);
  return body;
}

interface Body extends Pieces {
  readonly found: Piece[];
  readonly hidden: number[];
  readonly variables: readonly JsonObject[];
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

/** CONSTANT variables; any other may be given another value on the way. */
async function constantsOf(variables: readonly JsonObject[]): Promise<Known> {
  const known = new Map<string, string>();
  for (const one of variables.filter((each) => isSet(each, 'isconst'))) {
    const expression = await expressionOf(queryOf(one, 'default_val'));
    const text = expression === null ? null : constantText(expression, known);
    if (text !== null) known.set(textOf(one, 'refname'), text);
  }
  return known;
}

/** More ways than these are not worth telling one by one. */
const MOST_WAYS = 50;

/** In FOREACH name IN ARRAY ARRAY[...] the variable is each of the list in turn. */
async function inLoop(node: JsonObject, known: readonly Known[], { variables }: Body): Promise<readonly Known[]> {
  const number = node['varno'];
  const name = textOf(variables[typeof number === 'number' ? number : 0] ?? {}, 'refname');
  const expression = await expressionOf(queryOf(node, 'expr'));
  const ways = known.flatMap((one) => {
    const texts = expression === null ? null : constantList(expression, one);
    return (texts ?? []).map((text): Known => new Map([...one, [name, text]]));
  });
  return ways.length === 0 || ways.length > MOST_WAYS ? known : ways;
}
