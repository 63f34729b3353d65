import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import type { GroupSpec, InstanceState, ProcessSpec } from '../ports.ts';
import { isAlive } from './keeper-record.ts';
import { createProcessTarget, type ProcessTarget } from './process.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-stop-all-'));
let target: ProcessTarget | null = null;
afterEach(async () => {
  await target?.stopAll();
  await target?.close();
  rmSync(directory, { recursive: true, force: true });
});

const sh = (name: string, script: string, forMs = 100): ProcessSpec => ({
  name,
  argv: ['sh', '-c', script],
  env: {},
  instances: 1,
  port: false,
  health: { kind: 'alive', forMs },
  stopGraceMs: 500,
});
const group: GroupSpec = {
  id: 'shop/prd/blue',
  service: 'shop',
  environment: 'prd',
  version: '1',
  release: 'r',
  directory: tmpdir(),
  envFile: null,
  processes: [sh('good', 'sleep 300'), sh('deaf', 'trap "" TERM; while :; do sleep 1; done'), sh('broken', 'exit 1', 10_000)],
};

const open = async (): Promise<ProcessTarget> =>
  (target = await createProcessTarget({ directory, clock: systemClock, log: () => undefined, environment: process.env }));
const instances = async (): Promise<readonly InstanceState[]> => (await target?.inspect(group.id))?.instances ?? [];
const settled = async (): Promise<void> => {
  await expect.poll(async () => (await instances()).map(({ phase }) => phase)).toEqual(['ready', 'ready', 'failed']);
};

test('everything stopped on purpose is started again by the next supervisor, as if for the first time', { timeout: 180_000 }, async () => {
  await (await open()).apply(1, group);
  await settled();
  const before = await instances();
  await target?.stopAll();
  for (const { pid, startTicks } of before) expect(isAlive(pid === null || startTicks === null ? null : { pid, startTicks })).toBe(false);
  await target?.close();
  await open();
  await settled();
  // What was given up had its tries again, all of them.
  expect(await instances()).toMatchObject([{ restarts: 0, lastExit: null }, { restarts: 0, lastExit: null }, { restarts: 4 }]);
});
