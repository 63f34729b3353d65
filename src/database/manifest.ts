import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SlipwayError } from '../kernel/index.ts';
import type { BackupFile, BackupManifest } from './ports.ts';

const MANIFEST_FILE = 'manifest.json';

/**
 * The manifest of a backup's folder.
 * @throws SlipwayError `not_found` when there is none, so no complete backup is there; `state_corrupt` when the file is not one
 */
export async function readManifest(directory: string): Promise<BackupManifest> {
  const path = join(directory, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new SlipwayError('not_found', `There is no complete backup in ${directory}`, {
      hint: 'Take the backup first; manifest.json is written when it is complete.',
    });
  });
  // Loaded where a backup is read: most commands know none.
  const { manifestSchema } = await import('./manifest-schema.ts');
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SlipwayError('state_corrupt', `${path} is not a backup manifest`, {
      hint: 'Set the folder aside and take the backup again.',
      cause,
    });
  }
}

/** Writes the manifest so that it is there whole or not at all, also after a power failure. */
export async function writeManifest(directory: string, manifest: BackupManifest): Promise<void> {
  const path = join(directory, MANIFEST_FILE);
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(directory);
}

/** Makes a rename in a folder last through a power failure. */
export async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Every file below the folder except the manifest, with size and digest, in order of name. */
export async function hashFiles(directory: string): Promise<readonly BackupFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  const names = paths.filter((name) => name !== MANIFEST_FILE && name !== `${MANIFEST_FILE}.tmp`).toSorted();
  const files: BackupFile[] = [];
  for (const name of names) files.push({ name, ...(await hashFile(join(directory, name))) });
  return files;
}

async function hashFile(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

/** What is wrong with a backup's files; null when every one is as the manifest says. */
export async function findDamage(directory: string, manifest: BackupManifest): Promise<string | null> {
  for (const file of manifest.files) {
    const path = join(directory, file.name);
    const found = await hashFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found === null) return `${file.name} is missing`;
    if (found.bytes !== file.bytes || found.sha256 !== file.sha256) return `${file.name} is not what was written (its sha256 differs)`;
  }
  return null;
}
