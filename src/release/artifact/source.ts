import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../kernel/index.ts';
import { migrationStatus, readMigrations, type DatabaseAccess, type Migration, type MigrationStatus } from '../../database/index.ts';
import { checkOut } from './git.ts';

/** What a release is made of: the commit in the repository of the workspace; without git the workspace itself. */
export interface Source {
  readonly workspace: string;
  readonly gitSha: string | null;
  /** The state directory, where there is room for a checkout. */
  readonly home: string;
}

/** A checkout older than this was left behind by a process that was killed. */
const ABANDONED_MS = 3_600_000;

/** The migrations of the source, as the build will find them: the workspace may have moved on while the release waited. */
export function sourceMigrations(source: Source, folder: string): Promise<readonly Migration[]> {
  return withFolder(source, folder, readMigrations);
}

/** What of them the database has, and what it misses. @throws as `migrationStatus` */
export function sourceMigrationStatus(source: Source, folder: string, database: DatabaseAccess): Promise<MigrationStatus> {
  return withFolder(source, folder, (directory, shown) => migrationStatus(database, directory, shown));
}

/**
 * Lends a folder of the source with the name it has for people. All of the commit is checked out, as by the build: attributes and
 * links anywhere in it decide what the files of a folder are.
 */
async function withFolder<T>(
  { workspace, gitSha, home }: Source,
  folder: string,
  use: (directory: string, shown: string) => Promise<T>,
): Promise<T> {
  const inWorkspace = join(workspace, folder);
  if (gitSha === null) return use(inWorkspace, inWorkspace);
  const checkouts = join(home, 'checkouts');
  await mkdir(checkouts, { recursive: true });
  await removeAbandoned(checkouts);
  const scratch = await mkdtemp(join(checkouts, 'commit-'));
  try {
    const tree = join(scratch, 'tree');
    await checkOut(workspace, gitSha, tree);
    return await use(join(tree, folder), `${folder} of commit ${gitSha.slice(0, 12)}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function removeAbandoned(checkouts: string): Promise<void> {
  // Ages of files are wall-clock times of the file system, so that is what they are compared with.
  const now = systemClock.now();
  for (const name of await readdir(checkouts)) {
    const found = await stat(join(checkouts, name)).catch(() => null);
    if (found !== null && now - found.mtimeMs > ABANDONED_MS) await rm(join(checkouts, name), { recursive: true, force: true });
  }
}
