import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import type { Folder, SourceFile, Text } from './ports.ts';

/** Parsing takes about 75 times the file in memory; what is larger than this is data. */
export const LARGEST_FILE = 8 * 1024 * 1024;
export const TOO_LARGE = `it is larger than ${LARGEST_FILE / 1024 / 1024} MiB; load data with a program, not with a migration`;
const DEEPEST = 3;

/**
 * Looks at a folder of migrations, or at one file as a folder of one.
 * @throws SlipwayError `not_found` when there is neither
 */
export async function openFolder(path: string): Promise<Folder> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new SlipwayError('not_found', `There is no folder or file ${path}`, {
      hint: 'Give the folder that holds the migrations, or one SQL file.',
    });
  const directory = found.isDirectory() ? path : dirname(path);
  const files = found.isDirectory() ? await listed(path) : [basename(path)];
  return { directory, files, text: async (name) => readText(join(directory, name)) };
}

async function listed(path: string): Promise<readonly string[]> {
  return list(path, '', DEEPEST).catch((cause: unknown) => {
    throw new SlipwayError('not_found', `The folder ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Let this user read it.',
    });
  });
}

async function list(root: string, within: string, depth: number): Promise<readonly string[]> {
  const entries = await readdir(join(root, within), { withFileTypes: true });
  const names: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = within === '' ? entry.name : `${within}/${entry.name}`;
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (!entry.isDirectory()) names.push(name);
    else if (depth > 1) names.push(...(await list(root, name, depth - 1)));
  }
  return names;
}

/** Read in this thread: for a thousand small files that takes a fifth of what the pool's turns do. */
function readText(path: string): Text {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return { ok: false, why: 'it is a link to what is not there' };
    // A pipe would be read for ever.
    if (!found.isFile()) return { ok: false, why: 'it is no file' };
    if (found.size > LARGEST_FILE) return { ok: false, why: TOO_LARGE };
    // A byte order mark is dropped, as psql does.
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    if (!(error instanceof TypeError)) return { ok: false, why: `it cannot be read: ${messageOf(error)}` };
    return { ok: false, why: 'the file is not UTF-8; save it as UTF-8' };
  }
}

/** A file that could not be read at all, as one that cannot be judged. */
export function unreadable(name: string, why: string): SourceFile {
  return { name, text: '', direction: 'up', transactions: 'file', gaps: [{ line: 1, column: 1, message: why }] };
}

const LEVELS = 5;

/** Is one of these files in the folder or in one of those above it? */
export function besideOrAbove({ directory }: Folder, names: readonly string[]): boolean {
  let folder = directory;
  for (let level = 0; level < LEVELS; level += 1) {
    if (names.some((name) => existsSync(join(folder, name)))) return true;
    folder = dirname(folder);
  }
  return false;
}

/** Does one of these files, beside or above the folder, say so? */
export function saysAbove({ directory }: Folder, names: readonly string[], pattern: RegExp): boolean {
  const folders = [directory];
  while (folders.length < LEVELS) folders.push(dirname(folders.at(-1) ?? directory));
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .some((file) => existsSync(file) && pattern.test(readFileSync(file, 'utf8')));
}

/** By the number in front, however long, then by name. */
export function byNumber(a: string, b: string): number {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== right) return left < right ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

function numberOf(name: string): bigint {
  return BigInt(/^\d+/.exec(basename(name))?.[0] ?? '0');
}
