import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { djangoGaps, splitAlembic } from '../core/lint/printed-sql.ts';
import { unreadable } from './folder.ts';
import type { Folder, SourceFile } from './ports.ts';
import { askTool, printedSql } from './printed.ts';

/** A tool whose migrations only it can turn into SQL, and how it is asked to. */
export interface Printer {
  readonly name: string;
  readonly files: RegExp;
  /** What a migration of it has in its text. */
  readonly mark: RegExp;
  /** What a user can do. */
  readonly advice: string;
  /** Asks the tool for the SQL of these files, in the order in which it applies them; null for a tool that has no command for it. */
  readonly print: ((folder: Folder, names: readonly string[]) => Promise<readonly SourceFile[]>) | null;
}

export const PRINTERS: readonly Printer[] = [
  {
    name: 'Rails',
    files: /^[^/]+\.rb$/,
    mark: /ActiveRecord::Migration/,
    advice: 'Rails has no command that prints their SQL; name one of your own in database.print, or give it behind `slipway db lint - --`',
    print: null,
  },
  {
    name: 'Django',
    files: /^\d{4}_[^/]*\.py$/,
    mark: /migrations\.Migration/,
    advice: 'judge what it prints: slipway db lint - -- python manage.py sqlmigrate APP NAME',
    print: printDjango,
  },
  {
    name: 'Alembic',
    files: /^(?:versions\/)?(?!env\.py$|__)[^/]+\.py$/,
    mark: /^revision\s*[:=]/m,
    advice: 'judge what it prints: slipway db lint - -- alembic upgrade heads --sql',
    print: printAlembic,
  },
  {
    name: 'Sequelize',
    files: /^[^/]+\.[cm]?[jt]s$/,
    mark: /queryInterface/,
    advice:
      'Sequelize has no command that prints their SQL; name one of your own in database.print, or give it behind `slipway db lint - --`',
    print: null,
  },
];

const HIGHEST = 5;

/** The nearest folder, at or above `from`, that holds a file; null when none does. */
function homeOf(from: string, file: string): string | null {
  let folder = from;
  for (let level = 0; level < HIGHEST; level += 1) {
    if (existsSync(join(folder, file))) return folder;
    folder = dirname(folder);
  }
  return null;
}

/** A program of the project's own environment where it has one, else that of the PATH. */
function programOf(home: string, name: string): string {
  const own = ['.venv/bin', 'venv/bin'].map((folder) => join(home, folder, name)).find((path) => existsSync(path));
  return own ?? name;
}

const FILE_LONGEST_MS = 60_000;

/** One file after the other, as Django has it, and a few at a time, for each takes most of a second. */
async function printDjango({ directory }: Folder, names: readonly string[]): Promise<readonly SourceFile[]> {
  const home = homeOf(directory, 'manage.py');
  if (home === null)
    return names.map((name) => unreadable(name, 'there is no manage.py above this folder, which Django needs to print SQL'));
  const own = programOf(home, 'python');
  const python = own === 'python' ? 'python3' : own;
  const app = basename(dirname(directory));
  const print = async (name: string): Promise<SourceFile> => {
    const printed = await askTool([python, 'manage.py', 'sqlmigrate', app, name.replace(/\.py$/, '')], home, FILE_LONGEST_MS);
    return printed.ok ? { ...printedSql(printed.text, name), gaps: djangoGaps(printed.text) } : unreadable(name, printed.why);
  };
  const files: SourceFile[] = [];
  const width = Math.max(2, availableParallelism());
  for (let from = 0; from < names.length; from += width) files.push(...(await Promise.all(names.slice(from, from + width).map(print))));
  return files;
}

/** All at once: Alembic prints the whole way up, in its own order. */
async function printAlembic(folder: Folder, names: readonly string[]): Promise<readonly SourceFile[]> {
  const home = homeOf(folder.directory, 'alembic.ini');
  if (home === null)
    return names.map((name) => unreadable(name, 'there is no alembic.ini above this folder, which Alembic needs to print SQL'));
  const printed = await askTool([programOf(home, 'alembic'), 'upgrade', 'heads', '--sql'], home);
  if (!printed.ok) return names.map((name) => unreadable(name, printed.why));
  const revisions = new Map<string, string>();
  for (const name of names) {
    const read = await folder.text(name);
    const revision = read.ok ? /^revision\s*(?::[^=\n]*)?=\s*['"](\w+)['"]/m.exec(read.text)?.[1] : undefined;
    if (revision !== undefined) revisions.set(revision, name);
  }
  const parts = splitAlembic(printed.text);
  const told = new Set(parts.map(({ revision }) => revisions.get(revision)));
  return [
    ...parts.map(({ revision, text }) => printedSql(text, revisions.get(revision) ?? revision)),
    ...names.filter((name) => !told.has(name)).map((name) => unreadable(name, 'alembic upgrade heads --sql does not come by it')),
  ];
}
