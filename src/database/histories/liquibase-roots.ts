import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { Folder } from '../lint/ports.ts';

const CHANGELOG = /\.(?:xml|ya?ml|json)$/i;
const HIGHEST = 3;
/** What a root file may say beside which files there are; all of it changes what of them is run, or under which name. */
const ELEMENTS = 'changeSet|preConditions|property|modifyChangeSets';
const ATTRIBUTES = `${ELEMENTS}|context|contextFilter|labels|logicalFilePath|filter|resourceComparator|ignore`;
const MORE = new RegExp(`<(${ELEMENTS})\\b|["'\\s](${ATTRIBUTES})["']?\\s*[=:]`, 'i');

interface Root {
  readonly shown: string;
  /** Null where it may not be read. */
  readonly text: string | null;
}

/**
 * What a root file of Liquibase, in the folder or above it, says of the folder's files that these do not say themselves. Slipway runs
 * all of them in the order of their paths, as `includeAll` does.
 */
export async function liquibaseRoots(folder: Folder): Promise<readonly string[]> {
  const sql = folder.files.filter((name) => name.endsWith('.sql')).toSorted();
  return (await rootsOf(folder)).flatMap((root) => complaintOf(root, sql));
}

function complaintOf({ shown, text }: Root, sql: readonly string[]): readonly string[] {
  if (text === null) return [`${shown} cannot be read, and may say which of these files Liquibase runs`];
  const [, element, attribute] = MORE.exec(text) ?? [];
  const more = element ?? attribute;
  if (more !== undefined) return [`${shown} has ${more}, which only Liquibase follows`];
  const places = sql.map((name) => ({ name, at: placeOf(text, name) }));
  const named = places.filter(({ at }) => at >= 0);
  const lost = places.find(({ at }) => at < 0);
  if (lost !== undefined && !/includeAll/i.test(text)) return [`${shown} does not include ${lost.name}, so Liquibase would not run it`];
  const late = named.find(({ at }, index) => at < (named[index - 1]?.at ?? 0));
  return late === undefined
    ? []
    : [`${shown} includes ${late.name} before files whose paths sort before it; Slipway runs them in the order of their paths`];
}

/** Where a root names the file, with its folders or without. */
function placeOf(text: string, name: string): number {
  const file = basename(name);
  for (let at = text.indexOf(file); at >= 0; at = text.indexOf(file, at + 1))
    if (/^[\s"':/\\]?$/.test(text.charAt(at - 1)) && /^[\s"',}<]?$/.test(text.charAt(at + file.length))) return at;
  return -1;
}

async function rootsOf({ directory, files }: Folder): Promise<readonly Root[]> {
  const inside = files.filter((name) => CHANGELOG.test(name)).map((name) => join(directory, name));
  const above: string[] = [];
  let at = resolve(directory);
  for (let level = 0; level < HIGHEST; level += 1) {
    at = resolve(at, '..');
    const names = await readdir(at).catch(notForUs<readonly string[]>([]));
    above.push(...names.filter((name) => CHANGELOG.test(name)).map((name) => join(at, name)));
  }
  const roots: Root[] = [];
  for (const path of [...inside, ...above]) {
    const text = await textOf(path);
    const isInside = inside.includes(path);
    const speaks = text === null ? isInside : /databaseChangeLog/.test(text) && (isInside || text.includes(basename(resolve(directory))));
    if (speaks) roots.push({ shown: relative(directory, path), text });
  }
  return roots;
}

/** Null where there is nothing to read; a pipe would be read for ever. */
async function textOf(path: string): Promise<string | null> {
  const found = await stat(path).catch(notForUs(null));
  return found?.isFile() === true ? readFile(path, 'utf8').catch(notForUs(null)) : null;
}

/** We may not read it, it leads nowhere or in a circle, or it is a folder. */
const NOT_FOR_US: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'ENOENT', 'ELOOP', 'EISDIR', 'ENOTDIR']);

function notForUs<T>(nothing: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (NOT_FOR_US.has(error.code)) return nothing;
    throw error;
  };
}
