import { execFile } from 'node:child_process';
import { SlipwayError } from '../../kernel/index.ts';
import type { SourceFile } from './ports.ts';

/** What a tool whose migrations are programs printed, or was piped in: SQL with the tool's own BEGIN and COMMIT. */
export function printedSql(text: string, name: string): SourceFile {
  return { name, text, direction: 'up', transactions: 'statement', gaps: [] };
}

const LONGEST_MS = 300_000;
const LARGEST_BYTES = 64 * 1024 * 1024;

/**
 * Runs a command that prints SQL, such as `alembic upgrade head --sql`, and answers what it printed.
 * @throws SlipwayError `command_not_found`, or `usage` when the command fails; its last words are in the message
 */
export async function printWith(argv: readonly string[], folder: string): Promise<string> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: folder, timeout: LONGEST_MS, maxBuffer: LARGEST_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT')
        reject(new SlipwayError('command_not_found', `${command} was not found`, { hint: 'Check the spelling and the PATH.' }));
      else
        reject(
          new SlipwayError('usage', `${argv.join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join('\n') || error.message}`, {
            hint: 'Run it by itself until it prints SQL.',
          }),
        );
    });
  });
}

/** Tools whose migrations only they can turn into SQL, and how each is asked to. */
export interface Printer {
  readonly name: string;
  readonly files: RegExp;
  /** What a migration of it has in its text. */
  readonly mark: RegExp;
  readonly command: string;
}

export const PRINTERS: readonly Printer[] = [
  {
    name: 'Rails',
    files: /\.rb$/,
    mark: /ActiveRecord::Migration/,
    command: 'your own command that prints SQL (Rails has none; `db/structure.sql` or its log do)',
  },
  { name: 'Django', files: /^\d{4}_.*\.py$/, mark: /migrations\.Migration/, command: 'python manage.py sqlmigrate APP NAME' },
  { name: 'Alembic', files: /\.py$/, mark: /^revision\s*[:=]/m, command: 'alembic upgrade head --sql' },
  { name: 'Sequelize', files: /\.[cm]?[jt]s$/, mark: /queryInterface/, command: 'your own command that prints SQL (Sequelize logs it)' },
];
