import { scanPsql, SENDS, type PsqlCommand, type PsqlPart, type PsqlVariable } from './psql-scan.ts';
import type { Defines } from './sections.ts';

/**
 * What a tool reads in a file besides SQL: `psql`: what psql does; `data`: the data of COPY ... FROM stdin; `sql`: nothing, the server
 * gets it as it is.
 */
export type Reader = 'psql' | 'data' | 'sql';

/** A file as the server gets it. */
export interface Sent {
  /** What is no SQL is blanked out, so that lines stay those of the file; columns do, but behind a variable. */
  readonly text: string;
  /** What nobody followed. */
  readonly gaps: readonly Remark[];
  /** What the tool sends to a server that refuses it. */
  readonly refused: readonly Remark[];
  /** Where psql reads the file: the first of what only psql reads; null where there is none, or where a gap says it. */
  readonly first: Remark | null;
}

export interface Remark {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Is there anything in it that a server does not read? */
const BESIDE_SQL = /\\|\bstdin\b|:["']?\w/i;

/** Reads a file as its tool does. */
export function readAs(reader: Reader, text: string, defines: Defines): Sent {
  const parts = BESIDE_SQL.test(text) ? scanPsql(text) : [];
  return reader === 'psql' ? asPsql(text, parts, defines) : asServer(text, parts, reader);
}

function asServer(text: string, parts: readonly PsqlPart[], reader: 'data' | 'sql'): Sent {
  const refused = parts.flatMap((one) => {
    // A colon has more than one use in SQL: whether it is refused, its parser says.
    if (one.kind === 'variable' || (one.kind === 'data' && reader === 'data')) return [];
    const message = one.kind === 'data' ? DATA_REFUSED : `"\\${one.name}" is a command of psql, ${REFUSED}; take it out`;
    return [{ ...placeOf(text, one.kind === 'data' ? one.copy : one.from), message }];
  });
  const edits = parts.flatMap((one) => (one.kind === 'variable' ? [] : [{ ...one, by: one.kind === 'command' ? sentBy(one) : '' }]));
  return { text: edited(text, edits), gaps: [], refused, first: null };
}

const REFUSED = 'which is not what runs these files: the server gets it and refuses it';
const DATA_REFUSED = `COPY ... FROM stdin carries its data in the file, which only psql can read, ${REFUSED}; write INSERT statements or load the data with a program`;

function asPsql(text: string, parts: readonly PsqlPart[], defines: Defines): Sent {
  const variables = new Map<string, string | null>(defines);
  const gaps: Remark[] = [];
  const edits: Edit[] = [];
  const found = parts.find((one) => one.kind !== 'variable');
  for (const one of parts) {
    if (one.kind === 'variable') {
      const value = variables.get(one.name);
      if (typeof value === 'string') edits.push({ ...one, by: valueOf(one, value) });
      continue;
    }
    if (one.kind === 'data') {
      edits.push({ ...one, by: '' });
      continue;
    }
    if (one.name === 'q' || one.name === 'quit') {
      edits.push({ from: one.from, to: text.length, by: '' });
      break;
    }
    noteVariables(one, variables);
    edits.push({ ...one, by: one.name === 'copy' ? copied(one) : sentBy(one) });
    const gap = gapOf(one);
    if (gap !== null) gaps.push({ ...placeOf(text, one.from), message: gap });
  }
  const first =
    found === undefined || gaps.length > 0
      ? null
      : { ...placeOf(text, found.kind === 'data' ? found.copy : found.from), message: ONLY_PSQL };
  return { text: edited(text, edits), gaps, refused: [], first };
}

const ONLY_PSQL = 'only psql reads this, and Flyway the data of COPY: any other program that runs the file is refused by the server';

function valueOf({ quote }: PsqlVariable, value: string): string {
  return quote === '' ? value : `${quote}${value.replaceAll(quote, quote + quote)}${quote}`;
}

/** What a command leaves of itself: the end of the statement that it sends. */
function sentBy({ name, within }: PsqlCommand): string {
  return within && SENDS.has(name) ? ';' : '';
}

/** `\copy` is COPY, but that psql reads or writes the file. */
function copied({ words }: PsqlCommand): string {
  // Of a query nothing but rows comes out.
  if (words.startsWith('(')) return '';
  const turned = words.replace(/\b(from|to)\s+(?:program\s+)?(?:'(?:[^']|'')*'|[^\s;()]+)/i, (_, way: string) =>
    way.toLowerCase() === 'to' ? 'TO stdout' : 'FROM stdin',
  );
  return `COPY ${turned.replace(/;\s*$/, '')};`;
}

/** What `\set` and its kin do; null is a value that only psql knows when it runs. */
function noteVariables({ name, words }: PsqlCommand, variables: Map<string, string | null>): void {
  const [variable = '', ...values] = words.match(/'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|\S+/g) ?? [];
  switch (name) {
    case 'set':
      return void variables.set(variable, /[`:\\]/.test(words) ? null : values.map(unquoted).join(''));
    case 'unset':
    case 'prompt':
    case 'getenv':
      return void variables.delete(name === 'prompt' ? (values.at(-1) ?? variable) : variable);
    case 'gset':
      // It names its variables after the columns of a query.
      return variables.clear();
    default:
  }
}

function unquoted(word: string): string {
  return word.startsWith("'") ? word.slice(1, -1).replaceAll("''", "'") : word;
}

/** They print, ask, or set what only psql itself goes by. */
const HARMLESS = new Set(
  `echo qecho warn timing pset x a t T H f C o encoding conninfo errverbose h help ? copyright l z p print setenv getenv prompt
   restrict unrestrict password cd set unset g gx gset gdesc crosstabview watch copy sf sv bind ; \\`.split(/\s+/),
);

const WHY: Readonly<Record<string, string>> = {
  connect: 'what follows runs in another session, and perhaps another database; it was judged as if it did not',
  c: 'what follows runs in another session, and perhaps another database; it was judged as if it did not',
  gexec: 'it runs SQL that a query puts together, which was not judged',
  if: 'whether what stands between it and \\endif runs is not known, and it was judged as if it did',
  elif: '',
  else: '',
  endif: '',
  i: 'it runs another file, which was not judged here',
  ir: 'it runs another file, which was not judged here',
  include: 'it runs another file, which was not judged here',
  include_relative: 'it runs another file, which was not judged here',
  '!': 'it runs a program, which was not judged',
};

/** Why the file cannot be judged as a whole; null where it can. */
function gapOf({ name, words }: PsqlCommand): string | null {
  const plain = name.replace(/[+SxX]+$/, '');
  if (HARMLESS.has(name) || HARMLESS.has(plain) || /^d[a-zA-Z]*$/.test(plain)) return null;
  const why = WHY[name] ?? 'it is a command of psql that was not followed';
  return why === '' ? null : `"\\${name}${words === '' ? '' : ` ${words}`}": ${why}`;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** The text with other words at some places, blanked up to the length that was there. */
function edited(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { from, to, by } of edits.toSorted((one, other) => one.from - other.from)) {
    pieces.push(text.slice(at, from), by, blank(text.slice(from, to)).slice(by.length));
    at = to;
  }
  return [...pieces, text.slice(at)].join('');
}

function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ');
}

function placeOf(text: string, index: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: Array.from(before.at(-1) ?? '').length + 1 };
}
