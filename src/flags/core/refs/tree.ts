/** A node of a syntax tree (ESTree with TypeScript, as oxc-parser makes it). Offsets count UTF-16 units. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [name: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value;
}

/** The node under a name; null where there is none. */
export function nodeAt(node: Node, name: string): Node | null {
  const found = node[name];
  return isNode(found) ? found : null;
}

/** The nodes of a list under a name; holes are left out. */
export function nodesAt(node: Node, name: string): readonly Node[] {
  const found = node[name];
  return Array.isArray(found) ? found.filter(isNode) : [];
}

export function nameOf(node: Node | null): string {
  const name = node?.['name'];
  return typeof name === 'string' ? name : '';
}

/** Visits every node, parents first. `above` are the nodes around it, the nearest last. Deep trees need no deep stack. */
export function walk(root: Node, visit: (node: Node, above: readonly Node[]) => void): void {
  const above: Node[] = [];
  const work: ({ readonly enter: Node } | 'leave')[] = [{ enter: root }];
  while (work.length > 0) {
    const next = work.pop();
    if (next === undefined) return;
    if (next === 'leave') above.pop();
    else {
      visit(next.enter, above);
      above.push(next.enter);
      work.push('leave');
      for (const child of childrenOf(next.enter).toReversed()) work.push({ enter: child });
    }
  }
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]))
    .filter(isNode);
}

const WRAPPERS: ReadonlySet<string> = new Set([
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'ChainExpression',
]);

/** What stands inside of parentheses, `as`, `satisfies` and `!`. */
export function unwrapped(node: Node): Node {
  let inner = node;
  while (WRAPPERS.has(inner.type)) {
    const next = nodeAt(inner, 'expression');
    if (next === null) return inner;
    inner = next;
  }
  return inner;
}

export function isWrapper(node: Node): boolean {
  return WRAPPERS.has(node.type);
}

/** Text of a literal or of a template without holes; null for anything else. */
export function literalText(node: Node): string | null {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  if (node.type !== 'TemplateLiteral' || nodesAt(node, 'expressions').length > 0) return null;
  return cooked(nodesAt(node, 'quasis')[0]);
}

/** Text of one piece of a template. */
export function cooked(quasi: Node | undefined): string | null {
  const value = quasi?.['value'];
  if (typeof value !== 'object' || value === null || !('cooked' in value)) return null;
  return typeof value.cooked === 'string' ? value.cooked : null;
}

/** Name of a property or member, `a`, `'a'` or `['a']`; null for a computed one. */
export function keyOf(node: Node, name: 'key' | 'property' | 'id'): string | null {
  const key = nodeAt(node, name);
  if (key === null) return null;
  if (node['computed'] === true || key.type === 'Literal' || key.type === 'TemplateLiteral') return literalText(key);
  return nameOf(key) === '' ? null : nameOf(key);
}
