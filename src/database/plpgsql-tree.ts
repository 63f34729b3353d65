import { messageOf, type JsonValue } from '../kernel/index.ts';
import { libpgQuery } from './libpg-query.ts';

/** The tree of a body in PL/pgSQL, or why it cannot be parsed. */
export type PlpgsqlTree = { readonly ok: true; readonly tree: JsonValue } | { readonly ok: false; readonly message: string };

/**
 * Parses a DO block, or a CREATE FUNCTION in PL/pgSQL. The parser has no catalog: it takes a type that it does not know for a record, and
 * a row of a table for none, and refuses what the server takes. So what it refuses is tried once more with types that it knows.
 */
export async function plpgsqlTree(text: string): Promise<PlpgsqlTree> {
  const { parsePlPgSQLSync } = await libpgQuery();
  const parsed = (of: string): PlpgsqlTree => {
    try {
      return { ok: true, tree: parsePlPgSQLSync(of) as JsonValue };
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  };
  const first = parsed(text);
  if (first.ok) return first;
  const again = parsed(withKnownTypes(text));
  return again.ok ? again : first;
}

/** Rows of tables become records, and what is one of several targets (an enum, a domain, a type of an extension) a text. Lines stay. */
function withKnownTypes(text: string): string {
  const bare = text.replace(/%\s*(?:ROWTYPE\b|TYPE(?=\s*(?:\[|ARRAY\b)))/gi, blank);
  const names = new Set(
    TARGETS.flatMap((list) => [...bare.matchAll(list)].flatMap(([, targets = '']) => targets.split(',').map((one) => one.trim()))),
  );
  return [...names].filter((name) => NAME.test(name)).reduce(asText, bare);
}

const blank = (part: string): string => part.replace(/\S/g, ' ');

/** Where several variables are given values at once, and GET DIAGNOSTICS, which takes no record either. */
const TARGETS = [
  /\bINTO\s+(?:STRICT\s+)?((?:[\w$."]+\s*,\s*)+[\w$."]+)/gi,
  /\bFOR\s+((?:[\w$."]+\s*,\s*)+[\w$."]+)\s+IN\b/gi,
  /(?:\bDIAGNOSTICS|,)\s*([\w$."]+)\s*:?=/gi,
];
const NAME = /^(?:[\w$]+|"[^"]+")$/;

/** Declares a variable, a parameter or a column of the result as a text. */
function asText(text: string, name: string): string {
  const type = String.raw`(?:[\w$]+|"[^"]+")(?:[ \t]*\.[ \t]*(?:[\w$]+|"[^"]+"))*`;
  const declared = new RegExp(
    String.raw`((?:[;(,]|\bDECLARE\b)\s*(?:--[^\n]*\n\s*)*(?:(?:IN|OUT|INOUT|VARIADIC)\s+)?${name.replaceAll('$', String.raw`\$`)}\s+(?:CONSTANT\s+)?)${type}(?=\s*(?:[;,)=[]|:=|DEFAULT\b|NOT\s+NULL\b|COLLATE\b))`,
    'gi',
  );
  return text.replace(declared, '$1text');
}
