import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedactor, systemClock } from '../../src/kernel/index.ts';
import type { BackupTools, DatabaseEffects, RunCommand, RunUserCommand } from '../../src/database/index.ts';

/** The machine's clock, no faults: what production uses. */
export const effects: DatabaseEffects = { clock: systemClock, faults: { at: () => undefined }, redact: createRedactor() };

/** Runs a command without a guard process; enough for a test, which waits for it anyway. */
export const run: RunCommand = (argv, env) =>
  new Promise((resolve) => {
    const [command = '', ...args] = argv;
    execFile(command, args, { env: { PATH: process.env['PATH'], ...env } }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({
        exitCode,
        signal: error?.signal ?? null,
        timedOut: false,
        isCanceled: false,
        tail: `${stdout}${stderr}`,
        log: { bytes: 0, sha256: '', truncated: false },
      });
    });
  });

/** One of the user's own commands. */
export const command =
  (...argv: readonly string[]): RunUserCommand =>
  (env, secrets) =>
    run(argv, env, secrets);

export const tools: BackupTools = { run, effects, command: null, embedded: true };

/** A folder that vanishes after the test; `using` it is enough. */
export function scratch(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'slw-db-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes migration files into a folder and answers it. */
export function writeMigrations(directory: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** Waits until the condition holds. Fails the test by its own deadline otherwise. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, deadlineMs = 60_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`);
    await systemClock.sleep(10);
  }
}
