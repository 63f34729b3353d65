import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

const MAX_BYTES = 512 * 1024;

/** Reads a project's files without running anything; what cannot be read is treated as not there. */
export interface ProjectFiles {
  readonly directory: string;
  /** Text of a file, or null when it is missing, not a file, or too large to be what we look for. */
  text(name: string): Promise<string | null>;
  /** Names in a folder; empty when there is none. */
  list(name: string): Promise<readonly string[]>;
}

/** The files below `directory`. */
export function projectFiles(directory: string): ProjectFiles {
  return {
    directory,
    text: async (name) => {
      const file = path.join(directory, name);
      const kind = await stat(file).catch(() => null);
      if (kind === null || !kind.isFile() || kind.size > MAX_BYTES) return null;
      return readFile(file, 'utf8').catch(() => null);
    },
    list: async (name) => (await readdir(path.join(directory, name)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1)),
  };
}

/** The first of several files that is there. */
export async function firstText(
  files: ProjectFiles,
  names: readonly string[],
): Promise<{ readonly name: string; readonly text: string } | null> {
  for (const name of names) {
    const text = await files.text(name);
    if (text !== null) return { name, text };
  }
  return null;
}

/** A property of a value of unknown shape. */
export function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}

/** The text entries of a map of unknown shape. */
export function textEntries(value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => (typeof item === 'string' ? [[key, item] as const] : []));
}
