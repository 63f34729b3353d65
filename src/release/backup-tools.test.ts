import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aDefinition } from '../../test/support/definition.ts';
import { SlipwayError, systemIds, type Exec } from '../kernel/index.ts';
import { planningBackupTools } from './backup-tools.ts';
import type { StepDeps } from './steps/deps.ts';

it('leaves no log behind of a program that is not there', async () => {
  const home = await mkdtemp(join(tmpdir(), 'slipway-probe-'));
  const exec: Exec = async ({ logFile }) => {
    await writeFile(logFile, '');
    throw new SlipwayError('command_not_found', 'no such program');
  };
  const deps = { home, environmentFor: async () => ({}), effects: { exec, ids: systemIds } } as unknown as StepDeps;
  const { run } = await planningBackupTools(deps, home, aDefinition());
  await expect(run(['pg_dump', '--version'], {}, [])).rejects.toMatchObject({ code: 'command_not_found' });
  expect(await readdir(home)).toEqual([]);
  await rm(home, { recursive: true });
});
