import type { JsonObject } from '../../kernel/index.ts';
import type { Inner, Unfolded, Way } from '../core/lint/bodies.ts';
import { plainName } from '../core/lint/schema.ts';
import { transactionOf } from '../core/transactions.ts';
import { child, children, nameParts, textOf } from '../core/tree.ts';
import type { Statement } from '../core/types.ts';
import { parseSql } from '../parser.ts';
import { plpgsqlPieces, type Head } from './plpgsql.ts';
import { typeWritten } from './plpgsql-values.ts';

/** A statement with those in its body: a DO block's, or a function's in PL/pgSQL or SQL. */
export async function unfold(statement: Statement, sql: string): Promise<Unfolded> {
  const body = bodyOf(statement);
  // A DO block in another language runs whatever it likes.
  if (body === null) return { ...BARE, statement, hidden: statement.kind === 'DoStmt' ? [statement.line] : [] };
  const { text, makes, language } = body;
  const pieces =
    language === 'sql'
      ? { found: [{ query: text, line: 1, ...ALWAYS }], hidden: [], ends: [], refused: null }
      : await plpgsqlPieces(statement.text, headOf(statement));
  const at = bodyPlace(statement, text, sql);
  const inner: Inner[] = [];
  const hidden = pieces.hidden.map((line) => at.line + line - 1);
  for (const { query, line, ...way } of pieces.found) {
    const own = at.line + line - 1;
    const statements = await innerOf(query, own, { sql, from: at.index, way });
    if (statements === null) hidden.push(own);
    else inner.push(...statements);
  }
  const ends = pieces.ends.map((one) => ({ ...one, line: at.line + one.line - 1 }));
  // A function in SQL is taken with COMMIT in it, and refused when it runs, as is every such command that EXECUTE runs.
  const committed = inner.flatMap(({ statement: one, sure, caught, executed }) =>
    transactionOf(one) === 'end' || (executed && one.kind === 'TransactionStmt') ? [{ sure, caught, executed, line: one.line }] : [],
  );
  return { statement, inner, hidden, ends: [...ends, ...committed], refused: pieces.refused, makes, readAtOnce: language === 'sql' };
}

/** The types that the head of a function says. */
function headOf({ kind, node }: Statement): Head {
  if (kind !== 'CreateFunctionStmt') return { parameters: new Map(), returns: null };
  const parameters = children(node, 'parameters').map((one) => child(one, 'FunctionParameter'));
  return {
    parameters: new Map(parameters.map((one) => [textOf(one, 'name'), typeWritten(child(one, 'argType')) ?? ''])),
    returns: typeWritten(child(node, 'returnType')),
  };
}

const ALWAYS: Way = { sure: true, caught: false, executed: false };
const BARE = { inner: [], ends: [], refused: null, makes: null, readAtOnce: false } as const;

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

interface Around {
  readonly sql: string;
  /** Where in the file the body begins. */
  readonly from: number | null;
  readonly way: Way;
}

/** Null for what is no SQL. */
async function innerOf(query: string, line: number, { sql, from, way }: Around): Promise<readonly Inner[] | null> {
  const parsed = await parseSql(query);
  if (!parsed.ok) return null;
  const index = from === null ? -1 : sql.indexOf(query, from);
  const base = index < 0 ? null : Buffer.byteLength(sql.slice(0, index));
  return parsed.statements.map((statement) => ({
    statement: {
      ...statement,
      line: line + statement.line - 1,
      start: base === null || statement.start === null ? null : base + statement.start,
    },
    base,
    ...way,
  }));
}
