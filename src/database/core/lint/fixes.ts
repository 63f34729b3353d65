import type { Statement } from '../types.ts';

/** Writes a name as SQL; each part of a qualified one by itself. */
export function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => (/^[a-z_][a-z0-9_$]*$/.test(part) && !RESERVED.has(part) ? part : `"${part.replaceAll('"', '""')}"`))
    .join('.');
}

/** Words that are no name of a table or column unless they are quoted. */
const RESERVED: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently
   constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default
   deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner
   intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or
   order outer overlaps placing primary references returning right select session_user similar some symmetric system_user table
   tablesample then to trailing true union unique user using variadic verbose when where window with`.split(/\s+/),
);

/** Lines of SQL, each ended. */
export function sql(...lines: readonly string[]): string {
  return lines.map((line) => (/;$|^--/.test(line) ? line : `${line};`)).join('\n');
}

/** What may stand before a statement's own words. */
export const LEADING_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/** The statement's own text without comments before it and without a final semicolon. */
export function ownText({ text }: Statement): string {
  return text.replace(LEADING_COMMENTS, '').trim();
}

/** The statement with CONCURRENTLY after its first `word`. */
export function concurrently(statement: Statement, word: 'INDEX' | 'VIEW' | 'TABLE'): string {
  return ownText(statement).replace(new RegExp(`\\b${word}\\b(?!\\s+CONCURRENTLY)`, 'i'), (found) => `${found} CONCURRENTLY`);
}

const ALONE = '-- in a file of its own, outside a transaction:';
const LATER = '-- in a later migration:';

/** An index that is built without locking anybody out. */
export function indexFix(statement: Statement): string {
  return sql(ALONE, concurrently(statement, 'INDEX'));
}

/** A constraint that is checked later, under a lock that keeps nobody out. */
export function notValidFix(table: string, constraint: string, definition: string): string {
  return sql(
    `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(constraint)} ${definition} NOT VALID`,
    LATER,
    `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(constraint)}`,
  );
}

/** NOT NULL by way of a CHECK that was validated before; PostgreSQL 18 has it as a constraint of its own. */
export function notNullFix(table: string, column: string, version: number): string {
  const name = `${table.split('.').at(-1) ?? table}_${column}_present`;
  if (version >= 18)
    return sql(
      `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(name)} NOT NULL ${quoted(column)} NOT VALID`,
      LATER,
      `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(name)}`,
    );
  return sql(
    `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(name)} CHECK (${quoted(column)} IS NOT NULL) NOT VALID`,
    LATER,
    `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(name)}`,
    '-- and in the one after it:',
    `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(column)} SET NOT NULL`,
    `ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoted(name)}`,
  );
}

/** A unique index first, then the constraint that takes it over. */
export function usingIndexFix(table: string, columns: readonly string[], kind: 'UNIQUE' | 'PRIMARY KEY'): string {
  const name = `${table.split('.').at(-1) ?? table}_${columns.join('_')}_${kind === 'UNIQUE' ? 'key' : 'pkey'}`;
  return sql(
    ALONE,
    `CREATE UNIQUE INDEX CONCURRENTLY ${quoted(name)} ON ${quoted(table)} (${columns.map(quoted).join(', ')})`,
    LATER,
    `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(name)} ${kind} USING INDEX ${quoted(name)}`,
  );
}

/** A plain column, filled in batches, in the place of one that fills itself. */
export function fillLaterFix(table: string, column: string, type: string, value: string): string {
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type}`,
    `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(column)} SET DEFAULT ${value}`,
    '-- then fill old rows in batches (slipway db backfill), each in its own transaction:',
    `UPDATE ${quoted(table)} SET ${quoted(column)} = ${value} WHERE ${quoted(column)} IS NULL AND id > $1 AND id <= $2`,
  );
}

/** Expand and contract, for what cannot be changed in place. */
// oxlint-disable-next-line max-params -- the fourth where the new column has a name already
export function newColumnFix(table: string, column: string, type: string, next = `${column}_new`): string {
  return sql(
    `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(next)} ${type}`,
    '-- write both columns from the next version on, fill the old rows in batches, read the new one, then drop the old one:',
    `UPDATE ${quoted(table)} SET ${quoted(next)} = ${quoted(column)}::${type} WHERE ${quoted(next)} IS NULL AND id > $1 AND id <= $2`,
  );
}

/**
 * One batch of an UPDATE or DELETE that was not bounded.
 * @param key the column by which it is cut, as SQL
 */
export function batchFix(statement: Statement, key: string): string {
  const text = ownText(statement);
  const { where, returning } = clausesOf(text);
  const bound = `WHERE ${key} > $1 AND ${key} <= $2`;
  const [rest, answers] = [text.slice(0, returning).trimEnd(), returning === text.length ? '' : `\n${text.slice(returning)}`];
  const batch =
    where === null ? `${rest}\n${bound}` : `${rest.slice(0, where)}${bound} AND (${rest.slice(where + 'WHERE'.length).trim()}\n)`;
  return sql('-- in batches by key, each in its own transaction (slipway db backfill):', `${batch}${answers}`);
}

/** What has words of its own, brackets, and the words that begin clauses. */
const PARTS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[()]|\b(?:WHERE|RETURNING)\b/gi;

/** Where the statement's own WHERE and RETURNING begin, and not those of a query in it. */
function clausesOf(text: string): { readonly where: number | null; readonly returning: number } {
  let depth = 0;
  let where: number | null = null;
  for (const { 0: part, index } of text.matchAll(PARTS)) {
    if (part === '(') depth += 1;
    if (part === ')') depth -= 1;
    if (depth > 0) continue;
    if (/^where$/i.test(part)) where ??= index;
    if (/^returning$/i.test(part)) return { where, returning: index };
  }
  return { where, returning: text.length };
}
