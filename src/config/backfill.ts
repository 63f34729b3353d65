import path from 'node:path';
import type { BackfillDefinition } from '../database/index.ts';
import { declaredNames, loadDeclared } from './declared.ts';
import { backfillSchema, toBackfill } from './schema/backfill.ts';

const BACKFILLS = {
  folder: 'backfills',
  word: 'backfill',
  schema: backfillSchema,
  read: toBackfill,
  hint: 'Declare it there: table, where, and set, statement or function.',
};

/**
 * Reads a backfill by its name.
 * @returns the definition and the folder in which its function lies
 * @throws SlipwayError as `loadDeclared`
 */
export async function loadBackfill(
  workspace: string,
  name: string,
): Promise<{ readonly definition: BackfillDefinition; readonly folder: string }> {
  return { definition: await loadDeclared(BACKFILLS, workspace, name), folder: path.join(workspace, BACKFILLS.folder) };
}

/** The names of all backfills of a source, in order. */
export function backfillNames(workspace: string): Promise<readonly string[]> {
  return declaredNames(BACKFILLS, workspace);
}
