/** Something in a file that psql reads itself and sends to no server. */
export type PsqlPart = PsqlCommand | PsqlVariable | CopiedData;

export interface PsqlCommand {
  readonly kind: 'command';
  /** As it is written, without the backslash. */
  readonly name: string;
  readonly words: string;
  /** Was a statement begun before it that is not ended? */
  readonly within: boolean;
  readonly from: number;
  readonly to: number;
}

/** `:name`, `:'name'` or `:"name"`. */
export interface PsqlVariable {
  readonly kind: 'variable';
  readonly name: string;
  readonly quote: '' | "'" | '"';
  readonly from: number;
  readonly to: number;
}

/** The lines after COPY ... FROM stdin, up to and with the one that ends them. */
export interface CopiedData {
  readonly kind: 'data';
  /** Where the COPY is. */
  readonly copy: number;
  readonly from: number;
  readonly to: number;
}

/** What else than SQL psql finds in a text, in the order in which it finds it: data before what is left of the line of its COPY. */
export function scanPsql(text: string): readonly PsqlPart[] {
  const scan: Scan = { text, at: 0, parts: [], words: [], start: null, depth: 0, data: null };
  while (scan.at < text.length) step(scan);
  return scan.parts;
}

interface Scan {
  readonly text: string;
  at: number;
  readonly parts: PsqlPart[];
  /** The first words of the statement that is open, in capitals. */
  words: string[];
  start: number | null;
  depth: number;
  /** Where data begins and ends that was found on the line which is being read. */
  data: { readonly from: number; readonly to: number } | null;
}

const BLANK = /\s+|--[^\n]*/y;
const WORD = /[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*/y;
const ESCAPED = /'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y;
const QUOTED = /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$/y;
const VARIABLE = /:(?:(\w+)|'(\w+)'|"(\w+)")/y;
/** What is no beginning of anything, so that a long list of numbers is one step. */
const PLAIN = /[^\sA-Za-z_\u0080-\uFFFF'"$\\;:()/-]+/y;

function step(scan: Scan): void {
  const { text, at, data } = scan;
  if (data !== null && at >= data.from) {
    scan.at = Math.max(at, data.to);
    scan.data = null;
    return;
  }
  const blank = match(BLANK, text, at, data?.from);
  if (blank !== null) return void (scan.at += blank.length);
  if (text.startsWith('/*', at)) return void (scan.at = endOfComment(text, at));
  switch (text[at]) {
    case '\\':
      return command(scan);
    case ';':
      return scan.depth > 0 ? skip(scan, ';') : end(scan, at + 1);
    case ':':
      return variable(scan);
    case '(':
      scan.depth += 1;
      return skip(scan, '(');
    case ')':
      scan.depth = Math.max(0, scan.depth - 1);
      return skip(scan, ')');
    default:
      return token(scan);
  }
}

/** A match at a place; of blanks only as much as comes before `limit`. */
function match(pattern: RegExp, text: string, at: number, limit?: number): string | null {
  pattern.lastIndex = at;
  const found = pattern.exec(text)?.[0] ?? null;
  return found === null || limit === undefined ? found : found.slice(0, limit - at);
}

function skip(scan: Scan, token: string): void {
  scan.start ??= scan.at;
  scan.at += token.length;
}

function token(scan: Scan): void {
  const { text, at } = scan;
  const word = match(WORD, text, at);
  if (word !== null) {
    if (scan.words[0] === undefined || scan.words[0] === 'COPY') scan.words.push(word.toUpperCase());
    skip(scan, word);
    const escaped = /^e$/i.test(word) ? match(ESCAPED, text, scan.at) : null;
    return escaped === null ? undefined : skip(scan, escaped);
  }
  const dollar = match(DOLLAR, text, at);
  if (dollar !== null) {
    const close = text.indexOf(dollar, at + dollar.length);
    return skip(scan, text.slice(at, close < 0 ? text.length : close + dollar.length));
  }
  skip(scan, match(QUOTED, text, at) ?? match(PLAIN, text, at) ?? text.slice(at, at + 1));
}

/** Comments stand in comments. */
function endOfComment(text: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from + 2;
  for (let depth = 1; depth > 0;) {
    const found = mark.exec(text);
    if (found === null) return text.length;
    depth += found[0] === '/*' ? 1 : -1;
  }
  return mark.lastIndex;
}

/** A statement is sent: COPY ... FROM stdin takes its data from the lines after this one. */
function end(scan: Scan, to: number): void {
  const { words, start } = scan;
  const [from, stdin] = [words.lastIndexOf('FROM'), words.lastIndexOf('STDIN')];
  if (words[0] === 'COPY' && from > 0 && stdin === from + 1) takeData(scan, start ?? scan.at, to);
  scan.at = to;
  scan.words = [];
  scan.start = null;
  scan.depth = 0;
}

const END_OF_DATA = /^\\\.\r?$/gm;

function takeData(scan: Scan, copy: number, after: number): void {
  const { text, data } = scan;
  const line = text.indexOf('\n', after);
  const from = data?.to ?? (line < 0 ? text.length : line + 1);
  END_OF_DATA.lastIndex = from;
  const last = END_OF_DATA.exec(text);
  const to = last === null ? text.length : last.index + last[0].length;
  scan.parts.push({ kind: 'data', copy, from, to });
  scan.data = { from: data?.from ?? from, to };
}

function variable(scan: Scan): void {
  const { text, at } = scan;
  // `a::text` is a cast, and `a[1:n]` a slice only where n is no variable.
  if (text[at + 1] === ':' || text[at + 1] === '=') return skip(scan, text.slice(at, at + 2));
  VARIABLE.lastIndex = at;
  const found = VARIABLE.exec(text);
  if (found === null) return skip(scan, ':');
  const [written, bare, single, double] = found;
  const quote = bare !== undefined ? '' : single !== undefined ? "'" : '"';
  scan.parts.push({ kind: 'variable', name: bare ?? single ?? double ?? '', quote, from: at, to: at + written.length });
  skip(scan, written);
}

const COMMAND = /\\(?:[A-Za-z_]+[+SxX]*|[^\w\s]?)/y;
/** Of these all of the line is theirs. */
const WHOLE_LINE = new Set(['!', 'copy', 'h', 'help', 'ef', 'ev', 'sf', 'sv']);
/** The words of a command: up to the end of the line, or to the next command. */
const WORDS = /(?:'(?:[^'\\\n]|\\.|'')*'|"[^"\n]*"|`[^`\n]*`|['"`][^\n]*|[^\\\n'"`])*/y;
/** They send what was written before them. */
export const SENDS: ReadonlySet<string> = new Set(['g', 'gx', 'gset', 'gexec', 'gdesc', 'crosstabview', 'watch', ';']);

function command(scan: Scan): void {
  const { text, at } = scan;
  const name = (match(COMMAND, text, at) ?? '\\').slice(1);
  const open = at + 1 + name.length;
  const words = name === '\\' || name === ';' ? '' : (match(WHOLE_LINE.has(name) ? /[^\n]*/y : WORDS, text, open) ?? '');
  const to = open + words.length;
  scan.parts.push({ kind: 'command', name, words: words.trim(), within: scan.start !== null, from: at, to });
  if (name === 'copy' && /\bfrom\s+stdin\b/i.test(words)) takeData(scan, at, to);
  if (SENDS.has(name)) return end(scan, to);
  scan.at = to;
}
