import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** What a tool answered: exit code and everything it printed. */
export interface Answer {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program with Node in `cwd` and waits for it. */
export function runNode(args: readonly string[], cwd: string = ROOT): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', maxBuffer: 64e6 });
  return { status, output: stdout + stderr };
}

/** Writes `files` (path -> text) into a scratch folder, gives it to `use`, removes it. */
export function withTree<T>(files: Readonly<Record<string, string>>, use: (root: string) => T): T {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-house-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), text);
    }
    return use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Every file git would commit, relative to the root, with forward slashes. */
export function committedFiles(): readonly string[] {
  const { stdout, status } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error('The list of files comes from git; run the tests in a clone.');
  return stdout.split('\n').filter((name) => name !== '');
}
