import { flagCall, type FlagCall } from './calls.ts';
import type { Module } from './module.ts';
import { textsOf, type Project } from './resolve-key.ts';
import { placeOf, siteOf, type Site } from './site.ts';
import { literalText, nameOf, nodeAt, walk, type Node } from './tree.ts';

/** How a reference was found: asked for by a call, its name written elsewhere in the code, or found as text without understanding it. */
export type FoundBy = 'call' | 'name' | 'text';

/** One place in the code that speaks of a flag. */
export interface Reference {
  /** Null: a flag is asked for, and which one cannot be known from the code. */
  readonly key: string | null;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly by: FoundBy;
  /** What is called, for a call. */
  readonly callee: string | null;
  readonly gives: FlagCall['gives'] | null;
  /** The key as it is written, for a call. */
  readonly written: string | null;
  /** True when the key came from a constant, a template or another file. */
  readonly indirect: boolean;
  readonly site: Site | null;
}

/** All references in one file. `known` are the keys of flags there are: only they are looked for by name. */
export function referencesIn(module: Module, project: Project, known: ReadonlySet<string>): readonly Reference[] {
  const found: Reference[] = [];
  const asked = new Set<Node>();
  walk(module.program, (node, above) => {
    const call = flagCall(node, module, project);
    const references = call === null ? [] : ofCall(call, [node, above], { module, project, known });
    if (call !== null && references.length > 0) asked.add(call.key);
    found.push(...references);
    const text = asked.has(node) || isModuleName(above.at(-1)) ? null : (literalText(node) ?? propertyName(node, above.at(-1)));
    if (text !== null && known.has(text)) found.push({ ...plain, ...at(module, node), key: text, by: 'name' });
  });
  return found;
}

const plain = { callee: null, gives: null, written: null, indirect: false, site: null };

function at({ file, text }: Module, node: Node): Pick<Reference, 'file' | 'line' | 'column'> {
  return { file, ...placeOf(text, node.start) };
}

/** `features.release_a`, `{ release_a: ... }`: an object of your own may hold flags by their keys. */
function propertyName(node: Node, parent: Node | undefined): string | null {
  if (node.type !== 'Identifier' || parent === undefined || parent['computed'] === true) return null;
  return nodeAt(parent, 'property') === node || nodeAt(parent, 'key') === node ? nameOf(node) : null;
}

function isModuleName(parent: Node | undefined): boolean {
  return parent !== undefined && /^(?:Import|Export)\w*Declaration$|^ImportExpression$/.test(parent.type);
}

interface Scope {
  readonly module: Module;
  readonly project: Project;
  readonly known: ReadonlySet<string>;
}

function ofCall(call: FlagCall, [node, above]: readonly [Node, readonly Node[]], { module, project, known }: Scope): readonly Reference[] {
  const texts = textsOf({ node: call.key, module }, project);
  const isOurs = !call.doubtful || texts?.some((text) => known.has(text)) === true;
  if (!isOurs) return [];
  const reference = {
    ...at(module, node),
    by: 'call' as const,
    callee: call.callee,
    gives: call.gives,
    written: module.text.slice(call.key.start, call.key.end).replaceAll(/\s+/g, ' ').slice(0, 120),
    indirect: texts !== null && literalText(call.key) === null,
    site: siteOf(node, above, module),
  };
  // A test's own double takes anything; a call with an empty key asks for nothing.
  if (texts === null) return [{ ...reference, key: null }];
  return texts.filter((text) => text !== '').map((key) => ({ ...reference, key }));
}
