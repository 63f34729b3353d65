import { declaredFormat } from '../histories/choose.ts';
import type { FolderRequest } from '../histories/ports.ts';
import type { DatabaseAccess } from '../ports.ts';
import { pendingFiles } from './applied.ts';
import { judgeFiles } from './judge.ts';
import type { LintedFile } from './lint.ts';
import { readSources } from './sources.ts';

/**
 * Judges what a database has not applied of the folder that Slipway applies, with what its catalog says: the version of the server, how large
 * its tables are, and what is in it. Changes nothing.
 * @throws SlipwayError `database_unreachable`, `database_refused`; `not_found` when the folder holds no migrations
 */
export async function lintPending(access: DatabaseAccess, request: FolderRequest): Promise<readonly LintedFile[]> {
  const { directory } = request;
  const { format, files } = await readSources(directory, await declaredFormat(request), new Map());
  const directed = files.filter(({ direction, elsewhere }) => direction === 'up' && elsewhere !== true);
  // A database without the tool's table has applied nothing; whether a history may begin there, applying it says.
  const pending = (await pendingFiles(access, { path: directory, format, files: directed })) ?? directed;
  const judged = await judgeFiles({ access, format, files: pending, applied: true, postgres: null, sizes: new Map() });
  return judged.files;
}
