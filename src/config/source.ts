import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node, type YAMLError } from 'yaml';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { Problem } from './core/problem.ts';

/** What a kind of file is called in messages, how large one is at most, and what one looks like. */
export interface SourceKind {
  readonly called: string;
  readonly maxCharacters: number;
  readonly empty: string;
  readonly example: string;
}

/** A configuration is a page of text; anything larger was given by mistake. */
const CONFIGURATION: SourceKind = {
  called: 'slipway.yaml',
  maxCharacters: 64 * 1024,
  empty: '`slipway init` writes a first one',
  example: 'service: shop',
};
const MAX_DEPTH = 20;
const MAX_ALIASES = 50;

export type Path = readonly (string | number)[];

/** A slipway.yaml that is at least YAML with a map at the top. */
export interface Source {
  readonly text: string;
  readonly value: JsonObject;
  /** Where a path stands: its value, or its key; for a path that is not there, the nearest part that is, and how many parts matched. */
  locate(path: Path, what: 'key' | 'value'): { readonly line: number; readonly column: number; readonly matched: number };
  /** Every scalar value with the name of the key it stands under. */
  scalars(): readonly { readonly key: string; readonly path: Path; readonly value: unknown }[];
}

export type SourceResult =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly text: string; readonly problems: readonly Problem[] };

/** Reads YAML text; every way in which it is not a map of plain data comes back as problems with a place. */
export function readSource(original: string, kind: SourceKind = CONFIGURATION): SourceResult {
  const text = original.startsWith('\uFEFF') ? original.slice(1) : original;
  const refuse = (problems: readonly Problem[]): SourceResult => ({ ok: false, text, problems });
  if (text.length > kind.maxCharacters)
    return refuse([
      problemAt(
        1,
        1,
        `has ${text.length} characters; a ${kind.called} has at most ${kind.maxCharacters}, so this is probably another file`,
      ),
    ]);
  if (isDeep(text)) return refuse([problemAt(1, 1, `values are nested more than ${MAX_DEPTH} deep, or brackets are not closed`)]);
  const lineCounter = new LineCounter();
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lineCounter.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/.exec(text);
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true, logLevel: 'error' });
  if (control !== null) {
    const { line, column } = place(control.index);
    return refuse([problemAt(line, column, `a control character (code ${control[0].charCodeAt(0)}) is not text; is this a binary file?`)]);
  }
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const lines = text.split('\n');
    const problems = faults.map((fault) => {
      const { line, column } = place(fault.pos[0]);
      return problemAt(line, column, syntaxMessage(fault, lines[line - 1] ?? '', kind));
    });
    // One slip makes the parser stumble several times on the same line; the first is the cause.
    return refuse(problems.filter((problem, index) => problems.findIndex((other) => other.line === problem.line) === index));
  }
  const plain = toPlain(document, kind);
  if (!plain.ok) return refuse([problemAt(1, 1, plain.reason)]);
  return {
    ok: true,
    source: { text, value: plain.value, locate: (path, what) => locate(document, path, what, place), scalars: () => scalarsOf(document) },
  };
}

function problemAt(line: number, column: number, message: string): Problem {
  return { line, column, path: '', message, secret: false };
}

/** Far more open brackets, or list marks in a row, than any configuration has: the YAML parser needs minutes for thousands of them. */
function isDeep(text: string): boolean {
  let open = 0;
  for (const char of text) {
    if (char === '[' || char === '{') open++;
    else if (char === ']' || char === '}') open = Math.max(0, open - 1);
    if (open > 10 * MAX_DEPTH) return true;
  }
  return /(?:[-?:][ \t]+){40}/.test(text);
}

