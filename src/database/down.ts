import { readFolder, runAll, unchanged } from './apply.ts';
import { orderIn } from './core/drift.ts';
import { compareNames } from './core/file-name.ts';
import type { StoredRow } from './history.ts';
import { lookAt } from './histories/open.ts';
import type { MigrationFile } from './migrations.ts';
import type { DownRequest, DownResult, MigrationResult } from './ports.ts';
import { withMigrationLock } from './session.ts';
import { runsOf, type FileRun } from './statement.ts';

/**
 * Takes the named migrations back with their down files, newest first, under the same guarantees as applying.
 * A down file's end removes the migration's row in the same transaction, so running it again finds nothing to do.
 * Everything that stands in the way is refused before the first file runs: a missing down file, a later migration that would stay.
 */
export async function downMigrations(request: DownRequest): Promise<DownResult> {
  const folder = await readFolder(request, lookAt);
  if (!folder.ok) return asDown(folder.result);
  const { tool, files } = folder.migrations;
  const result = await withMigrationLock(request, tool, async (session) => {
    const { rows, partial, broken } = await lookAt(session.control, folder.migrations);
    if (broken.length > 0) return unchanged(broken.join('\n'), partial);
    const planned = planDown({ files, history: rows, order: tool === null ? compareNames : orderIn(files) }, request.names);
    if (typeof planned === 'string') return unchanged(planned, partial);
    return runAll(session, planned, rows);
  });
  return asDown(result);
}

function asDown({ applied, ...rest }: MigrationResult): DownResult {
  return { ...rest, reverted: applied };
}

interface Known {
  readonly files: readonly MigrationFile[];
  readonly history: readonly StoredRow[];
  readonly order: (a: string, b: string) => number;
}

/** The down files to run in order, or why they cannot be. */
function planDown({ files, history, order }: Known, names: readonly string[]): readonly FileRun[] | string {
  const present = new Set(history.map((row) => row.name));
  const wanted = [...new Set(names)].filter((name) => present.has(name)).toSorted((a, b) => order(b, a));
  const oldest = wanted.at(-1);
  const staying = oldest === undefined ? undefined : [...present].find((name) => !wanted.includes(name) && order(name, oldest) > 0);
  if (staying !== undefined) return `${staying} was applied after ${oldest ?? ''} and would stay; take it back too`;
  const missing = wanted.find((name) => (files.find((file) => file.name === name)?.down ?? null) === null);
  const spoilt = files.find((file) => wanted.includes(file.name) && file.unusable.length > 0);
  if (spoilt !== undefined) return spoilt.unusable.join('\n');
  if (missing !== undefined) return `${missing} has no down file in the folder, so it cannot be taken back`;
  return runsOf(
    files,
    wanted.flatMap((name) => files.filter((file) => file.name === name)),
    'down',
  );
}
