import type { Binding, Module } from './module.ts';
import { propertyOf } from './module.ts';
import { cooked, keyOf, literalText, nameOf, nodeAt, nodesAt, unwrapped, type Node } from './tree.ts';

/** The files of a repository, as far as they import each other by relative paths. */
export interface Project {
  /** The module that a specifier in a file leads to; null for a package, or what is not there. */
  follow(from: string, specifier: string): Module | null;
}

/** Where a value was found: the node, and the file it is in. */
export interface Found {
  readonly node: Node;
  readonly module: Module;
}

/** How far names are followed; beyond that nothing is known of them. */
const FARTHEST = 12;
const MOST_TEXTS = 20;

/** Every text an expression can be, when all of it is written out (with constants followed); null when it cannot be known. */
export function textsOf(found: Found, project: Project, depth = 0): readonly string[] | null {
  if (depth > FARTHEST) return null;
  const node = unwrapped(found.node);
  const literal = literalText(node);
  if (literal !== null) return [literal];
  const inner = (name: string): readonly string[] | null => {
    const part = nodeAt(node, name);
    return part === null ? null : textsOf({ node: part, module: found.module }, project, depth + 1);
  };
  switch (node.type) {
    case 'ConditionalExpression':
      return both(inner('consequent'), inner('alternate'));
    case 'LogicalExpression':
      return both(inner('left'), inner('right'));
    case 'BinaryExpression':
      return node['operator'] === '+' ? joined(inner('left'), inner('right')) : null;
    case 'TemplateLiteral':
      return template(node, found.module, project, depth);
    default: {
      const value = valueOf({ node, module: found.module }, project, depth);
      return value === null || value.node === node ? null : textsOf(value, project, depth + 1);
    }
  }
}

function both(one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null {
  const all = one === null || other === null ? null : [...new Set([...one, ...other])];
  // A part of them would look like all of them.
  return all !== null && all.length <= MOST_TEXTS ? all : null;
}

function joined(one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null {
  if (one === null || other === null || one.length * other.length > MOST_TEXTS) return null;
  return one.flatMap((left) => other.map((right) => left + right));
}

function template(node: Node, module: Module, project: Project, depth: number): readonly string[] | null {
  const quasis = nodesAt(node, 'quasis');
  let texts: readonly string[] | null = [cooked(quasis[0]) ?? ''];
  for (const [index, hole] of nodesAt(node, 'expressions').entries()) {
    texts = joined(joined(texts, textsOf({ node: hole, module }, project, depth + 1)), [cooked(quasis[index + 1]) ?? '']);
  }
  return texts;
}

/** Follows names, members and imports to what was written; the node itself where there is nothing to follow, null where the way is lost. */
export function valueOf(found: Found, project: Project, depth = 0): Found | null {
  if (depth > FARTHEST) return null;
  const node = unwrapped(found.node);
  const { module } = found;
  if (node.type === 'Identifier') return follow(module.names.get(nameOf(node)) ?? null, module, project, depth);
  if (node.type === 'MemberExpression') return member(node, module, project, depth);
  // Object.freeze({ ... })
  if (node.type === 'CallExpression' && keyOf(nodeAt(node, 'callee') ?? node, 'property') === 'freeze') {
    const [frozen] = nodesAt(node, 'arguments');
    return frozen === undefined ? null : valueOf({ node: frozen, module }, project, depth + 1);
  }
  return { node, module };
}

function member(node: Node, module: Module, project: Project, depth: number): Found | null {
  const name = keyOf(node, 'property');
  const object = nodeAt(node, 'object');
  if (name === null || object === null) return null;
  const binding = object.type === 'Identifier' ? module.names.get(nameOf(object)) : undefined;
  if (binding?.kind === 'imported' && binding.name === '*') return exportedValue(module, { from: binding.from, name }, project, depth + 1);
  const holder = valueOf({ node: object, module }, project, depth + 1);
  const value = holder === null ? null : propertyOf(holder.node, name);
  return value === null || holder === null ? null : valueOf({ node: value, module: holder.module }, project, depth + 1);
}

function follow(binding: Binding | null, module: Module, project: Project, depth: number): Found | null {
  if (binding === null) return null;
  if (binding.kind === 'enum') return { node: binding.declaration, module };
  if (binding.kind === 'imported') return exportedValue(module, binding, project, depth + 1);
  return valueOf({ node: binding.value, module }, project, depth + 1);
}

interface Wish {
  readonly from: string;
  readonly name: string;
}

function exportedValue(module: Module, { from, name }: Wish, project: Project, depth: number): Found | null {
  const other = depth > FARTHEST ? null : project.follow(module.file, from);
  if (other === null) return null;
  const exported = other.exports.get(name);
  if (exported === undefined) {
    // The first of the modules that are exported again and have the name; a name in two of them does not compile.
    for (const again of other.exportsAllOf) {
      const found = exportedValue(other, { from: again, name }, project, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }
  if ('value' in exported) return valueOf({ node: exported.value, module: other }, project, depth + 1);
  if ('local' in exported) return follow(other.names.get(exported.local) ?? null, other, project, depth + 1);
  return exported.name === '*' ? null : exportedValue(other, exported, project, depth + 1);
}
