import type { TransactionMode } from './types.ts';

/** A part of a file that is run on its own. */
export interface Section {
  readonly direction: 'up' | 'down';
  /** The file's text with everything outside the section blanked out. */
  readonly text: string;
  readonly transactions: TransactionMode;
  /** Why it is not SQL for PostgreSQL, when it is not. */
  readonly gap: string | null;
  /** What its tool calls it, where a file holds several. */
  readonly part?: string;
  /** Its tool does not run it on PostgreSQL. */
  readonly elsewhere?: true;
}

/** The text with everything outside `from` to `to` blanked out, so that lines and columns stay. */
function only(text: string, from: number, to: number): string {
  const blank = (part: string): string => part.replace(/[^\r\n]/gu, ' ');
  return `${blank(text.slice(0, from))}${text.slice(from, to)}${blank(text.slice(to))}`;
}

interface Marks {
  readonly up: RegExp;
  readonly down: RegExp;
  /** In the line of the mark, or anywhere when it is a line of its own. */
  readonly noTransaction: RegExp;
}

const GOOSE: Marks = {
  up: /^--\s*\+goose\s+up\b.*$/im,
  down: /^--\s*\+goose\s+down\b.*$/im,
  noTransaction: /^--\s*\+goose\s+no\s+transaction\b/im,
};
const DBMATE: Marks = { up: /^--\s*migrate:up\b.*$/im, down: /^--\s*migrate:down\b.*$/im, noTransaction: /transaction\s*:\s*false/i };
const SQL_MIGRATE: Marks = {
  up: /^--\s*\+migrate\s+up\b.*$/im,
  down: /^--\s*\+migrate\s+down\b.*$/im,
  noTransaction: /\bnotransaction\b/i,
};

/** Splits a file of goose, dbmate or sql-migrate at its marks. */
export function splitMarked(text: string, tool: 'goose' | 'dbmate' | 'sql-migrate'): readonly Section[] {
  const marks = { goose: GOOSE, dbmate: DBMATE, 'sql-migrate': SQL_MIGRATE }[tool];
  const [up, down] = [marks.up.exec(text), marks.down.exec(text)];
  if (up === null) return [{ direction: 'up', text, transactions: 'file', gap: `there is no line that begins the up part (${tool})` }];
  const end = down === null || down.index < up.index ? text.length : down.index;
  const mode = (head: string): TransactionMode => (marks.noTransaction.test(tool === 'goose' ? text : head) ? 'statement' : 'file');
  const sections: Section[] = [{ direction: 'up', text: only(text, up.index, end), transactions: mode(up[0]), gap: null }];
  if (down !== null)
    sections.push({
      direction: 'down',
      text: only(text, down.index, down.index < up.index ? up.index : text.length),
      transactions: mode(down[0]),
      gap: null,
    });
  return sections;
}

/** Alone in its line, which node-pg-migrate does not ask for: it is told by it. */
export const NODE_PG_MIGRATE_UP = /^[ \t]*--[ \t-]*up[ \t]+migration[ \t]*$/im;
const [ITS_UP, ITS_DOWN] = [/^\s*--[\s-]*up\s+migration/im, /^\s*--[\s-]*down\s+migration/im];

/** Splits a file of node-pg-migrate, all of which is the way up where it has no marks. */
export function splitNodePgMigrate(text: string): readonly Section[] {
  const [up, down] = [text.search(ITS_UP), text.search(ITS_DOWN)];
  const part = (direction: Section['direction'], from: number, to: number): Section => ({
    direction,
    text: only(text, from, to),
    transactions: 'file',
    gap: null,
  });
  if (down < 0) return [part('up', Math.max(up, 0), text.length)];
  if (up < 0)
    return [{ ...part('up', 0, text.length), gap: 'node-pg-migrate would run its way back with its way up: no line begins the up part' }];
  return up < down ? [part('up', up, down), part('down', down, text.length)] : [part('up', up, text.length), part('down', down, up)];
}

