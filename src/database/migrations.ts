import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kernel/index.ts';
import { compareNames, parseFileName } from './core/file-name.ts';
import { classify } from './core/rollback-class.ts';
import type { Entry } from './histories/ports.ts';
import type { Migration } from './ports.ts';
import { readScript as checkScript, type ReadScript, type Script } from './script.ts';

/** A migration with its scripts. */
export interface MigrationFile extends Migration {
  readonly up: Script;
  readonly down: Script | null;
  /** How the tool's table knows it; null where Slipway keeps the history. */
  readonly entry: Entry | null;
  /** Why it cannot be run, line by line; empty when it can. One that is applied need not be. */
  readonly unusable: readonly string[];
}

/** Parsing takes about 75 times the file in memory; more than this is data, which does not belong into a migration. */
const LARGEST_FILE = 8 * 1024 * 1024;
const BOTH_WAYS = /^\s*--(?:\s*(?:\+goose\s+down|migrate:down|\+migrate\s+down)|[\s-]*down\s+migration[ \t]*$)/im;

/** Slipway's own folder as migrations, in order of application, with everything that is wrong in it. */
export async function readOwnFolder(directory: string): Promise<{ readonly files: readonly MigrationFile[]; readonly problems: string[] }> {
  const problems: string[] = [];
  const files: MigrationFile[] = [];
  for (const [name, { up, down }] of await listFiles(directory, problems)) {
    if (up === null) {
      problems.push(`${down ?? name}: there is no up file to go with it`);
      continue;
    }
    const read = await readMigration(directory, name, { up, down });
    problems.push(...read.problems);
    if (read.migration !== null) files.push(read.migration);
  }
  return { files, problems };
}

type Pair = { readonly up: string | null; readonly down: string | null };

async function listFiles(directory: string, problems: string[]): Promise<readonly (readonly [string, Pair])[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const pairs = new Map<string, Pair>();
  for (const entry of entries) {
    if (entry.isDirectory()) {
      if (entry.name.endsWith('.sql')) problems.push(`${entry.name}: it is a folder`);
      else if (await holdsSql(join(directory, entry.name)))
        problems.push(`${entry.name}/ holds SQL files, but only files directly in the folder are read`);
      continue;
    }
    if (!/\.sql$/i.test(entry.name) || entry.name.startsWith('.')) continue;
    const parsed = parseFileName(entry.name);
    if (parsed === null) {
      problems.push(
        `${entry.name}: call it like 20261121093000_add_price.sql, .up.sql or .down.sql (a number, "_", then letters, digits, "_" or "-")`,
      );
      continue;
    }
    const pair = pairs.get(parsed.name) ?? { up: null, down: null };
    const other = pair[parsed.direction];
    if (other !== null) problems.push(`${entry.name}: ${other} is the same migration`);
    pairs.set(parsed.name, { ...pair, [parsed.direction]: entry.name });
  }
  return [...pairs].toSorted(([a], [b]) => compareNames(a, b));
}

async function holdsSql(directory: string): Promise<boolean> {
  return (await readdir(directory)).some((name) => name.endsWith('.sql'));
}

interface Read {
  readonly migration: MigrationFile | null;
  readonly problems: readonly string[];
}

async function readMigration(directory: string, name: string, pair: { readonly up: string; readonly down: string | null }): Promise<Read> {
  const up = await readScript(directory, pair.up);
  const down = pair.down === null ? null : await readScript(directory, pair.down);
  const problems = [up, down].flatMap((read) => (read === null || read.ok ? [] : read.problems));
  const hasDown = down !== null;
  if (up.ok && up.rollback?.rollbackClass === 'reversible' && !hasDown)
    problems.push(`${pair.up}: says rollback=reversible but there is no down file`);
  if (problems.length > 0 || !up.ok) return { migration: null, problems };
  const { sha256, transactional, statements } = up.script;
  const classified = classify(statements, up.rollback, hasDown);
  return {
    migration: {
      name,
      sha256,
      transactional,
      ...classified,
      hasDown,
      up: up.script,
      down: down?.ok === true ? down.script : null,
      entry: null,
      unusable: [],
    },
    problems,
  };
}

async function readScript(directory: string, file: string): Promise<ReadScript> {
  const refuse = (message: string, line?: number): ReadScript => ({
    ok: false,
    problems: [`${file}${line === undefined ? '' : `:${line}`}: ${message}`],
  });
  const path = join(directory, file);
  const found = await stat(path).catch(() => null);
  // A pipe would be read for ever.
  if (found === null || !found.isFile()) return refuse(found === null ? 'it is a link to what is not there' : 'it is no file');
  const { size } = found;
  if (size > LARGEST_FILE)
    return refuse(`the file is larger than ${LARGEST_FILE / 1024 / 1024} MiB; load data with a program, not with a migration`);
  const bytes = await readFile(path).catch(messageOf);
  if (typeof bytes === 'string') return refuse(`it cannot be read: ${bytes}`);
  const sql = decode(bytes);
  if (sql === null) return refuse('the file is not UTF-8; save it as UTF-8');
  const sections = BOTH_WAYS.exec(sql);
  if (sections !== null)
    return refuse(
      `"${sections[0].trim()}" begins a second section; Slipway reads one direction per file: split it into .up.sql and .down.sql, or name its tool as database.history`,
    );
  return checkScript({ file, sql, bytes, transactional: null });
}

/** Null for bytes that are no UTF-8. A byte order mark is dropped, as psql does. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
