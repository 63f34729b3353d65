import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Plan } from '../../src/release/index.ts';
import { run } from '../../src/cli/program.ts';
import { aPlan } from '../support/plan.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const MAIN = path.join(ROOT, 'dist/cli/main.js');

/** What a run of the CLI left behind. */
export interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of a user who has set nothing of Slipway's. */
function plainEnvironment(more: Environment = {}): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_') && name !== 'NO_COLOR');
  return { ...Object.fromEntries(own), ...more };
}

/** Runs what users run: the built program in a process of its own. */
export function slipway(
  args: readonly string[],
  { cwd = ROOT, env = {} }: { readonly cwd?: string; readonly env?: Environment } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd,
    env: plainEnvironment(env),
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { exit: status, out: stdout, err: stderr };
}

/** Runs the program in this process: for many quick calls. */
export async function inProcess(args: readonly string[], env: Environment = {}): Promise<Ran> {
  const written = { out: '', err: '' };
  const stdout = { columns: 100, write: (text: string) => (written.out += text) };
  const stderr = { write: (text: string) => (written.err += text) };
  const exit = await run(args, { stdout, stderr, environment: plainEnvironment(env) });
  return { exit, ...written };
}

/** A plan whose first change must be approved by a number of people. */
export function needingApproval(approvals: number): Plan {
  const plan = aPlan();
  return { ...plan, steps: plan.steps.map((step) => (step.stage === 'deploy' ? Object.assign({}, step, { approvals }) : step)) };
}

/** A folder of its own for one test file. */
export function scratch(): { readonly path: string; readonly remove: () => void } {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'slipway-cli-')));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
