import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/pure.ts';

/** Readers for the parser's JSON trees, where a field with its default value is simply absent. */

/** The object under `key`; an empty one when there is none. */
export function child(node: JsonObject, key: string): JsonObject {
  const value = node[key];
  return value !== undefined && isJsonObject(value) ? value : {};
}

/** The objects of the list under `key`. */
export function children(node: JsonObject, key: string): readonly JsonObject[] {
  const value = node[key];
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject) : [];
}

/** The text under `key`; empty when there is none. */
export function textOf(node: JsonObject, key: string): string {
  const value = node[key];
  return typeof value === 'string' ? value : '';
}

/** True when the flag under `key` is set. */
export function isSet(node: JsonObject, key: string): boolean {
  return node[key] === true;
}

/** The parts of a qualified name: a list of `String` nodes. */
export function nameParts(nodes: readonly JsonObject[]): readonly string[] {
  return nodes.map((node) => textOf(child(node, 'String'), 'sval'));
}

/** `schema.table` of a RangeVar, or just the table when no schema is written. */
export function relationName(rangeVar: JsonObject): string {
  const schema = textOf(rangeVar, 'schemaname');
  const name = textOf(rangeVar, 'relname');
  return schema === '' ? name : `${schema}.${name}`;
}

/** What a DROP names, each as it is written. */
export function droppedNames(node: JsonObject): readonly string[] {
  return children(node, 'objects').map((one) => nameParts(children(child(one, 'List'), 'items')).join('.'));
}

/** The tables of a TRUNCATE. */
export function truncatedNames(node: JsonObject): readonly string[] {
  return children(node, 'relations').map((one) => relationName(child(one, 'RangeVar')));
}

/** A node with the tag it stands under. */
export interface Tagged {
  readonly tag: string;
  readonly node: JsonObject;
}

/** Trees do not change, and a linter asks the same one dozens of times. */
const known = new WeakMap<object, readonly Tagged[]>();

/** Every node below `value` under one of the `tags`, at any depth. */
export function findAll(value: JsonValue, tags: readonly string[]): readonly Tagged[] {
  if (typeof value !== 'object' || value === null) return [];
  let all = known.get(value);
  if (all === undefined) known.set(value, (all = nodesBelow(value)));
  return all.filter(({ tag }) => tags.includes(tag));
}

function nodesBelow(value: JsonValue): readonly Tagged[] {
  const found: Tagged[] = [];
  const open: JsonValue[] = [value];
  // A list instead of recursion: an expression of 10,000 terms nests as deep.
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    for (const [tag, item] of Object.entries(next)) {
      if (isJsonObject(item)) found.push({ tag, node: item });
      open.push(item);
    }
  }
  return found;
}

/** The tables of other files that a CREATE TABLE inherits from or is a partition of. */
export function oldParents(node: JsonObject, fresh: ReadonlySet<string>): readonly string[] {
  return children(node, 'inhRelations')
    .map((parent) => relationName(child(parent, 'RangeVar')))
    .filter((name) => !fresh.has(name));
}

/** Is an option of VACUUM or REINDEX on: `FULL`, `FULL true`, `FULL 1`, but not `FULL false`? */
export function isOn(node: JsonObject, name: string): boolean {
  return [...children(node, 'params'), ...children(node, 'options')].some((one) => {
    const option = child(one, 'DefElem');
    if (textOf(option, 'defname') !== name) return false;
    const value = child(option, 'arg');
    if (value['Integer'] !== undefined) return Number(child(value, 'Integer')['ival'] ?? 0) !== 0;
    return !['false', 'off', '0', 'no'].includes(textOf(child(value, 'String'), 'sval').toLowerCase());
  });
}

/** Do the options of a sequence put it back to a number? */
export function restarts(options: readonly JsonObject[]): boolean {
  return options.some((option) => textOf(child(option, 'DefElem'), 'defname') === 'restart');
}
