import { libpgQuery } from './libpg-query.ts';
import { isJsonObject, messageOf, type JsonObject } from '../kernel/index.ts';
import { lineAt } from './core/position.ts';
import type { Statement } from './core/types.ts';

/** A file's statements, or where and why PostgreSQL's own parser refuses it. */
export type Parsed =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | {
      readonly ok: false;
      readonly line: number;
      readonly column: number;
      readonly message: string;
      readonly unsupported: Unsupported | null;
    };

/** It is right where it belongs, but no SQL that can be read here: only psql reads it, or it is too deep for the parser. */
export type Unsupported = 'psql' | 'depth';

/**
 * Parses SQL with PostgreSQL 18's grammar (libpg-query, WASM; loaded on first use because it costs 100 ms).
 * Statement offsets in the tree are UTF-8 bytes; an error's position counts characters.
 */
export async function parseSql(sql: string): Promise<Parsed> {
  // The parser takes a NUL for the end of the text and would drop the rest without a word.
  const nul = sql.indexOf('\0');
  if (nul >= 0) return refused(sql, Array.from(sql.slice(0, nul)).length, 'the file holds a NUL byte');
  if (sql.trim() === '') return { ok: true, statements: [] };
  const { parse, hasSqlDetails } = await libpgQuery();
  try {
    const tree: unknown = await parse(sql);
    return { ok: true, statements: statementsOf(sql, tree as JsonObject) };
  } catch (error) {
    if (error instanceof RangeError) return refused(sql, 0, 'an expression in it is nested too deeply to be read here', 'depth');
    const index = hasSqlDetails(error) ? (error.sqlDetails?.cursorPosition ?? 0) : 0;
    const explained = explain(sql, index);
    if (explained !== null) return refused(sql, explained.index, explained.message, 'psql');
    return refused(sql, index, messageOf(error));
  }
}

// oxlint-disable-next-line max-params -- where, what and whether
function refused(sql: string, index: number, message: string, unsupported: Unsupported | null = null): Parsed {
  const before = Array.from(sql).slice(0, index);
  return { ok: false, line: lineAt(sql, index), column: before.length - before.lastIndexOf('\n'), message, unsupported };
}

/** What is wrong, and where that begins. */
interface Explained {
  readonly message: string;
  readonly index: number;
}

/** What psql understands and the server does not looks like a plain syntax error, so it is named; null for anything else. */
function explain(sql: string, index: number): Explained | null {
  const characters = Array.from(sql);
  if (characters[index] === '\\') {
    const command = /^\\\S*/.exec(characters.slice(index).join(''))?.[0] ?? '\\';
    return { index, message: `"${command}" is a command of psql, not SQL; take it out` };
  }
  const variable = characters[index] === ':' ? /^:(?:["']?\w+["']?)/.exec(characters.slice(index, index + 80).join(''))?.[0] : undefined;
  if (variable !== undefined) return { index, message: `"${variable}" is a variable of psql, not SQL; write its value` };
  const before = characters.slice(0, index).join('');
  const copy = /\bcopy\b(?:(?!\bcopy\b)[^;])*\bfrom\s+stdin\b[^;]*;\s*$/i.exec(before);
  if (copy === null) return null;
  const message =
    'COPY ... FROM stdin carries its data in the file, which only psql can read; write INSERT statements or load the data with a program';
  // The parser stumbles over the data behind it.
  return { index: Array.from(before.slice(0, copy.index)).length, message };
}

function statementsOf(sql: string, tree: JsonObject): readonly Statement[] {
  const bytes = Buffer.from(sql, 'utf8');
  const list = Array.isArray(tree['stmts']) ? (tree['stmts'] as readonly JsonObject[]) : [];
  let line = 1;
  let counted = 0;
  return list.map((entry) => {
    const start = Number(entry['stmt_location'] ?? 0);
    const length = Number(entry['stmt_len'] ?? 0);
    const raw = bytes.subarray(start, length === 0 ? bytes.length : start + length).toString('utf8');
    const text = raw.replace(LEADING_BLANKS, '');
    for (; counted < start; counted += 1) if (bytes[counted] === NEWLINE) line += 1;
    const [kind = '', node] = Object.entries(entry['stmt'] ?? {})[0] ?? [];
    const blanks = raw.slice(0, raw.length - text.length);
    // Only blanks of one byte come before a statement's text.
    return { kind, node: isJsonObject(node) ? node : {}, text, start: start + blanks.length, line: line + lineBreaks(blanks) };
  });
}

const NEWLINE = 0x0a;
const LEADING_BLANKS = /^\s+/;

function lineBreaks(text: string): number {
  return text.split('\n').length - 1;
}
