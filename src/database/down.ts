import { readFolder, runAll, unchanged } from './apply.ts';
import { compareNames } from './core/file-name.ts';
import { readHistory, type StoredRow } from './history.ts';
import type { MigrationFile } from './migrations.ts';
import type { DownRequest, DownResult, MigrationResult } from './ports.ts';
import { withMigrationLock } from './session.ts';
import type { FileRun } from './statement.ts';

/**
 * Takes the named migrations back with their down files, newest first, under the same guarantees as applying.
 * A down file's end removes the migration's row in the same transaction, so running it again finds nothing to do.
 * Everything that stands in the way is refused before the first file runs: a missing down file, a later migration that would stay.
 */
export async function downMigrations(request: DownRequest): Promise<DownResult> {
  const folder = await readFolder(request.directory);
  if (!folder.ok) return asDown(folder.result);
  const result = await withMigrationLock(request, async (session) => {
    const history = await readHistory(session.control);
    const planned = planDown(folder.files, history, request.names);
    if (typeof planned === 'string') return unchanged(planned, history.find((row) => !row.finished) ?? null);
    return runAll(session, planned, history);
  });
  return asDown(result);
}

function asDown({ applied, ...rest }: MigrationResult): DownResult {
  return { ...rest, reverted: applied };
}

/** The down files to run in order, or why they cannot be. */
function planDown(files: readonly MigrationFile[], history: readonly StoredRow[], names: readonly string[]): readonly FileRun[] | string {
  const present = new Set(history.map((row) => row.name));
  const wanted = [...new Set(names)].filter((name) => present.has(name)).toSorted((a, b) => compareNames(b, a));
  const oldest = wanted.at(-1);
  const staying = oldest === undefined ? undefined : [...present].find((name) => !wanted.includes(name) && compareNames(name, oldest) > 0);
  if (staying !== undefined) return `${staying} was applied after ${oldest ?? ''} and would stay; take it back too`;
  const runs: FileRun[] = [];
  for (const name of wanted) {
    const script = files.find((file) => file.name === name)?.down ?? null;
    if (script === null) return `${name} has no down file in the folder, so it cannot be taken back`;
    runs.push({ name, direction: 'down', script });
  }
  return runs;
}
