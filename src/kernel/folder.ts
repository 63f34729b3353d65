import { realpathSync } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, SlipwayError } from './core/errors.ts';

/**
 * Gives a finished folder its final name unless something is there already: of several workers exactly one wins, and what it
 * published stays whole. (The system refuses to rename a folder onto one that is not empty.)
 * @returns false when another was first
 */
export async function publishFolder(made: string, folder: string): Promise<boolean> {
  try {
    await rename(made, folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a folder that a late worker may still be writing to. Renamed first, it can no longer be published half removed.
 * @param seen its inode when it was judged; a folder that took its place since stays
 * @returns false when it is another one by now, or gone
 */
export async function removeFolder(folder: string, seen?: number): Promise<boolean> {
  const inode = seen ?? (await inodeOf(folder));
  if (inode === null) return false;
  const aside = await mkdtemp(`${folder}.gone-`);
  const moved = await rename(folder, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (moved && (await inodeOf(aside)) !== inode) {
    await rename(aside, folder);
    return false;
  }
  await rm(aside, { recursive: true, force: true });
  return moved;
}

/** The number a file or folder keeps when it is renamed; null when it is not there. */
export async function inodeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ ino }) => ino,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );
}

/** The path without links, also of what is not there yet, or may not be looked at. Absolute paths only. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPathOf(above), basename(path));
  }
}

/** What says that the place is the trouble: whose it is, how it is mounted, what else is there. */
const NO_PLACE: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'ENAMETOOLONG']);

/**
 * What was thrown while something of the state directory was made, for throwing on: a refusal where the place is the trouble.
 * @param what what is not so for it, to be followed by the reason
 */
export function placeRefusal(what: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new SlipwayError('disk_full', `${what}: ${messageOf(error)}`, { cause: error });
  return NO_PLACE.has(code) ? new SlipwayError('state_unwritable', `${what}: ${messageOf(error)}`, { cause: error }) : error;
}
