import type { Statement } from '../types.ts';
import { child, textOf } from '../tree.ts';
import { keepsAllOut, keepsWritersOut } from './impact.ts';
import { plainName, relationKey } from './schema.ts';
import type { Done, Impact } from './types.ts';

/** A transaction on its way. A file may have a hundred thousand statements in one, so nothing is looked for in those before. */
export interface Doing extends Done {
  last: Statement | null;
  writersOut: Set<string>;
  allOut: Set<string>;
  readonly dropped: Set<string>;
}

/** Nothing yet. */
export function beginDone(): Doing {
  return { last: null, writersOut: new Set(), allOut: new Set(), dropped: new Set() };
}

/** Adds a statement with what it does. */
export function noteDone(done: Doing, statement: Statement, impacts: readonly Impact[]): void {
  done.last = statement;
  for (const { action, locks } of impacts) {
    for (const { relation, mode } of locks) {
      if (keepsWritersOut(mode)) done.writersOut.add(relation);
      if (keepsAllOut(mode)) done.allOut.add(relation);
    }
    const { form, roles } = action;
    if (form?.startsWith('drop table') !== true) continue;
    for (const table of [roles['target'], roles['partition']]) if (table !== undefined) done.dropped.add(table);
  }
  followRename(done, statement);
}

/** A relation that has another name now is the same one, and so is its lock. */
function followRename(done: Doing, { kind, node }: Statement): void {
  const before = relationKey(child(node, 'relation'));
  const after = newName(kind, node, before);
  if (after === null || before === '') return;
  const renamed = (relations: ReadonlySet<string>): Set<string> =>
    new Set([...relations].map((relation) => (relation === before ? after : relation)));
  done.writersOut = renamed(done.writersOut);
  done.allOut = renamed(done.allOut);
}

/** Null where it gives no relation another name. */
function newName(kind: string, node: Statement['node'], before: string): string | null {
  const [schema, name] = before.includes('.') ? before.split('.', 2) : [null, before];
  if (kind === 'AlterObjectSchemaStmt') return plainName(`${textOf(node, 'newschema')}.${name ?? ''}`);
  if (kind !== 'RenameStmt' || !RELATIONS.has(textOf(node, 'renameType'))) return null;
  return plainName([...(schema === null ? [] : [schema]), textOf(node, 'newname')].join('.'));
}

const RELATIONS: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);
