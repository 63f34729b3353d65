/** SQL in a migration written as code: the literal strings handed to the call that runs SQL. */
export interface CodeSql {
  /** The code with everything but that SQL blanked out. */
  readonly text: string;
  /** Where something is done that is not a literal of SQL. */
  readonly gaps: readonly { readonly line: number; readonly column: number; readonly message: string }[];
}

/** How a tool's migrations run SQL. */
export interface CodeDialect {
  readonly runsSql: RegExp;
  /** Other calls of its schema builder, whose SQL only the tool knows. */
  readonly builds: RegExp;
  readonly interpolation: RegExp;
  /** In SQL that is given values: where they come in. Left out for a tool that leaves that to the server (`$1`). */
  readonly bindings?: RegExp;
}

export const CODE_DIALECTS = {
  knex: {
    runsSql: /\.raw\(\s*/g,
    builds: /\.schema\s*(?:\.\w+\([^)]*\)\s*)*\.(?!raw\b)(\w+)\(|\bknex\((?=['"`])/g,
    interpolation: /\$\{/,
    bindings: /\?/,
  },
  typeorm: {
    runsSql: /\.query\(\s*/g,
    builds: /queryRunner\s*\.(?!query\b|manager\b|connection\b|(?:start|commit|rollback)Transaction\b)(\w+)\(/g,
    interpolation: /\$\{/,
  },
  ecto: {
    runsSql: /\bexecute[ (]\s*(?:~[sS])?/g,
    builds: /^\s*(?:create|alter|drop|rename|create_if_not_exists|drop_if_exists)\b.*$/gm,
    interpolation: /#\{/,
  },
} as const satisfies Readonly<Record<string, CodeDialect>>;

const STRINGS = /^(?:"""([\s\S]*?)"""|`((?:[^`\\]|\\[\s\S])*)`|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/;
const QUOTES = [3, 1, 1, 1];

/** Reads the SQL of one direction of a migration; `from` to `to` is its part of the code. */
export function codeSql(code: string, dialect: CodeDialect, from: number, to: number): CodeSql {
  const spans: Span[] = [];
  const gaps: { line: number; column: number; message: string }[] = [];
  const gap = (index: number, message: string): void => void gaps.push({ ...placeOf(code, index), message });
  for (const call of within(code, dialect.runsSql, from, to)) {
    const start = call.index + call[0].length;
    const strings = stringsAt(code, start, to);
    if (strings.spans.length === 0) gap(call.index, 'this SQL is not written as one string, so it was not judged');
    else if (!strings.all || isPutTogether(code, strings, dialect))
      gap(start, 'this SQL is put together by the code, so it was not judged');
    else spans.push(...strings.spans);
  }
  for (const call of within(code, dialect.builds, from, to))
    gap(call.index + call[0].length - call[0].trimStart().length, `"${call[0].trim().slice(0, 60)}" is not SQL, so it was not judged`);
  return { text: keep(code, spans), gaps };
}

/** A text within its quotes. */
interface Span {
  readonly start: number;
  readonly end: number;
  /** It is the last of its call, or the only one. */
  readonly last: boolean;
}

/** What stands in the place of an argument, and not only a comma behind the last. */
const ANOTHER = /^\s*,\s*[^)\s]/;

/** Does the code put anything into it: its own words between others, or values that come behind it? */
function isPutTogether(code: string, { spans, end }: Strings, dialect: CodeDialect): boolean {
  const holds = (pattern: RegExp): boolean => spans.some((one) => pattern.test(code.slice(one.start, one.end)));
  return holds(dialect.interpolation) || (dialect.bindings !== undefined && ANOTHER.test(code.slice(end)) && holds(dialect.bindings));
}

interface Strings {
  readonly spans: readonly Span[];
  /** Behind the last of them. */
  readonly end: number;
  /** Nothing else is joined to them. */
  readonly all: boolean;
}

const JOINS = /^\s*(?:\+|<>)\s*/;

/** The strings that are joined there; not all of what is joined where something else is too, or words of two would run together. */
function stringsAt(code: string, start: number, to: number): Strings {
  const spans: Span[] = [];
  let at = start;
  for (;;) {
    const string = STRINGS.exec(code.slice(at, to));
    const part = string?.slice(1).findIndex((one) => one !== undefined) ?? -1;
    const text = string?.[part + 1];
    if (string === null || text === undefined) return { spans, end: at, all: false };
    const begin = at + (QUOTES[part] ?? 1);
    const before = spans.at(-1);
    const joint = before === undefined ? ' ' : `${code.slice(before.end - 1, before.end)}${text.slice(0, 1)}`;
    if (!/[\s(),;]/.test(joint)) return { spans, end: at, all: false };
    const join = JOINS.exec(code.slice(at + string[0].length, to));
    spans.push({ start: begin, end: begin + text.length, last: join === null });
    if (join === null) return { spans, end: at + string[0].length, all: true };
    at += string[0].length + join[0].length;
  }
}

function within(code: string, pattern: RegExp, from: number, to: number): readonly RegExpExecArray[] {
  return [...code.matchAll(pattern)].filter(({ index }) => index >= from && index < to);
}

/** Everything but the spans blanked out; the last of a call is ended as a statement. Escapes lose their backslash and gain a blank. */
function keep(code: string, spans: readonly Span[]): string {
  const characters = code.replace(/[^\r\n]/g, ' ').split('');
  for (const { start, end, last } of spans) {
    const sql = code.slice(start, end).replace(/\\([`'"$\\])/g, '$1 ');
    for (const [offset, character] of sql.split('').entries()) characters[start + offset] = character;
    // The closing quote's place.
    if (last && !sql.trimEnd().endsWith(';')) characters[end] = ';';
  }
  return characters.join('');
}

function placeOf(text: string, index: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** Where a migration's up and down parts are. */
export function codeDirections(code: string): { readonly up: readonly [number, number]; readonly down: readonly [number, number] } {
  const down =
    /\b(?:exports\.down\b|(?:async\s+)?function\s+down\b|async\s+down\s*\(|public\s+async\s+down\s*\(|(?:export\s+)?const\s+down\b|def(?:p)?\s+down\b|\bdown\s*\()/.exec(
      code,
    );
  const up = /\b(?:exports\.up\b|(?:async\s+)?function\s+up\b|async\s+up\s*\(|(?:export\s+)?const\s+up\b|def\s+(?:up|change)\b)/.exec(code);
  const [from, at] = [up?.index ?? 0, down?.index ?? code.length];
  return at >= from ? { up: [from, at], down: [at, code.length] } : { up: [from, code.length], down: [at, from] };
}
