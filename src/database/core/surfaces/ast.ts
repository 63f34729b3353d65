import type { JsonObject } from '../../../kernel/pure.ts';
import { child, children, textOf } from '../tree.ts';

/** Readers for the tree of a TypeScript file (ESTree), with its text for places and for what is told as it stands. */
export interface Source {
  readonly program: JsonObject;
  readonly text: string;
}

/** Line of a node, from 1. */
export function lineOf({ text }: Source, node: JsonObject): number {
  const start = typeof node['start'] === 'number' ? node['start'] : 0;
  return text.slice(0, start).split('\n').length;
}

/** Text of a literal; null for any other node. */
export function literalText(node: JsonObject | undefined): string | null {
  if (node === undefined) return null;
  if (textOf(node, 'type') === 'TemplateLiteral' && children(node, 'expressions').length === 0)
    return textOf(child(children(node, 'quasis')[0] ?? {}, 'value'), 'cooked');
  const value = node['value'];
  return textOf(node, 'type') === 'Literal' && typeof value === 'string' ? value : null;
}

/** Name of a key, `a` or `'a'`; null for a computed one. */
export function keyOf(node: JsonObject): string | null {
  if (node['computed'] === true) return null;
  const key = child(node, 'key');
  return textOf(key, 'type') === 'Identifier' ? textOf(key, 'name') : literalText(key);
}

/** The value of a property of an object; undefined when it has none of that name. */
export function property(object: JsonObject | undefined, name: string): JsonObject | undefined {
  if (object === undefined) return undefined;
  const found = children(object, 'properties').find((one) => textOf(one, 'type') === 'Property' && keyOf(one) === name);
  return found === undefined ? undefined : child(found, 'value');
}

/** `const name = value` at the top of the file, exported or not, by name. */
export function constants({ program }: Source): ReadonlyMap<string, JsonObject> {
  const declared = new Map<string, JsonObject>();
  for (const statement of children(program, 'body'))
    for (const one of [...children(statement, 'declarations'), ...children(child(statement, 'declaration'), 'declarations')])
      note(declared, one);
  return declared;
}

function note(declared: Map<string, JsonObject>, declarator: JsonObject): void {
  const name = textOf(child(declarator, 'id'), 'name');
  if (name !== '') declared.set(name, child(declarator, 'init'));
}

/** What a type or interface of the file is, by name. */
export function typesOf({ program }: Source): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const statement of children(program, 'body')) {
    for (const one of [statement, child(statement, 'declaration')]) {
      const name = textOf(child(one, 'id'), 'name');
      if (textOf(one, 'type') === 'TSInterfaceDeclaration') found.set(name, child(one, 'body'));
      if (textOf(one, 'type') === 'TSTypeAliasDeclaration') found.set(name, child(one, 'typeAnnotation'));
    }
  }
  return found;
}

/** The members of a type literal or an interface: name, type, and the node for its place. */
export function members(
  node: JsonObject | undefined,
): readonly { readonly name: string; readonly type: JsonObject; readonly node: JsonObject }[] {
  if (node === undefined) return [];
  const list = textOf(node, 'type') === 'TSInterfaceBody' ? children(node, 'body') : children(node, 'members');
  return list.flatMap((one) => {
    const name = textOf(one, 'type') === 'TSPropertySignature' ? keyOf(one) : null;
    return name === null ? [] : [{ name, type: child(child(one, 'typeAnnotation'), 'typeAnnotation'), node: one }];
  });
}

/** `createdAt` as `created_at`. */
export function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
}

/** What a table may be called of which a type has the name of one row: `OrderItem` of `order_items`. */
export function tableNames(type: string): readonly string[] {
  const word = snakeCase(type);
  return [word, `${word}s`, word.replace(/y$/, 'ies')];
}
