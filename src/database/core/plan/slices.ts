/** Parts of a statement's text: there is no writing an expression back from its tree. */

/** A quoted name, a text, a dollar-quoted text or a comment: what is in it is nobody's bracket. */
const QUOTED = /"(?:[^"]|"")*"|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//y;

interface Piece {
  readonly start: number;
  readonly end: number;
  /** How many brackets are open before it. */
  readonly depth: number;
  readonly text: string;
}

/** Words, brackets and signs outside of quotes, in order; quoted names and texts as one piece each, comments left out. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let depth = 0;
  for (let at = 0; at < text.length;) {
    QUOTED.lastIndex = at;
    const quoted = QUOTED.exec(text)?.[0];
    const word = quoted ?? /^[\w$]+/.exec(text.slice(at, at + 64))?.[0] ?? text[at] ?? '';
    if (word === ')') depth -= 1;
    if (!/^(--|\/\*|\s)/.test(word)) pieces.push({ start: at, end: at + word.length, depth, text: word });
    if (word === '(') depth += 1;
    at += word.length;
  }
  return pieces;
}

/** What is between a bracket and the one that closes it. */
function inside(text: string, pieces: readonly Piece[], open: number): { readonly content: string; readonly close: number } | null {
  const bracket = pieces[open];
  const close = pieces.findIndex((one, index) => index > open && one.text === ')' && one.depth === bracket?.depth);
  const [from, to] = [bracket?.end, pieces[close]?.start];
  return from === undefined || to === undefined ? null : { content: text.slice(from, to), close };
}

/** The expressions of all `CHECK (...)` of a statement, in their order. */
export function checksIn(text: string): readonly string[] {
  const pieces = piecesOf(text);
  return pieces.flatMap((piece, index) => {
    if (!/^check$/i.test(piece.text) || pieces[index + 1]?.text !== '(') return [];
    const found = inside(text, pieces, index + 1);
    return found === null ? [] : [found.content];
  });
}

/** The elements of a CREATE INDEX as they are written, and its predicate. Null when they are not found. */
export function indexParts(text: string): { readonly elements: readonly string[]; readonly where: string | null } | null {
  const pieces = piecesOf(text);
  const open = pieces.findIndex(({ text: one, depth }) => one === '(' && depth === 0);
  const list = inside(text, pieces, open);
  if (open < 0 || list === null) return null;
  const commas = pieces.filter(({ text: one, depth }, index) => one === ',' && depth === 1 && index > open && index < list.close);
  const starts = [pieces[open]?.end ?? 0, ...commas.map(({ end }) => end)];
  const ends = [...commas.map(({ start }) => start), pieces[list.close]?.start ?? 0];
  const where = pieces.find(({ text: one, depth }, index) => index > list.close && depth === 0 && /^where$/i.test(one));
  return {
    elements: starts.map((start, index) => text.slice(start, ends[index]).trim()),
    where: where === undefined ? null : text.slice(where.end).trim(),
  };
}

/** The expression an element of an index begins with: `(a || b)` or `lower(a)`, without what follows it. */
export function expressionOf(element: string): string | null {
  const pieces = piecesOf(element);
  const open = pieces.findIndex(({ text }) => text === '(');
  const found = inside(element, pieces, open);
  if (open < 0 || found === null) return null;
  return element.slice(0, pieces[found.close]?.end ?? 0);
}

/** The expression of the only `GENERATED ALWAYS AS (...)` of a statement; null where there are more, or none. */
export function generatedIn(text: string): string | null {
  const pieces = piecesOf(text);
  const found = pieces.flatMap(({ text: word }, index) =>
    /^always$/i.test(word) && /^as$/i.test(pieces[index + 1]?.text ?? '') ? [index + 2] : [],
  );
  const [open] = found;
  return open === undefined || found.length > 1 ? null : (inside(text, pieces, open)?.content ?? null);
}

const ENDS_DEFAULT = /^(?:,|\)|;|not|null|check|unique|primary|references|constraint|generated|collate|deferrable|initially)$/i;

/** The expression of the only `DEFAULT` of a statement, likewise. */
export function defaultIn(text: string): string | null {
  const pieces = piecesOf(text);
  const found = pieces.flatMap(({ text: word }, index) => (/^default$/i.test(word) ? [index] : []));
  const [at] = found;
  const word = pieces[at ?? -1];
  if (at === undefined || word === undefined || found.length > 1) return null;
  const end = pieces.find((one, index) => index > at + 1 && one.depth <= word.depth && ENDS_DEFAULT.test(one.text));
  return text.slice(word.end, end?.start ?? text.length).trim();
}

/** What a DELETE says beside its table. */
export interface DeleteParts {
  /** WITH and what it makes; empty where there is none. */
  readonly with: string;
  readonly using: string | null;
  readonly where: string | null;
}

/** The parts of a DELETE as they are written. Null when they are not found. */
export function deleteParts(text: string): DeleteParts | null {
  const pieces = piecesOf(text).filter(({ depth }) => depth === 0);
  const at = (word: RegExp, after: number): number => pieces.findIndex(({ text: one }, index) => index > after && word.test(one));
  const begin = at(/^delete$/i, -1);
  if (begin < 0) return null;
  const [using, where, end] = [at(/^using$/i, begin), at(/^where$/i, begin), at(/^(?:returning|;)$/i, begin)];
  const slice = (from: number, to: number): string => text.slice(pieces[from]?.end, pieces[to]?.start ?? text.length).trim();
  // Behind WHERE no list of tables begins.
  const listed = using >= 0 && (where < 0 || using < where);
  return {
    with: text.slice(0, pieces[begin]?.start).trim(),
    using: listed ? slice(using, where < 0 ? end : where) : null,
    where: where < 0 ? null : slice(where, end),
  };
}
