import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aDefinition } from '../../test/support/definition.ts';
import { SlipwayError, systemIds, type Exec, type ExecRequest } from '../kernel/index.ts';
import type { DatabaseDefinition } from './core/definition.ts';
import { planningBackupTools, stepBackupTools } from './backup-tools.ts';
import type { StepContext } from './ports.ts';
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

it("the user's own commands get their variables and time limit from slipway.yaml", async () => {
  const seen: ExecRequest[] = [];
  const exec: Exec = async (request) => {
    seen.push(request);
    return { exitCode: 0, signal: null, timedOut: false, isCanceled: false, tail: '', log: { bytes: 0, sha256: '', truncated: false } };
  };
  const command = (name: string, timeoutMs: number) => ({
    argv: [name, '${env:BUCKET}'],
    timeoutMs,
    env: { TOKEN: '${env:BACKUP_TOKEN}' },
    rerunnable: true,
  });
  const backup = { method: 'command', command: command('save', 7_000), restore: command('bring', 9_000), reason: null } as const;
  const base = aDefinition();
  const database: DatabaseDefinition | null = base.database === null ? null : { ...base.database, backup };
  const environment = { PATH: '/bin', BUCKET: 's3', BACKUP_TOKEN: 'hunter2', OTHER: 'not for commands' };
  const deps = { environmentFor: async () => environment } as unknown as StepDeps;
  const plan = { workspace: '/', definition: { ...base, database } };
  const nothing = (): void => undefined;
  const context = { plan, effects: { exec }, note: nothing, takeCommandLog: nothing, commandLog: 'log' } as unknown as StepContext;

  const { command: both } = await stepBackupTools(deps, context);
  await both?.create({ SLIPWAY_BACKUP_DIR: '/backup' }, ['url']);
  await both?.restore?.({ SLIPWAY_BACKUP_DIR: '/backup' }, []);
  expect(seen.map(({ argv, timeoutMs }) => ({ argv, timeoutMs }))).toEqual([
    { argv: ['save', 's3'], timeoutMs: 7_000 },
    { argv: ['bring', 's3'], timeoutMs: 9_000 },
  ]);
  expect(seen[0]?.env).toMatchObject({ PATH: '/bin', TOKEN: 'hunter2', SLIPWAY_BACKUP_DIR: '/backup' });
  expect(seen[0]?.env).not.toHaveProperty('OTHER');
  expect(seen[0]?.secrets).toEqual(expect.arrayContaining(['hunter2', 'url']));
});
