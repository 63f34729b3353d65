import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';

it('a build where nothing is installed says so, and does not blame the sources', () => {
  const clone = mkdtempSync(path.join(tmpdir(), 'slw-build-'));
  try {
    for (const folder of ['scripts', 'src', 'packages/service/src', 'packages/flags/src'])
      mkdirSync(path.join(clone, folder), { recursive: true });
    copyFileSync('scripts/build.mjs', path.join(clone, 'scripts/build.mjs'));
    const { status, stderr } = spawnSync(process.execPath, [path.join(clone, 'scripts/build.mjs'), '--force'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, 'slipway: the build failed. Nothing is installed here: run `npm ci` first.\n']);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});
