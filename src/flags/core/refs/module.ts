import { keyOf, literalText, nameOf, nodeAt, nodesAt, walk, type Node } from './tree.ts';

/** A file of TypeScript or JavaScript, with what its names stand for. */
export interface Module {
  readonly file: string;
  readonly text: string;
  readonly program: Node;
  /** What a name stands for in the whole file; null for one that is declared more than once, or may change. */
  readonly names: ReadonlyMap<string, Binding | null>;
  /** The name of a type that was written beside a name. */
  readonly typed: ReadonlyMap<string, Node>;
  /** What an exported name stands for. */
  readonly exports: ReadonlyMap<string, Exported>;
  /** Modules of which everything is exported again. */
  readonly exportsAllOf: readonly string[];
}

export type Binding =
  | { readonly kind: 'const'; readonly value: Node }
  | { readonly kind: 'enum'; readonly declaration: Node }
  | { readonly kind: 'imported'; readonly from: string; /** `*` for the whole module. */ readonly name: string };

export type Exported = { readonly local: string } | { readonly value: Node } | { readonly from: string; readonly name: string };

/** Reads the names of a parsed file. */
export function moduleOf(file: string, text: string, program: Node): Module {
  const names = new Map<string, Binding | null>();
  const exported = new Map<string, Exported>();
  const exportsAllOf: string[] = [];
  const typed = new Map<string, Node>();
  const declare = (name: string, binding: Binding | null): void => void names.set(name, names.has(name) ? null : binding);
  walk(program, (node, above) => {
    const declared = declarationsOf(node, above.at(-1));
    for (const [name, binding] of declared) declare(name, binding);
    noteExport(node, exported, exportsAllOf);
    const type = nodeAt(nodeAt(nodeAt(node, 'typeAnnotation') ?? node, 'typeAnnotation') ?? node, 'typeName');
    if (type !== null && node.type === 'Identifier') typed.set(nameOf(node), type);
  });
  return { file, text, program, names, typed, exports: exported, exportsAllOf };
}

type Declared = readonly (readonly [name: string, binding: Binding | null])[];

function declarationsOf(node: Node, parent: Node | undefined): Declared {
  switch (node.type) {
    case 'VariableDeclarator':
      return variable(node, parent?.['kind'] === 'const');
    case 'TSEnumDeclaration':
      return [[nameOf(nodeAt(node, 'id')), { kind: 'enum', declaration: node }]];
    case 'ImportDeclaration':
      return imported(node);
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'ClassDeclaration':
      return [...patternNames(nodeAt(node, 'id')), ...nodesAt(node, 'params').flatMap(patternNames)].map((name) => [name, null]);
    case 'CatchClause':
      return patternNames(nodeAt(node, 'param')).map((name) => [name, null]);
    default:
      return [];
  }
}

function variable(node: Node, isConst: boolean): Declared {
  const [id, value] = [nodeAt(node, 'id'), nodeAt(node, 'init')];
  if (id?.type === 'Identifier') return [[nameOf(id), isConst && value !== null ? { kind: 'const', value } : null]];
  return patternNames(id).map((name) => [name, null]);
}

/** All names that a pattern declares. */
function patternNames(pattern: Node | null): readonly string[] {
  if (pattern === null) return [];
  if (pattern.type === 'Identifier') return [nameOf(pattern)];
  const inner = ['left', 'argument', 'value', 'parameter'].flatMap((name) => nodeAt(pattern, name) ?? []);
  const lists = ['elements', 'properties'].flatMap((name) => nodesAt(pattern, name));
  return [...inner.slice(0, 1), ...lists].flatMap(patternNames);
}

function imported(node: Node): Declared {
  const from = literalText(nodeAt(node, 'source') ?? node);
  if (from === null) return [];
  return nodesAt(node, 'specifiers').map((one) => {
    const name =
      one.type === 'ImportNamespaceSpecifier' ? '*' : one.type === 'ImportDefaultSpecifier' ? 'default' : exportName(one, 'imported');
    return [nameOf(nodeAt(one, 'local')), { kind: 'imported', from, name }];
  });
}

/** A name of an import or export, which may be written as text. */
function exportName(specifier: Node, side: 'imported' | 'local' | 'exported'): string {
  const node = nodeAt(specifier, side);
  return node === null ? '' : (literalText(node) ?? nameOf(node));
}

function noteExport(node: Node, exported: Map<string, Exported>, exportsAllOf: string[]): void {
  const source = nodeAt(node, 'source');
  const from = source === null ? null : literalText(source);
  if (node.type === 'ExportAllDeclaration' && from !== null) {
    const name = nodeAt(node, 'exported');
    if (name === null) exportsAllOf.push(from);
    else exported.set(literalText(name) ?? nameOf(name), { from, name: '*' });
  }
  const value = node.type === 'ExportDefaultDeclaration' ? nodeAt(node, 'declaration') : null;
  if (value !== null) exported.set('default', value.type === 'Identifier' ? { local: nameOf(value) } : { value });
  if (node.type === 'ExportNamedDeclaration') for (const [name, one] of named(node, from)) exported.set(name, one);
}

function named(node: Node, from: string | null): readonly (readonly [name: string, exported: Exported])[] {
  const specifiers = nodesAt(node, 'specifiers').map((one): readonly [string, Exported] => {
    const local = exportName(one, 'local');
    return [exportName(one, 'exported'), from === null ? { local } : { from, name: local }];
  });
  return [...specifiers, ...declaredBy(nodeAt(node, 'declaration')).map((name): readonly [string, Exported] => [name, { local: name }])];
}

function declaredBy(declaration: Node | null): readonly string[] {
  if (declaration === null) return [];
  const own = nodeAt(declaration, 'id');
  return [
    ...(own === null ? [] : [nameOf(own)]),
    ...nodesAt(declaration, 'declarations').flatMap((one) => patternNames(nodeAt(one, 'id'))),
  ];
}

/** The value of a property of an object literal, or of a member of an enum; null where it is not written out. */
export function propertyOf(node: Node, name: string): Node | null {
  const isEnum = node.type === 'TSEnumDeclaration';
  const body = isEnum ? (nodeAt(node, 'body') ?? node) : node;
  const found = nodesAt(body, isEnum ? 'members' : 'properties').filter((one) => keyOf(one, isEnum ? 'id' : 'key') === name);
  const [only] = found;
  return only === undefined || found.length > 1 ? null : nodeAt(only, isEnum ? 'initializer' : 'value');
}
