import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../kernel/index.ts';
import { migrationStatus, readMigrations, type DatabaseAccess, type Migration, type MigrationStatus } from '../../database/index.ts';
import type { DatabaseDefinition, Definition } from '../core/definition.ts';
import { checkOut } from './git.ts';

/** What a release is made of: the commit in the repository of the workspace; without git the workspace itself. */
export interface Source {
  readonly workspace: string;
  readonly gitSha: string | null;
  /** The state directory, where there is room for a checkout. */
  readonly home: string;
}

/** The folder of migrations as slipway.yaml names it, and whose history goes with it. */
export type DeclaredFolder = { readonly folder: string } & Pick<DatabaseDefinition, 'history'>;

/** Null when slipway.yaml names none. */
export function declaredFolder({ database }: Pick<Definition, 'database'>): DeclaredFolder | null {
  if (database === null || database.migrations === null) return null;
  return { folder: database.migrations, ...historyOf(database) };
}

/** Whose history, where slipway.yaml says it. */
export function historyOf(database: Pick<DatabaseDefinition, 'history'> | null): Pick<DatabaseDefinition, 'history'> {
  return database?.history === undefined ? {} : { history: database.history };
}

/** A checkout older than this was left behind by a process that was killed. */
const ABANDONED_MS = 3_600_000;

/** The migrations of the source, as the build will find them: the workspace may have moved on while the release waited. */
export async function sourceMigrations(source: Source, { folder, ...rest }: DeclaredFolder): Promise<readonly Migration[]> {
  const { files } = await withFolder(source, folder, (directory, shown) => readMigrations({ directory, shown, ...rest }));
  return files;
}

/** What of them the database has, and what it misses. @throws as `migrationStatus` */
export function sourceMigrationStatus(
  source: Source,
  { folder, ...rest }: DeclaredFolder,
  database: DatabaseAccess,
): Promise<MigrationStatus> {
  return withFolder(source, folder, (directory, shown) => migrationStatus(database, { directory, shown, ...rest }));
}

/** Lends a folder of the source with the name it has for people. */
async function withFolder<T>(source: Source, folder: string, use: (directory: string, shown: string) => Promise<T>): Promise<T> {
  const { workspace, gitSha } = source;
  const shown = gitSha === null ? join(workspace, folder) : `${folder} of commit ${gitSha.slice(0, 12)}`;
  return withSource(source, (root) => use(join(root, folder), shown));
}

/**
 * Lends the source. All of the commit is checked out, as by the build: attributes and links anywhere in it decide what the files of a
 * folder are.
 */
export async function withSource<T>({ workspace, gitSha, home }: Source, use: (root: string) => Promise<T>): Promise<T> {
  if (gitSha === null) return use(workspace);
  const checkouts = join(home, 'checkouts');
  await mkdir(checkouts, { recursive: true });
  await removeAbandoned(checkouts);
  const scratch = await mkdtemp(join(checkouts, 'commit-'));
  try {
    const tree = join(scratch, 'tree');
    await checkOut(workspace, gitSha, tree);
    return await use(tree);
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
