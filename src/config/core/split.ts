/** A command line as argv, or why it is none. */
export type Split = { readonly ok: true; readonly argv: readonly string[] } | { readonly ok: false; readonly reason: string };

/** Characters that mean something to a shell anywhere outside quotes. `~` counts only at the start of a word, as in a shell. */
const OPERATORS = new Set(['|', '&', ';', '<', '>', '(', ')', '`', '*', '\n']);
const USE_A_SHELL = 'commands are run without a shell; write [sh, -c, "..."] if you need one';

interface Scan {
  readonly text: string;
  at: number;
  /** Null between words, so that `''` still makes an (empty) word. */
  word: string | null;
  readonly argv: string[];
}

/**
 * Splits a command line into argv: blanks separate, '...' is literal, "..." knows \" and \\, \x outside quotes is x.
 * There are no shell features; what a shell would act on is refused rather than passed on as text, so that a command
 * never silently means something else. `${kind:NAME}` references are kept whole.
 */
export function splitCommand(text: string): Split {
  const scan: Scan = { text: text.trim(), at: 0, word: null, argv: [] };
  if (scan.text === '') return { ok: false, reason: 'is empty; write a command such as "npm test"' };
  if (scan.text.includes('\0')) return { ok: false, reason: 'contains a NUL character' };
  while (scan.at < scan.text.length) {
    const refusal = step(scan);
    if (refusal !== null) return { ok: false, reason: refusal };
  }
  endWord(scan);
  const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(scan.argv[0] ?? '');
  if (assignment !== null)
    return { ok: false, reason: `starts with the assignment "${assignment[1]}="; put the variable under "env" instead (${USE_A_SHELL})` };
  if (scan.argv[0] === '') return { ok: false, reason: 'starts with an empty word; the first word names the program' };
  return { ok: true, argv: scan.argv };
}

/** Consumes at least one character; returns a refusal or null. */
function step(scan: Scan): string | null {
  const char = scan.text[scan.at] ?? '';
  if (char === ' ' || char === '\t') {
    endWord(scan);
    scan.at++;
    return null;
  }
  if (char === "'") return quoted(scan);
  if (char === '"') return doubleQuoted(scan);
  if (char === '$') return dollar(scan);
  if (char === '\\') return escaped(scan);
  if (OPERATORS.has(char))
    return `contains ${char === '\n' ? 'a line break' : `"${char}"`}, which only a shell understands; ${USE_A_SHELL}`;
  if (char === '~' && scan.word === null) return `contains "~", which only a shell understands; ${USE_A_SHELL}`;
  append(scan, char, 1);
  return null;
}

function quoted(scan: Scan): string | null {
  const end = scan.text.indexOf("'", scan.at + 1);
  if (end === -1) return "has a ' that is never closed";
  append(scan, scan.text.slice(scan.at + 1, end), end + 1 - scan.at);
  return null;
}

function doubleQuoted(scan: Scan): string | null {
  append(scan, '', 1);
  while (scan.at < scan.text.length) {
    const char = scan.text[scan.at] ?? '';
    if (char === '"') {
      scan.at++;
      return null;
    }
    if (char === '`') return `contains "\`" inside double quotes, where a shell would act on it; use single quotes, or [sh, -c, "..."]`;
    if (char === '\\' && '"\\$`'.includes(scan.text[scan.at + 1] ?? ' ')) append(scan, scan.text[scan.at + 1] ?? '', 2);
    else if (char === '$') {
      const refusal = dollar(scan);
      if (refusal !== null) return refusal;
    } else append(scan, char, 1);
  }
  return 'has a " that is never closed';
}

/** `${...}` is kept for the template; `$NAME` and `$(...)` would stay unexpanded without a shell, so they are refused. */
function dollar(scan: Scan): string | null {
  const rest = scan.text.slice(scan.at);
  const reference = /^\$\{[^}]*\}/.exec(rest);
  if (reference !== null) {
    append(scan, reference[0], reference[0].length);
    return null;
  }
  const variable = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
  if (variable !== null) return `contains "$${variable[1]}", which only a shell would replace; write \${env:${variable[1]}}`;
  if (/^\$[({'"`]/.test(rest)) return `contains "${rest.slice(0, 2)}", which only a shell understands; ${USE_A_SHELL}`;
  append(scan, '$', 1);
  return null;
}

function escaped(scan: Scan): string | null {
  if (scan.at + 1 >= scan.text.length) return 'ends with a backslash';
  append(scan, scan.text[scan.at + 1] ?? '', 2);
  return null;
}

function append(scan: Scan, text: string, consumed: number): void {
  scan.word = (scan.word ?? '') + text;
  scan.at += consumed;
}

function endWord(scan: Scan): void {
  if (scan.word !== null) scan.argv.push(scan.word);
  scan.word = null;
}

/** The inverse of {@link splitCommand}, for files we write: words that need it are put in single quotes. */
export function joinCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
