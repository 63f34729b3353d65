import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import { openAccess } from '../../database/index.ts';
import { backupFolder } from '../artifact/folders.ts';
import type { StepContext } from '../ports.ts';
import { restoreStep, verifyBackupStep } from './backup.ts';
import type { StepDeps } from './deps.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slw-backup-step-'));
});
afterEach(() => rm(home, { recursive: true }));

const [TAKEN, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];

it('a backup whose files and manifest were changed together is found out by the ledger', async () => {
  const plan = aPlan();
  const step = plan.steps.find((one) => one.kind === 'backup');
  const folder = backupFolder(home, plan.release);
  await mkdir(folder, { recursive: true });
  const manifest = {
    schema: 'slipway.backup/1',
    key: plan.release,
    method: 'pg_dump',
    database: 'shop',
    serverVersion: 180_000,
    takenAt: '2026-01-01T00:00:00.000Z',
    files: [{ name: 'database.dump', bytes: 1, sha256: OTHER }],
    location: null,
    bytes: 1,
    rows: {},
    schemaDigest: TAKEN,
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const deps = { home, databaseFor: async () => openAccess('postgresql://nobody@127.0.0.1:1/shop') } as unknown as StepDeps;
  const data = {
    step: step?.id,
    verdict: 'pass',
    facts: { schemaDigest: TAKEN, files: [{ name: 'database.dump', bytes: 1, sha256: TAKEN }] },
  };
  const context = { plan, events: [{ type: 'step.finished', data }] } as unknown as StepContext;
  for (const executor of [verifyBackupStep, restoreStep])
    await expect(executor(deps)(context)).rejects.toMatchObject({
      code: 'state_corrupt',
      message: expect.stringContaining('not the one') as string,
    });
});
