import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startGuarded } from './guard.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-guard-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('output that ended before the command did is not waited for', async () => {
  const run = {
    argv: ['sh', '-c', 'exec >&- 2>&-; sleep 0.1'],
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '' },
    secrets: [],
    logFile: path.join(directory, 'log'),
    maxLogBytes: null,
    timeoutMs: 20_000,
    graceMs: 300,
    deadManMs: 10_000,
  };
  const forEver = new Promise<void>(() => undefined);
  const { result } = startGuarded(
    run,
    () => undefined,
    () => forEver,
  );
  expect(await result).toMatchObject({ kind: 'ended', exitCode: 0 });
});
