import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFileName } from '../core/file-name.ts';
import { declaredIn } from '../core/plan/ledger.ts';
import { classify } from '../core/rollback-class.ts';
import { byNumber } from '../lint/folder.ts';
import { FORMATS } from '../lint/formats.ts';
import type { Folder, SourceFile } from '../lint/ports.ts';
import type { MigrationFile } from '../migrations.ts';
import { readScript, type Script } from '../script.ts';
import type { Entry, ToolHistory } from './ports.ts';
import { baseOf, digest, folderOf } from './shared.ts';

/** A tool's folder as migrations, in its order, with what is wrong with the folder itself. */
export interface ToolFolder {
  readonly files: readonly MigrationFile[];
  readonly problems: readonly string[];
}

interface Pair {
  readonly up: readonly SourceFile[];
  readonly down: readonly SourceFile[];
}

/** Reads a folder as its tool does: which files there are, in which order, what of them is the way up and what the way down. */
export async function readToolFolder(tool: ToolHistory, folder: Folder): Promise<ToolFolder> {
  const format = FORMATS.find(({ name }) => name === tool.name);
  if (format === undefined) throw new Error(`there is no format ${tool.name}`);
  const sources = await format.read(folder);
  const pairs = pairsOf(sources);
  const known = new Set(sources.map((source) => source.name));
  const problems = [
    ...folder.files.flatMap((path) => (known.has(path) ? [] : unread(tool, path))),
    ...((await tool.around?.(folder)) ?? []),
  ];
  const files: MigrationFile[] = [];
  for (const [name, pair] of pairs) {
    const file = await readPair({ tool, folder }, name, pair);
    if (file !== null) files.push(file);
  }
  for (const path of folder.files.filter((one) => tool.programs?.test(one) === true)) files.push(await programOf({ tool, folder }, path));
  if (tool.programs !== null) files.sort((a, b) => byNumber(a.up.file, b.up.file));
  if (files.length === 0 && folder.files.some((path) => path.endsWith('.sql')))
    problems.push(`none of its SQL files is a migration of ${tool.title}; correct database.migrations or database.history`);
  return { files, problems: [...problems, ...doubles(files)] };
}

/** What goes one way and the other, by what people call it; what the tool does not run here is left out. */
function pairsOf(sources: readonly SourceFile[]): ReadonlyMap<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const source of sources.filter((one) => one.elsewhere !== true)) {
    const name = source.part === undefined ? nameOf(source.name) : `${source.name}::${source.part}`;
    const pair = pairs.get(name) ?? { up: [], down: [] };
    pairs.set(name, { ...pair, [source.direction]: [...pair[source.direction], source] });
  }
  return pairs;
}

/** What people call it: the folder where each migration has one, the file's name elsewhere. */
function nameOf(path: string): string {
  if (/^(?:up|down|migration)\.sql$/.test(baseOf(path))) return folderOf(path);
  return path.replace(/(?:\.up|\.down)?\.sql$/i, '');
}

/** A file that is none of the tool's migrations, and is either something else to it or a migration to whoever put it there. */
function unread(tool: ToolHistory, path: string): readonly string[] {
  if (!path.endsWith('.sql')) return [];
  const obstacle = tool.obstacle(path, '');
  if (obstacle !== null) return [`${path} ${obstacle}`];
  const looksLikeOne = parseFileName(baseOf(path)) !== null;
  return looksLikeOne
    ? [`${path} would not be applied: ${tool.title} does not read it here; take it out, or correct database.history`]
    : [];
}

interface Reader {
  readonly tool: ToolHistory;
  readonly folder: Folder;
}

async function readPair(reader: Reader, name: string, { up: ups, down: downs }: Pair): Promise<MigrationFile | null> {
  const { tool, folder } = reader;
  const [up, more] = ups;
  const [downFile] = tool.capabilities.down ? downs : [];
  const main = up ?? downFile;
  if (main === undefined) return null;
  const bytes = await bytesOf(folder, main);
  const entry = await tool.identify(main.name, bytes, folder);
  if (up === undefined) return unusable(name, main.name, { bytes, entry }, [`${main.name}: there is no up file to go with it`]);
  const script = await scriptOf(reader, up, bytes);
  const down = downFile === undefined ? null : await scriptOf(reader, downFile, await bytesOf(folder, downFile));
  const problems = [script, down].flatMap((one) => (one === null || one.ok ? [] : one.problems));
  if (more !== undefined) problems.push(`${more.name}: ${up.name} is the same migration`);
  if (problems.length > 0 || !script.ok) return unusable(name, up.name, { bytes, entry }, problems);
  return { name, ...migrationOf(script.script, down?.ok === true ? down.script : null, script.rollback), entry, unusable: [] };
}

/** A migration in another language, which stands between the SQL files. */
async function programOf({ tool, folder }: Reader, path: string): Promise<MigrationFile> {
  const bytes = await readFile(join(folder.directory, path));
  const entry = await tool.identify(path, bytes, folder);
  return unusable(path, path, { bytes, entry }, [
    `${path}: it is a program, which only ${tool.title} runs; run it with ${tool.title}, then go on`,
  ]);
}

// oxlint-disable-next-line max-params -- name, file, what is known of it, and why it cannot be run
function unusable(
  name: string,
  file: string,
  { bytes, entry }: { readonly bytes: Uint8Array; readonly entry: Entry },
  problems: readonly string[],
): MigrationFile {
  const sha256 = digest('sha256', bytes);
  const up: Script = { file, sha256, transactional: true, statements: [], ledger: declaredIn('') };
  const known = { name, sha256, transactional: true, hasDown: false, up, down: null, entry };
  return { ...known, rollbackClass: 'forward-fix', because: 'it cannot be read', unusable: problems };
}

function migrationOf(
  up: Script,
  down: Script | null,
  rollback: Parameters<typeof classify>[1],
): Omit<MigrationFile, 'name' | 'entry' | 'unusable'> {
  const { sha256, transactional, statements } = up;
  return { sha256, transactional, ...classify(statements, rollback, down !== null), hasDown: down !== null, up, down };
}

async function scriptOf({ tool }: Reader, { name, text, transactions, gaps }: SourceFile, bytes: Uint8Array) {
  if (gaps.length > 0) return { ok: false as const, problems: gaps.map(({ line, message }) => `${name}:${line}: ${message}`) };
  const obstacle = tool.obstacle(name, text);
  if (obstacle !== null) return { ok: false as const, problems: [`${name} ${obstacle}`] };
  // Where a tool would send a statement in a transaction that PostgreSQL refuses there, it is run as it can be.
  return readScript({ file: name, sql: text, bytes, transactional: transactions === 'statement' ? false : null, pairs: true });
}

/** Nothing of a file that cannot be read: its text is missing too, which says why. */
async function bytesOf({ directory }: Folder, { name, text, gaps, part }: SourceFile): Promise<Uint8Array> {
  // Where its lines stand is no part of it.
  if (part !== undefined) return Buffer.from(text.trim());
  return text === '' && gaps.length > 0 ? new Uint8Array() : readFile(join(directory, name));
}

/** Two files that the table would not tell apart. */
function doubles(files: readonly MigrationFile[]): readonly string[] {
  const seen = new Map<string, string>();
  return files.flatMap(({ name, entry }) => {
    const key = entry?.key ?? name;
    const other = seen.get(key);
    seen.set(key, name);
    return other === undefined ? [] : [`${name}: ${other} has the same version (${key})`];
  });
}
