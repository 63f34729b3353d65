import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { readProcessStat, SlipwayError } from '../../kernel/index.ts';

/**
 * Replaces a file so that a reader, and a power cut, sees the old or the new text whole (write, fsync, rename, fsync the folder).
 * @throws SlipwayError `disk_full`; the old file is then untouched
 */
export async function writeAtomic(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new SlipwayError('disk_full', `No space left to write ${file}`, { cause: error });
    throw error;
  }
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const TEMPORARY = /\.(\d+)\.tmp$/;

/** Removes what a writer left behind that was killed in the middle. One that lives (a keeper outlives its agent) may be at work on its file. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const writer = TEMPORARY.exec(name)?.[1];
    if (writer !== undefined && readProcessStat(Number(writer)) === null) await rm(path.join(folder, name), { force: true });
  }
}
