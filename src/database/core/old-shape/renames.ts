import { child, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { columnShape, objectPath, pathOf, rule, type OldShape } from './shape.ts';

/** A name that goes because what had it gets another one, or moves to another schema. */
export interface Rename {
  readonly shape: OldShape;
  /** The new name; null for what has none of its own (a value, an attribute, a schema's contents). */
  readonly to: readonly string[] | null;
}

const RELATIONS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_FOREIGN_TABLE: 'foreign table',
};
const ROUTINES: ReadonlySet<string> = new Set(['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE', 'OBJECT_AGGREGATE']);
const TYPES: ReadonlySet<string> = new Set(['OBJECT_TYPE', 'OBJECT_DOMAIN']);

/**
 * What an old version may still call by the name that a statement takes away; null where it takes none away that a program uses: an
 * index, a trigger, a policy, a constraint.
 */
export function renameOf({ kind, node }: Pick<Statement, 'kind' | 'node'>): Rename | null {
  if (kind === 'AlterObjectSchemaStmt') return moved(node);
  if (kind === 'AlterEnumStmt' && textOf(node, 'oldVal') !== '') {
    const type = objectPath({ TypeName: { names: node['typeName'] ?? [] } });
    return { shape: rule(type, `value ${textOf(node, 'oldVal')} of type ${type.join('.')} (renamed)`, 'rename'), to: null };
  }
  return kind === 'RenameStmt' ? renamed(node) : null;
}

type Node = Statement['node'];

function renamed(node: Node): Rename | null {
  const type = textOf(node, 'renameType');
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  const relation = pathOf(child(node, 'relation'));
  if (type === 'OBJECT_COLUMN') return { shape: columnShape(relation, before, 'rename'), to: null };
  if (type === 'OBJECT_SCHEMA') return { shape: named('schema', [before], 'schema'), to: null };
  if (type === 'OBJECT_ATTRIBUTE')
    return { shape: rule(relation, `attribute ${before} of type ${relation.join('.')} (renamed)`, 'rename'), to: null };
  return whole(type, node, (path) => [...path.slice(0, -1), after]);
}

function moved(node: Node): Rename | null {
  const type = textOf(node, 'objectType');
  if (type !== 'OBJECT_EXTENSION') return whole(type, node, (path) => [textOf(node, 'newschema'), ...path.slice(-1)]);
  const path = objectPath(child(node, 'object'));
  return { shape: rule(path, `extension ${path.join('.')} (moved)`, 'rename'), to: null };
}

/** A relation, a routine or a type. A sequence is called by a text (`nextval('numbers')`), which nobody finds in counted statements. */
function whole(type: string, node: Node, to: (path: readonly string[]) => readonly string[]): Rename | null {
  const word = RELATIONS[type];
  const relation = pathOf(child(node, 'relation'));
  if (word !== undefined) return { shape: named(word, relation, 'relation'), to: to(relation) };
  if (type === 'OBJECT_SEQUENCE') return { shape: rule(relation, `sequence ${relation.join('.')} (renamed)`, 'rename'), to: null };
  const path = objectPath(child(node, 'object'));
  if (ROUTINES.has(type)) return { shape: named('function', path, 'routine'), to: to(path) };
  return TYPES.has(type) ? { shape: named('type', path, 'type'), to: to(path) } : null;
}

const named = (word: string, path: readonly string[], kind: OldShape['kind']): OldShape => ({
  kind,
  path,
  column: null,
  change: 'rename',
  told: `${word} ${path.join('.')} (renamed)`,
});
