import { child, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependant } from './dependant.ts';
import { beside, relationKey, type Schema } from './schema.ts';

const RELATIONS = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE']);

/**
 * What others need is needed under its new name. What is told by the old one (of itself, or of a column of it) is forgotten.
 * @returns false where it is not followed
 */
export function renameNeeded({ dependants, tables }: Schema, node: Statement['node']): boolean {
  const [type, relation] = [textOf(node, 'renameType'), relationKey(child(node, 'relation'))];
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  if (RELATIONS.has(type)) {
    const to = beside(relation, after);
    const others = dependants.list.filter(({ owner }) => owner !== relation);
    dependants.list = others.map((one) => ({ ...one, name: ofRelation(one, relation, to) }));
    dependants.columns.delete(relation);
    return true;
  }
  // Those that inherit have the column too.
  const heirs =
    [...tables.values()].some(({ parents }) => parents.includes(relation)) || (tables.get(relation)?.partitioned ?? null) !== null;
  if (type !== 'OBJECT_COLUMN' || textOf(node, 'relationType') !== 'OBJECT_TABLE' || heirs) return false;
  const others = dependants.list.filter(({ owner, column }) => owner !== relation || column !== before);
  dependants.list = others.map((one) =>
    one.kind === 'column' && one.name === `${relation}.${before}` ? { ...one, name: `${relation}.${after}` } : one,
  );
  return true;
}

function ofRelation({ kind, name }: Dependant, before: string, after: string): string {
  if (kind === 'relation' && name === before) return after;
  return kind === 'column' && name.startsWith(`${before}.`) ? `${after}${name.slice(before.length)}` : name;
}