/** A changeset's first line: author, id, attributes. */
export const CHANGESET = /^[ \t]*--[ \t]*changeset[ \t]+("[^"\n]+"|[^:\n]+):[ \t]*("[^"\n]+"|\S+)(.*)$/im;
const IGNORE = /^--\s*ignoreLines:(\w+)\s*$/i;

/** Splits Liquibase's formatted SQL into its changesets, each a transaction of its own; `--rollback` lines are comments. */
export function splitLiquibase(whole: string): readonly Section[] {
  const text = withoutIgnored(whole);
  const heads = [...text.matchAll(new RegExp(CHANGESET, 'gim'))];
  return heads.map((head, index) => {
    const [, author = '', id = '', attributes = ''] = head.map((one) => one.replace(/^"(.*)"$/, '$1'));
    const dbms = /\bdbms\s*:\s*"?([^"\s]+)/i.exec(attributes)?.[1] ?? 'all';
    const here = isForPostgres(dbms);
    const ignored = /\bignore:true/i.test(attributes);
    return {
      direction: 'up',
      text: only(text, head.index, heads[index + 1]?.index ?? text.length),
      transactions: /\brunInTransaction\s*:\s*"?false/i.test(attributes) ? 'statement' : 'file',
      gap: here ? null : `changeset ${author}:${id} is for ${dbms}`,
      part: `${id}::${author}`,
      ...(here && !ignored ? {} : { elsewhere: true }),
    };
  });
}

/** `none` and what is named with `!` go before all others. */
function isForPostgres(dbms: string): boolean {
  const names = dbms.toLowerCase().split(',');
  if (names.includes('none') || names.includes('!postgresql')) return false;
  const wanted = names.filter((name) => !name.startsWith('!'));
  return wanted.length === 0 || wanted.includes('all') || wanted.includes('postgresql');
}

/** What Liquibase passes over (`--ignoreLines:start` to `:end`, or so many lines), blanked out. */
function withoutIgnored(text: string): string {
  if (!/ignoreLines/i.test(text)) return text;
  let left = 0;
  return text
    .split('\n')
    .map((line) => {
      const mark = IGNORE.exec(line.trimEnd())?.[1]?.toLowerCase();
      const inside = left > 0;
      if (inside) left -= mark === 'end' ? left : 1;
      else if (mark === 'start') left = Infinity;
      else if (mark !== undefined) left = Number(mark);
      return inside || mark !== undefined ? line.replace(/[^\r]/gu, ' ') : line;
    })
    .join('\n');
}

/** A value for a placeholder, as `--define NAME=VALUE` gave it. */
export type Defines = ReadonlyMap<string, string>;

/**
 * A placeholder of Go's templates, of Flyway and the shell, of Ruby. Each begins with a word and ends in its line: `'{{1,2}}'` is an
 * array, and from one `<%>` of RAISE to the next it is SQL that stands between.
 */
export const PLACEHOLDER =
  /\{\{-?\s*([A-Za-z_.$"(@][^{}\n;]*?)\s*-?\}\}|\$\{\s*([A-Za-z_][^{}\n;]*?)\s*\}|<%[-=]?\s*([A-Za-z_@(][^%<>\n;]*?)\s*-?%>/g;

/** Puts values in the place of `{{ NAME }}`, `${NAME}` and `<%= NAME %>`; those without one stay. */
export function fillPlaceholders(text: string, defines: Defines): string {
  if (defines.size === 0) return text;
  return text.replace(
    PLACEHOLDER,
    (whole, braces: string | undefined, dollar: string | undefined, ruby: string | undefined) =>
      defines.get(braces ?? dollar ?? ruby ?? '') ?? whole,
  );
}

/** The first placeholder that is left, with where it is; null when there is none. */
export function placeholderIn(text: string): { readonly written: string; readonly line: number; readonly column: number } | null {
  const [found] = [...text.matchAll(PLACEHOLDER)];
  if (found === undefined) return null;
  const before = text.slice(0, found.index).split('\n');
  return { written: found[0], line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
