import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** One file of a tree: `mode` is `x` for executable, `-` for a plain file, `l` for a symlink (its target is hashed). */
export interface TreeFile {
  readonly path: string;
  readonly mode: 'x' | '-' | 'l';
  readonly sha256: string;
}

/** Reads a folder: every file by sorted path. Empty folders do not count, as in git. */
export async function readTree(folder: string): Promise<readonly TreeFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: TreeFile[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const full = join(entry.parentPath, entry.name);
    files.push(await readFile(full, full.slice(folder.length + 1)));
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function readFile(full: string, path: string): Promise<TreeFile> {
  const stat = await lstat(full);
  if (stat.isSymbolicLink()) return { path, mode: 'l', sha256: sha256(await readlink(full)) };
  const hash = createHash('sha256');
  await pipeline(createReadStream(full), hash);
  return { path, mode: (stat.mode & 0o100) === 0 ? '-' : 'x', sha256: hash.digest('hex') };
}

/** Digest of a tree: sha256 over `mode sha256 path` lines. The same bytes give the same digest on any machine. */
export function treeDigest(files: readonly TreeFile[]): string {
  return sha256(files.map((file) => `${file.mode} ${file.sha256} ${file.path}\n`).join(''));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
