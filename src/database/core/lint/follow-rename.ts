import type { Statement } from '../types.ts';
import { child, textOf } from '../tree.ts';
import { plainName, relationKey } from './schema.ts';
import type { Done } from './types.ts';

/** What was done in the transaction before, told by the name the relation has now: it is the same one, and so is its lock. */
export function followRename(earlier: Done[], { kind, node }: Pick<Statement, 'kind' | 'node'>): void {
  const before = relationKey(child(node, 'relation'));
  const after = newName(kind, node, before);
  if (after === null || before === '') return;
  const named = (relation: string): string => (relation === before ? after : relation);
  for (const [index, { placed, impacts }] of earlier.entries())
    earlier[index] = {
      placed,
      impacts: impacts.map((one) => ({
        ...one,
        locks: one.locks.map(({ relation, mode }) => ({ relation: named(relation), mode })),
        scans: one.scans.map(named),
        rewrites: one.rewrites.map(named),
      })),
    };
}

/** Null where it gives no relation another name. */
function newName(kind: string, node: Statement['node'], before: string): string | null {
  const [schema, name] = before.includes('.') ? before.split('.', 2) : [null, before];
  if (kind === 'AlterObjectSchemaStmt') return plainName(`${textOf(node, 'newschema')}.${name ?? ''}`);
  if (kind !== 'RenameStmt' || !RELATIONS.has(textOf(node, 'renameType'))) return null;
  return plainName([...(schema === null ? [] : [schema]), textOf(node, 'newname')].join('.'));
}

const RELATIONS: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);
