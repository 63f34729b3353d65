import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import { sourceFolder } from '../artifact/folders.ts';
import type { StepContext } from '../ports.ts';
import { buildStep } from './build.ts';
import type { StepDeps } from './deps.ts';

const home = mkdtempSync(join(tmpdir(), 'slw-build-'));
afterAll(() => rmSync(home, { recursive: true }));

function aCommit(): { readonly workspace: string; readonly gitSha: string } {
  const workspace = join(home, 'workspace');
  mkdirSync(workspace);
  writeFileSync(join(workspace, 'server.js'), 'served');
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { encoding: 'utf8' });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message=first');
  return { workspace, gitSha: git('rev-parse', 'HEAD').trim() };
}

it('removes what tries that were killed left: folders, and index files that git had not finished with', async () => {
  const plan = { ...aPlan(), ...aCommit() };
  const [left, index] = ['source-1-1', 'source-1-2.index'].map((name) => sourceFolder(home, plan.release, name)) as [string, string];
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'half'), '');
  writeFileSync(index, 'half');
  const step = { ...plan.steps.find(({ id }) => id === 'build.artifact')!, input: { folder: 'artifacts/1', command: null } };
  const effects = { clock: { now: () => 0 }, faults: { at: () => undefined } };
  const context = { plan, step, fence: 2, attempt: 1, note: () => undefined, effects } as unknown as StepContext;
  expect(await buildStep({ home } as StepDeps)(context)).toMatchObject({ verdict: 'pass' });
  expect([left, index].map((path) => existsSync(path))).toEqual([false, false]);
  expect(existsSync(join(sourceFolder(home, plan.release, 'source-2-1'), 'server.js'))).toBe(true);
});
