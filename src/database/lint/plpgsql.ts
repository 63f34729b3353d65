import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { constantList, constantText, templateText, type Known } from '../core/lint/constant.ts';
import { isKnownWithStandIns } from '../core/lint/stand-ins.ts';
import type { Ending, Way } from '../core/lint/bodies.ts';
import { child, children, findAll, isSet, nameParts, textOf } from '../core/tree.ts';
import { parseSql } from '../parser.ts';
import { plpgsqlTree } from '../plpgsql-tree.ts';
import { expressionOf, firstValues, valuesIn, type Types } from './plpgsql-values.ts';

/** SQL that a body runs, and the body's line on which. */
export interface Piece extends Way {
  readonly query: string;
  readonly line: number;
}

/** What a body runs, and the lines on which it runs what only it knows. */
export interface Pieces {
  readonly found: readonly Piece[];
  readonly hidden: readonly number[];
  readonly ends: readonly Ending[];
  /** Why the body cannot be parsed; null where it can. */
  readonly refused: string | null;
}

/** What of a function's head says types. */
export type Head = Pick<Types, 'parameters' | 'returns'>;
const BLOCK: Head = { parameters: new Map(), returns: null };

/** The SQL of a DO block or function in PL/pgSQL. */
export async function plpgsqlPieces(text: string, head = BLOCK): Promise<Pieces> {
  const parsed = await plpgsqlTree(text);
  if (!parsed.ok) return { found: [], hidden: [], ends: [], refused: parsed.message };
  const { tree } = parsed;
  const variables = variablesOf(tree);
  const fixed = await fixedOf(variables, tree);
  const first = firstValues(text, { variables }).map((one): Piece => ({ ...one, sure: true, caught: false, executed: false }));
  const body: Body = { found: [...first], hidden: [], ends: [], refused: null, variables, lists: fixed.lists, ...head };
  await walk(tree, { line: 1, known: [fixed.texts], sure: true, caught: false, executed: false }, body);
  return body;
}

interface Body extends Pieces, Types {
  readonly found: Piece[];
  readonly hidden: number[];
  readonly ends: Ending[];
  readonly lists: Fixed['lists'];
}

interface At extends Way {
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
    await note(tag, node, { ...at, line }, body);
    const known = tag === 'PLpgSQL_stmt_foreach_a' ? await inLoop(node, at.known, body) : at.known;
    const within = { ...at, line, known, sure: at.sure && !MAYBE.has(tag) };
    if (node['exceptions'] === undefined) {
      await walk(node, within, body);
      continue;
    }
    await walk(node['body'] ?? [], { ...within, caught: true }, body);
    // A handler is no part of the subtransaction, and nobody knows whether it runs.
    await walk(node['exceptions'], { ...within, sure: false }, body);
  }
}

/** What is in them runs or does not. */
const MAYBE = new Set(['if', 'case', 'loop', 'while', 'fori', 'fors', 'forc', 'foreach_a', 'dynfors'].map((one) => `PLpgSQL_stmt_${one}`));

/** Where a statement has the SQL it runs. */
const STATIC: Readonly<Record<string, string>> = {
  PLpgSQL_stmt_execsql: 'sqlstmt',
  PLpgSQL_stmt_perform: 'expr',
  PLpgSQL_stmt_fors: 'query',
  PLpgSQL_stmt_return_query: 'query',
  PLpgSQL_stmt_open: 'query',
};
/** Where it has an expression that answers the SQL. */
const DYNAMIC: Readonly<Record<string, string>> = {
  PLpgSQL_stmt_dynexecute: 'query',
  PLpgSQL_stmt_dynfors: 'query',
  PLpgSQL_stmt_return_query: 'dynquery',
  PLpgSQL_stmt_open: 'dynquery',
};

async function note(tag: string, node: JsonObject, { line, known, sure, caught }: At, body: Body): Promise<void> {
  const { found, hidden, ends } = body;
  const way = { line, sure, caught, executed: false };
  found.push(...(await valuesIn(tag, node, body)).map((one) => ({ query: one, ...way })));
  const [query, text] = [queryOf(node, STATIC[tag] ?? ''), queryOf(node, DYNAMIC[tag] ?? '')];
  if (query !== '') found.push({ query, ...way });
  if (tag === 'PLpgSQL_stmt_commit' || tag === 'PLpgSQL_stmt_rollback') ends.push(way);
  if (tag === 'PLpgSQL_stmt_call') await noteCall(queryOf(node, 'expr'), way, body);
  if (text === '') return;
  const expression = await expressionOf(text);
  const texts = new Set(await Promise.all(known.map((one) => runText(expression, one))));
  if (texts.has(null)) hidden.push(line);
  else for (const one of texts) if (one !== null) found.push({ query: one, ...way, executed: true });
}

/** What EXECUTE runs, with stand-ins for what is only known when it runs, where that does not matter; null where it does. */
async function runText(expression: JsonObject | null, known: Known): Promise<string | null> {
  if (expression === null) return null;
  const text = constantText(expression, known);
  if (text !== null) return text;
  const template = templateText(expression, known);
  const parsed = template === null ? null : await parseSql(template);
  return parsed?.ok === true && parsed.statements.length > 0 && parsed.statements.every(isKnownWithStandIns) ? template : null;
}

/** CALL, or a block in the block, which does what it does here. */
async function noteCall(query: string, way: Ending, { found, hidden, ends }: Body): Promise<void> {
  if (!/^\s*DO\b/i.test(query)) return void found.push({ query, ...way });
  const inner = await plpgsqlPieces(query);
  const here = <T extends Ending>(one: T): T => ({
    ...one,
    line: way.line + one.line - 1,
    sure: one.sure && way.sure,
    caught: one.caught || way.caught,
  });
  found.push(...inner.found.map(here));
  ends.push(...inner.ends.map(here));
  hidden.push(...(inner.refused === null ? [] : [way.line]), ...inner.hidden.map((line) => way.line + line - 1));
}

function queryOf(node: JsonObject, key: string): string {
  return textOf(child(child(node, key), 'PLpgSQL_expr'), 'query');
}

/** The variables of a body, by their number. */
function variablesOf(tree: JsonValue): readonly JsonObject[] {
  const [body] = isJsonObject(tree) ? children(tree, 'plpgsql_funcs') : [];
  return body === undefined
    ? []
    : children(child(body, 'PLpgSQL_function'), 'datums').map((one) => ({ ...child(one, 'PLpgSQL_rec'), ...child(one, 'PLpgSQL_var') }));
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
