import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from './pack-writer.ts';

/** The files of a pack as they lie on disk. Nothing but regular files is ever opened: a link or pipe could lead anywhere. */
export interface PackReader {
  /** Regular files, relative, sorted. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Links, pipes, sockets, devices. */
  readonly others: readonly string[];
  /** @throws Error when there is no such regular file, or it is not UTF-8 */
  text(name: string): Promise<string>;
  bytes(name: string): Promise<Uint8Array>;
  digest(name: string): Promise<{ readonly sha256: string; readonly bytes: number }>;
}

/** Lists a pack directory. @throws Error when it cannot be listed */
export async function openPack(directory: string): Promise<PackReader> {
  const found = await list(directory, '');
  const files = found.filter(({ kind }) => kind === 'file').map(({ name }) => name);
  const known = new Set(files);
  const pathOf = (name: string): string => {
    if (!known.has(name)) throw new Error(`${name} is missing`);
    return join(directory, name);
  };
  const bytes = async (name: string): Promise<Uint8Array> => {
    const path = pathOf(name);
    return readFile(path);
  };
  return {
    files,
    folders: found.filter(({ kind }) => kind === 'folder').map(({ name }) => name),
    others: found.filter(({ kind }) => kind === 'other').map(({ name }) => name),
    bytes,
    text: async (name) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await bytes(name)),
    digest: async (name) => digestFile(pathOf(name)),
  };
}

interface Found {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

async function list(directory: string, prefix: string): Promise<readonly Found[]> {
  const here = await readdir(join(directory, prefix), { withFileTypes: true });
  const found: Found[] = [];
  for (const item of here.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = prefix + item.name;
    found.push({ name, kind: item.isFile() ? 'file' : item.isDirectory() ? 'folder' : 'other' });
    if (item.isDirectory()) found.push(...(await list(directory, `${name}/`)));
  }
  return found;
}
