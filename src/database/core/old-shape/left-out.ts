import type { JsonObject, JsonValue } from '../../../kernel/pure.ts';
import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import type { Use } from './column-use.ts';
import { samePath } from './shape.ts';

/** A column that must have a value from now on. */
export interface GivenTarget {
  readonly column: string;
  readonly relations: readonly (readonly [schema: string, name: string])[];
  /** What becomes of it where a statement does not give it: it has a default, a trigger may see to it, or it is null. */
  readonly otherwise: 'default' | 'trigger' | 'null';
}

/** Does a statement write rows without giving the column? */
export function leftOut(tree: JsonValue, target: GivenTarget): Use | null {
  if (target.otherwise === 'default') return null;
  const out = findAll(tree, ['InsertStmt', 'CopyStmt']).some(({ tag, node }) => {
    const rangeVar = child(node, 'relation');
    const [schema, name] = [textOf(rangeVar, 'schemaname'), textOf(rangeVar, 'relname')];
    if (!target.relations.some((one) => samePath(one, schema === '' ? [name] : [schema, name]))) return false;
    return tag === 'InsertStmt' ? insertLeavesOut(node, target.column) : copyLeavesOut(node, target.column);
  });
  if (!out) return null;
  return target.otherwise === 'trigger' ? 'may leave out' : 'leaves out';
}

/** Without a list of columns every column is given by its place, but with DEFAULT VALUES none is. */
function insertLeavesOut(node: JsonObject, column: string): boolean {
  const names = children(node, 'cols').map((one) => textOf(child(one, 'ResTarget'), 'name'));
  return names.length === 0 ? node['selectStmt'] === undefined : !names.includes(column);
}

function copyLeavesOut(node: JsonObject, column: string): boolean {
  const names = nameParts(children(node, 'attlist'));
  return node['is_from'] === true && names.length > 0 && !names.includes(column);
}
