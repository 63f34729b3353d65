import { libpgQuery } from '../libpg-query.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import type { Inner, Unfolded } from '../core/lint/lint-file.ts';
import { plainName } from '../core/lint/schema.ts';
import { child, children, nameParts, textOf } from '../core/tree.ts';
import type { Statement } from '../core/types.ts';
import { parseSql } from '../parser.ts';

/** A statement with those in its body: a DO block's, or a function's in PL/pgSQL or SQL. */
export async function unfold(statement: Statement, sql: string): Promise<Unfolded> {
  const body = bodyOf(statement);
  if (body === null) return { statement, inner: [], hidden: [], makes: null };
  const { text, makes, language } = body;
  const pieces = language === 'sql' ? { found: [{ query: text, line: 1 }], hidden: [] } : await plpgsql(statement.text);
  const at = bodyPlace(statement, text, sql);
  const inner: Inner[] = [];
  for (const { query, line } of pieces.found) inner.push(...(await innerOf(query, at.line + line - 1, { sql, from: at.index })));
  return { statement, inner, hidden: pieces.hidden.map((line) => at.line + line - 1), makes };
}

interface Body {
  readonly text: string;
  readonly makes: string | null;
  readonly language: 'plpgsql' | 'sql';
}

function bodyOf(statement: Statement): Body | null {
  const { kind, node } = statement;
  if (kind === 'DoStmt') return blockBody(optionsOf(children(node, 'args')));
  if (kind !== 'CreateFunctionStmt') return null;
  const options = optionsOf(children(node, 'options'));
  const language = textOf(child(options.get('language') ?? {}, 'String'), 'sval').toLowerCase();
  const [text = ''] = nameParts(children(child(options.get('as') ?? {}, 'List'), 'items'));
  if (text === '' || (language !== 'plpgsql' && language !== 'sql')) return null;
  return { text, makes: plainName(nameParts(children(node, 'funcname')).join('.')), language };
}

function blockBody(options: ReadonlyMap<string, JsonObject>): Body | null {
  const language = textOf(child(options.get('language') ?? {}, 'String'), 'sval').toLowerCase();
  if (language !== '' && language !== 'plpgsql') return null;
  return { text: textOf(child(options.get('as') ?? {}, 'String'), 'sval'), makes: null, language: 'plpgsql' };
}

function optionsOf(list: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  return new Map(
    list.map((one) => {
      const option = child(one, 'DefElem');
      return [textOf(option, 'defname'), child(option, 'arg')] as const;
    }),
  );
}

/** Where the body begins in the file; a body written with doubled quotes is not there as it is. */
function bodyPlace(statement: Statement, text: string, sql: string): { readonly line: number; readonly index: number | null } {
  const within = statement.text.indexOf(text);
  if (within < 0) return { line: statement.line, index: null };
  const line = statement.line + statement.text.slice(0, within).split('\n').length - 1;
  const outer = sql.indexOf(statement.text);
  return { line, index: outer < 0 ? null : outer + within };
}

interface Piece {
  readonly query: string;
  readonly line: number;
}

/** The SQL of a PL/pgSQL body. A body it cannot parse is told by the server when it runs; here it holds nothing. */
async function plpgsql(text: string): Promise<{ readonly found: readonly Piece[]; readonly hidden: readonly number[] }> {
  const { parsePlPgSQLSync } = await libpgQuery();
  let tree: JsonValue;
  try {
    tree = parsePlPgSQLSync(text) as JsonValue;
  } catch {
    return { found: [], hidden: [1] };
  }
  const found: Piece[] = [];
  const hidden: number[] = [];
  walk(tree, 1, (tag, node, line) => {
    if (tag === 'PLpgSQL_stmt_execsql') found.push({ query: queryOf(node, 'sqlstmt'), line });
    if (tag === 'PLpgSQL_stmt_perform') found.push({ query: queryOf(node, 'expr'), line });
    if (tag !== 'PLpgSQL_stmt_dynexecute') return;
    const literal = literalOf(queryOf(node, 'query'));
    if (literal === null) hidden.push(line);
    else found.push({ query: literal, line });
  });
  return { found, hidden };
}

function walk(value: JsonValue, line: number, visit: (tag: string, node: JsonObject, line: number) => void): void {
  if (Array.isArray(value)) return value.forEach((one: JsonValue) => walk(one, line, visit));
  if (!isJsonObject(value)) return;
  for (const [tag, node] of Object.entries(value)) {
    const own = isJsonObject(node) && typeof node['lineno'] === 'number' ? node['lineno'] : line;
    if (isJsonObject(node)) visit(tag, node, own);
    walk(node, own, visit);
  }
}

function queryOf(node: JsonObject, key: string): string {
  return textOf(child(child(node, key), 'PLpgSQL_expr'), 'query');
}

/** The SQL of EXECUTE '...'; null for one that is put together. */
function literalOf(expression: string): string | null {
  const [, quoted] = /^\s*'((?:[^']|'')*)'\s*$/.exec(expression) ?? [];
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  return /^\s*\$(\w*)\$([\s\S]*)\$\1\$\s*$/.exec(expression)?.[2] ?? null;
}

interface Around {
  readonly sql: string;
  /** Where in the file the body begins. */
  readonly from: number | null;
}

async function innerOf(query: string, line: number, { sql, from }: Around): Promise<readonly Inner[]> {
  const parsed = await parseSql(query);
  if (!parsed.ok) return [];
  const index = from === null ? -1 : sql.indexOf(query, from);
  const base = index < 0 ? null : Buffer.byteLength(sql.slice(0, index));
  return parsed.statements.map((statement) => ({
    statement: {
      ...statement,
      line: line + statement.line - 1,
      start: base === null || statement.start === null ? null : base + statement.start,
    },
    base,
  }));
}
