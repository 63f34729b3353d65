import { stat } from 'node:fs/promises';
import type pg from 'pg';
import { SlipwayError } from '../kernel/index.ts';
import { chooseHistory } from './histories/choose.ts';
import { readToolFolder } from './histories/files.ts';
import type { FolderRequest, ToolHistory } from './histories/ports.ts';
import { openFolder } from './lint/folder.ts';
import { readOwnFolder, type MigrationFile } from './migrations.ts';

/** The migrations of a folder, and whose history says which of them are applied (null: Slipway's own). */
export interface Migrations {
  readonly files: readonly MigrationFile[];
  readonly tool: ToolHistory | null;
  /** What people know the folder by. */
  readonly shown: string;
  /** slipway.yaml says whose history it is. */
  readonly written: boolean;
  /** The database is removed afterwards. */
  readonly thrownAway: boolean;
}

const HINT = 'Correct the files named above. Nothing was run.';

/**
 * Reads and checks every file of a migrations folder, in order of application. All problems of all files are told at once; those of
 * a tool's files only when no database is asked, which may have them applied already.
 * @param client null: no database is asked, not even whose folder it is
 * @throws SlipwayError `not_found` when there is no such folder, `config_invalid` naming file and line of every problem, or when it
 * is not clear whose history it is
 */
export async function readMigrations(
  { directory, shown = directory, history = 'auto', thrownAway = false }: FolderRequest,
  client: pg.Client | null = null,
): Promise<Migrations> {
  if ((await stat(directory).catch(() => null))?.isDirectory() !== true)
    throw new SlipwayError('not_found', `The migrations folder ${shown} cannot be read`, {
      hint: 'Correct database.migrations in slipway.yaml.',
    });
  const folder = await openFolder(directory);
  const tool = await chooseHistory(folder, history, client);
  const { files, problems } = tool === null ? await readOwnFolder(directory) : await readToolFolder(tool, folder);
  refuseUnusable(shown, [...problems, ...(client === null ? files.flatMap((file) => file.unusable) : [])]);
  return { files, tool, shown, written: history !== 'auto', thrownAway };
}

/** @throws SlipwayError `config_invalid` with all problems, unless there are none */
export function refuseUnusable(shown: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const listed = [...new Set(problems)].map((one) => `  ${one}`).join('\n');
  throw new SlipwayError('config_invalid', `The migrations in ${shown} cannot be used:\n${listed}`, { hint: HINT });
}
