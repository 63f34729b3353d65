import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isPackName, type Sum } from '../core/layout.ts';

/** Files forced to disk at once: they share the file system's own commits, which costs half of one after the other. */
const AT_ONCE = 32;

/** Writes the files of one pack, each once, and remembers their digests. */
export interface PackWriter {
  /** @throws Error when the name is not plain or was written before */
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Copies a file of any size; answers the digest and length of the copy. */
  copy(name: string, source: string): Promise<{ readonly sha256: string; readonly bytes: number }>;
  /** What was written so far, in order. */
  sums(): readonly Sum[];
  /** Forces every file to disk; only then may the pack get its name. */
  sync(): Promise<void>;
}

/** A writer into an existing empty directory. */
export function createPackWriter(directory: string): PackWriter {
  const written = new Map<string, string>();
  const place = async (name: string): Promise<string> => {
    if (!isPackName(name)) throw new Error(`"${name}" cannot be a file name in a pack; use only A-Z a-z 0-9 . _ / -`);
    if (written.has(name)) throw new Error(`"${name}" is in the pack twice`);
    written.set(name, '');
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    return path;
  };
  return {
    write: async (name, content) => {
      const path = await place(name);
      await writeFile(path, content, { flag: 'wx', mode: 0o644 });
      written.set(name, createHash('sha256').update(content).digest('hex'));
    },
    copy: async (name, source) => {
      const path = await place(name);
      await copyFile(source, path, constants.COPYFILE_EXCL);
      const digest = await digestFile(path);
      await chmod(path, 0o644);
      written.set(name, digest.sha256);
      return digest;
    },
    sums: () => [...written].map(([name, sha256]) => ({ name, sha256 })),
    sync: async () => {
      const names = [...written.keys()];
      for (let start = 0; start < names.length; start += AT_ONCE)
        await Promise.all(names.slice(start, start + AT_ONCE).map((name) => syncFile(join(directory, name))));
    },
  };
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** SHA-256 (hex) and length of a file, read in pieces. */
export async function digestFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    const chunk = piece as Uint8Array;
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
