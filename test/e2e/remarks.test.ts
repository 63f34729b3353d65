import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApp } from '../../src/cli/compose.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** A worker that crashes once, when it is told to. */
const FLAKY = `
import { existsSync, writeFileSync } from 'node:fs';
const [crash, crashed] = [process.env.CRASH, process.env.CRASH + 'ed'];
setInterval(() => {
  if (!existsSync(crash) || existsSync(crashed)) return;
  writeFileSync(crashed, '');
  process.exit(3);
}, 20);
`;

let rig: SmallRig;
let shop: SmallService;

beforeAll(async () => {
  rig = await makeSmallRig();
  shop = await rig.service('shop');
}, 180_000);
afterAll(async () => rig.close(), 180_000);

/** Asks the ledger itself: a command would take longer than may be left of the window. */
async function untilLookedAt(): Promise<void> {
  const { opened, close } = await openApp({ workspace: shop.folder, environment: { SLIPWAY_HOME: rig.home }, log: () => undefined });
  const lookedAt = async (): Promise<boolean> => {
    const [newest] = await opened.store.list({ limit: 1 });
    const { events } = await opened.store.load(newest?.release ?? '');
    return events.some(({ type, data }) => type === 'step.finished' && data.step === 'observe.window');
  };
  await until('the window has begun', lookedAt);
  await close();
}

describe('a release that passed although something happened', () => {
  it('says so at its end, in show and in the evidence', { timeout: 180_000 }, async () => {
    const web = { run: 'node server.js', health: { path: '/health', interval: '200ms', timeout: '10s', 'start-within': '60s' } };
    const flaky = { run: 'node flaky.js', env: { CRASH: join(rig.folder, 'crash') } };
    const observe = { window: '4s', every: '200ms', because: 'a test', restarts: 2 };
    await shop.commit('1.0.0', { config: { processes: { web, flaky }, observe }, files: { 'flaky.js': FLAKY } });
    await shop.slipway('release', '--detach');
    await untilLookedAt();
    await shop.write({ '../crash': '' });
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
