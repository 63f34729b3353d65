import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBed, until, type Bed } from './bed.ts';

let bed: Bed;
let elsewhere: string;
beforeAll(async () => {
  bed = await openBed();
  elsewhere = mkdtempSync(path.join(tmpdir(), 'slw-keys-'));
});
afterAll(async () => {
  await bed.stop();
  rmSync(elsewhere, { recursive: true, force: true });
});

const WARNING = 'another process signs flags with a key that is unknown here';

it('a process that begins beside one with another key says so, and the list of servers does', async () => {
  const first = await bed.serve();
  const second = await bed.serve();
  const { out: well } = await bed.cli('flag', 'servers');
  expect(well.trim().split('\n')).toHaveLength(3);
  const other = await bed.serveIn({ SLIPWAY_HOME: elsewhere });
  await until(() => other.log.filter((line) => line.includes(WARNING)).length === 2);
  const pids = other.log.filter((line) => line.includes(WARNING)).map((line) => (JSON.parse(line) as { readonly pid: number }).pid);
  expect(new Set(pids)).toEqual(new Set([first, second].map(({ child }) => child.pid)));
  for (const { log } of [first, second]) expect(log.filter((line) => line.includes(WARNING))).toEqual([]);
  const { out } = await bed.cli('flag', 'servers');
  expect(out).toContain('These processes do not sign with keys that all of them have');
  expect(out).toContain('keys/flags-signing-keys.pem');
  expect(await other.stop()).toBe(0);
  expect((await bed.cli('flag', 'servers')).out).not.toContain('These processes');
});
