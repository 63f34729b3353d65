import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import { createProcessTarget } from './process.ts';

it('a target that starts removes what killed writers left, and nothing of those that live', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-atomic-'));
  const run = path.join(directory, 'run');
  mkdirSync(run);
  const dead = spawnSync('true').pid;
  for (const file of [`groups.json.${dead}.tmp`, `run/a.json.${dead}.tmp`, `run/b.json.${process.pid}.tmp`, 'run/notes.tmp'])
    writeFileSync(path.join(directory, file), '{');
  const target = await createProcessTarget({ directory, clock: systemClock, log: () => undefined, environment: {} });
  try {
    expect(readdirSync(run).toSorted()).toEqual([`b.json.${process.pid}.tmp`, 'notes.tmp']);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  } finally {
    await target.close();
    rmSync(directory, { recursive: true });
  }
});
