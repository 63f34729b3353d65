import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** A worker that crashes once, when it is told to, and says when it runs again. */
const FLAKY = `
import { existsSync, writeFileSync } from 'node:fs';
const [crash, crashed, again] = ['crash', 'crashed', 'again'].map((name) => process.env.PLACE + '/' + name);
if (existsSync(crashed)) writeFileSync(again, '');
setInterval(() => {
  if (!existsSync(crash) || existsSync(crashed)) return;
  writeFileSync(crashed, '');
  process.exit(3);
}, 20);
`;

/**
 * A read of the smoke: asked before users come, when they are there, and at each look of the window. At the first of those it has the
 * worker crash, and answers when that runs again: so the crash is in the window, however long this machine takes for it.
 */
const READ = `
import { appendFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const [asked, crash, again] = ['asked', 'crash', 'again'].map((name) => process.env.PLACE + '/' + name);
appendFileSync(asked, '.');
if (statSync(asked).size === 3) {
  writeFileSync(crash, '');
  while (!existsSync(again)) await setTimeout(20);
}
`;

let rig: SmallRig;
let shop: SmallService;

beforeAll(async () => {
  rig = await makeSmallRig();
  shop = await rig.service('shop');
}, 180_000);
afterAll(async () => rig.close(), 180_000);

describe('a release that passed although something happened', () => {
  it('says so at its end, in show and in the evidence', { timeout: 180_000 }, async () => {
    const web = { run: 'node server.js', health: { path: '/health', interval: '200ms', timeout: '10s', 'start-within': '60s' } };
    const env = { PLACE: rig.folder };
    const processes = { web, flaky: { run: 'node flaky.js', env } };
    const smoke = { read: ['GET /', { run: 'node read.js', env }], within: '1s' };
    const observe = { window: '1s', every: '200ms', because: 'a test', restarts: 2 };
    await shop.commit('1.0.0', { config: { processes, smoke, observe }, files: { 'flaky.js': FLAKY, 'read.js': READ } });
    await shop.slipway('release', '--detach');
    const { exit, said } = await shop.slipway('watch');
    const remark = 'flaky#0 was restarted once while it was watched: it exited with code 3';
    expect([exit, said]).toEqual([0, expect.stringContaining(`released: every required step passed; ${remark}\n`)]);
    expect(said).toContain(`\nremark    ${remark}\n`);
    expect((await shop.slipway('show')).said).toMatch(new RegExp(`remark +${remark}`));
    const pack = /evidence  (\S+)/.exec(said)?.[1] ?? '';
    expect(JSON.parse(await readFile(join(pack, 'summary.json'), 'utf8'))).toMatchObject({ remarks: [remark] });
    expect(await readFile(join(pack, 'report.html'), 'utf8')).toContain(remark);
    expect((await shop.slipway('evidence', 'verify', pack)).said).toContain('this pack is what was signed');
  });
});
