import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where {@link makeRunFolder} put it; every process of the run has the variable. */
const VARIABLE = 'SLIPWAY_TEST_RUN';

/** Makes a folder that all files of one run share; answers what removes it. */
export function makeRunFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'slw-run-'));
  process.env[VARIABLE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

/** Takes a name for the rest of the run; false where another file has it. Outside a run there is nobody to share with. */
export function takeInRun(name: string): boolean {
  const folder = process.env[VARIABLE];
  if (folder === undefined) return true;
  try {
    mkdirSync(join(folder, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Makes a folder once per run, and copies it for whoever wants another: for what takes seconds to make and is always the same.
 * @param name says what it is, in letters that a file name may have
 * @param into does not exist
 */
export async function onceInRun(name: string, into: string, make: () => Promise<void>): Promise<void> {
  const kept = join(process.env[VARIABLE] ?? '', name);
  if (process.env[VARIABLE] !== undefined && existsSync(kept)) return copy(kept, into);
  await make();
  if (process.env[VARIABLE] === undefined) return;
  const draft = `${kept}.${process.pid}`;
  copy(into, draft);
  try {
    renameSync(draft, kept);
  } catch (error) {
    // Two files began at once, and the other was quicker.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    rmSync(draft, { recursive: true, force: true });
  }
}

/** With owners and rights, which cp(1) does ten times as fast as Node. */
function copy(from: string, to: string): void {
  mkdirSync(join(to, '..'), { recursive: true });
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} could not be copied: ${stderr}`);
}
