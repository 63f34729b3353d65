import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../kernel/index.ts';
import { compareNames, parseFileName } from './core/file-name.ts';
import { parseHeader, type Header } from './core/header.ts';
import { classify } from './core/rollback-class.ts';
import { arrange } from './core/transactions.ts';
import type { Statement } from './core/types.ts';
import { parseSql } from './parser.ts';
import type { Migration } from './ports.ts';

/** One SQL file, checked and ready to run. */
export interface Script {
  /** As the user knows it, e.g. `0002_add_price.up.sql`. */
  readonly file: string;
  readonly sha256: string;
  readonly transactional: boolean;
  readonly statements: readonly Statement[];
}

/** A migration with its scripts. */
export interface MigrationFile extends Migration {
  readonly up: Script;
  readonly down: Script | null;
}

/** Parsing takes about 75 times the file in memory; more than this is data, which does not belong into a migration. */
const LARGEST_FILE = 8 * 1024 * 1024;
const BOTH_WAYS = /^\s*--\s*(?:\+goose\s+down|migrate:down|\+migrate\s+down)/im;
const HINT = 'Correct the files named above. Nothing was run.';

/**
 * Reads and checks every file of a migrations folder, in order of application. All problems of all files are told at once.
 * @param shown what people know the folder by
 * @throws SlipwayError `not_found` when there is no such folder, `config_invalid` naming file and line of every problem
 */
export async function readMigrations(directory: string, shown = directory): Promise<readonly MigrationFile[]> {
  const problems: string[] = [];
  const files = await listFiles({ directory, shown }, problems);
  const migrations: MigrationFile[] = [];
  for (const [name, { up, down }] of files) {
    if (up === null) {
      problems.push(`${down ?? name}: there is no up file to go with it`);
      continue;
    }
    const read = await readMigration(directory, name, { up, down });
    problems.push(...read.problems);
    if (read.migration !== null) migrations.push(read.migration);
  }
  if (problems.length > 0)
    throw new SlipwayError(
      'config_invalid',
      `The migrations in ${shown} cannot be used:\n${problems.map((one) => `  ${one}`).join('\n')}`,
      {
        hint: HINT,
      },
    );
  return migrations;
}

type Pair = { readonly up: string | null; readonly down: string | null };

interface Folder {
  readonly directory: string;
  readonly shown: string;
}

async function listFiles({ directory, shown }: Folder, problems: string[]): Promise<readonly (readonly [string, Pair])[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new SlipwayError('not_found', `The migrations folder ${shown} cannot be read`, {
      hint: 'Correct database.migrations in slipway.yaml.',
      cause,
    });
  });
  const pairs = new Map<string, Pair>();
  for (const entry of entries) {
    if (entry.isDirectory()) {
      if (await holdsSql(join(directory, entry.name)))
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
    migration: { name, sha256, transactional, ...classified, hasDown, up: up.script, down: down?.ok === true ? down.script : null },
    problems,
  };
}

type ReadScript =
  | { readonly ok: true; readonly script: Script; readonly rollback: Header['rollback'] }
  | { readonly ok: false; readonly problems: readonly string[] };

async function readScript(directory: string, file: string): Promise<ReadScript> {
  const refuse = (message: string, line?: number): ReadScript => ({
    ok: false,
    problems: [`${file}${line === undefined ? '' : `:${line}`}: ${message}`],
  });
  const path = join(directory, file);
  const { size } = await stat(path);
  if (size > LARGEST_FILE)
    return refuse(`the file is larger than ${LARGEST_FILE / 1024 / 1024} MiB; load data with a program, not with a migration`);
  const bytes = await readFile(path);
  const sql = decode(bytes);
  if (sql === null) return refuse('the file is not UTF-8; save it as UTF-8');
  const sections = BOTH_WAYS.exec(sql);
  if (sections !== null)
    return refuse(
      `"${sections[0].trim()}" begins a second section; Slipway reads one direction per file: split it into .up.sql and .down.sql`,
    );
  const header = parseHeader(sql);
  if (header.problems.length > 0) return { ok: false, problems: header.problems.map((one) => `${file}:${one.line}: ${one.message}`) };
  const parsed = await parseSql(sql);
  if (!parsed.ok) return refuse(parsed.message, parsed.line);
  const arranged = arrange(parsed.statements, header.transactional);
  if (!arranged.ok) return refuse(arranged.message, arranged.line);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ok: true,
    script: { file, sha256, transactional: arranged.transactional, statements: arranged.statements },
    rollback: header.rollback,
  };
}

/** Null for bytes that are no UTF-8. A byte order mark is dropped, as psql does. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