function toPlain(document: Document, kind: SourceKind): { ok: true; value: JsonObject } | { ok: false; reason: string } {
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return { ok: false, reason: `the file is empty; ${kind.empty}` };
  if (!isMap(document.contents))
    return { ok: false, reason: `the file must be a map of keys such as \`${kind.example}\`, not a list or a single value` };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return {
      ok: false,
      reason: error.message.startsWith('Excessive')
        ? `anchors are repeated more than ${MAX_ALIASES} times; write the values out`
        : error.message,
    };
  }
  if (depthOf(value, MAX_DEPTH) > MAX_DEPTH)
    return { ok: false, reason: `values are nested more than ${MAX_DEPTH} deep (or an anchor contains itself)` };
  return { ok: true, value: value as JsonObject };
}

/** Depth of nesting, counted no further than just beyond `limit`: an anchor inside itself has no end. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || limit < 0) return 0;
  let deepest = 0;
  for (const item of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(item, limit - 1));
    if (deepest > limit) break;
  }
  return deepest + 1;
}

function syntaxMessage(fault: YAMLError, line: string, { called }: SourceKind): string {
  if (fault.code === 'DUPLICATE_KEY') return 'this key is written twice in the same map; keep one';
  if (fault.code === 'TAB_AS_INDENT') return 'a tab is used for indentation; YAML takes spaces only';
  if (fault.code === 'MULTIPLE_DOCS') return `a second document starts here (---); a ${called} holds one`;
  if (fault.code === 'TAG_RESOLVE_FAILED') return 'tags such as !name are not used here; write the plain value';
  if (fault.code === 'NON_STRING_KEY') return 'a key must be plain text';
  if (fault.code === 'RESOURCE_EXHAUSTION') return 'values are nested too deeply to be read';
  if (fault.code === 'BLOCK_AS_IMPLICIT_KEY') return 'this value contains ": "; put it in quotes, or indent the next line';
  const holes = /\{[^}]*\$?\{|\[[^\]]*\$\{/.test(line) ? '; inside { } or [ ] put a value that contains { } in quotes: "${env:NAME}"' : '';
  return `this is not YAML: ${fault.message}${holes}`;
}

function locate(
  document: Document,
  path: Path,
  what: 'key' | 'value',
  place: (offset: number) => { line: number; column: number },
): ReturnType<Source['locate']> {
  let node: unknown = document.contents;
  let offset = 0;
  let matched = 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const found = child(node, part);
    if (found === null) break;
    matched++;
    offset = offsetOf(found, what === 'key' && index === path.length - 1) ?? offset;
    node = found.value;
  }
  return { ...place(offset), matched };
}

interface Child {
  readonly key: Node | null;
  readonly value: Node | null;
}

function offsetOf({ key, value }: Child, wantKey: boolean): number | undefined {
  // A block map begins at its first key, which helps nobody: point at the name above it.
  const pointAtKey = wantKey || value === null || (isMap(value) && value.flow !== true);
  return (pointAtKey ? (key ?? value) : value)?.range?.[0];
}

function child(node: unknown, part: string | number): Child | null {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part] as Node | undefined;
    return item === undefined ? null : { key: null, value: item };
  }
  if (!isMap(node)) return null;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
  return pair === undefined ? null : { key: pair.key as Node, value: (pair.value ?? null) as Node | null };
}

function scalarsOf(document: Document): ReturnType<Source['scalars']> {
  const found: { key: string; path: Path; value: JsonValue }[] = [];
  visit(document, {
    Scalar: (position, node, ancestors) => {
      if (position === 'key') return;
      const path = ancestors.flatMap((ancestor, index): (string | number)[] => {
        const next: unknown = ancestors[index + 1] ?? node;
        if (isSeq(ancestor)) return [ancestor.items.indexOf(next)];
        return typeof ancestor === 'object' && 'key' in ancestor && isScalar(ancestor.key) ? [String(ancestor.key.value)] : [];
      });
      const key = path.findLast((part) => typeof part === 'string') ?? '';
      found.push({ key, path, value: node.value as JsonValue });
    },
  });
  return found;
}
