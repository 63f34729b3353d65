import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** A test that lasts until it is told to end, so that the first release is not over before the second is asked for. */
const UNTIL_TOLD = 'setInterval(() => fs.existsSync(process.env.TOLD) && process.exit(0), 30)';

/** What a pipeline and a person type at the same time, or without looking up an id. */
describe('a release asked for twice', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('twice');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0, `planning ${service.folder} ...`);
    const test = { run: ['node', '--eval', UNTIL_TOLD], env: { TOLD: join(rig.folder, 'told') } };
    await service.commit('1.1.0', { config: { test, rollback: { warm: '10m', within: '2m' } } });
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('is no failed release when the first one has brought it', async () => {
    expectSaid(await service.slipway('release', '--detach'), 0);
    const waiting = service.slipway('release', '--wait');
    await until('it is asked for again', async () => (await service.status()).inFlight === 2);
    await service.write({ '../told': '' });
    const second = await waiting;
    expectSaid(second, 0, /already serving: twice 1\.1\.0 is what runs in dev already/);
    expect(second.said).not.toContain('FAIL');
    expectSaid(await service.slipway('release'), 2, 'is what runs in dev already');
  }, 180_000);

  it('has its evidence verified without naming it', async () => {
    expectSaid(await service.slipway('evidence', 'verify'), 0, 'this pack is what was signed');
    expectSaid(await service.slipway('evidence', 'verify', '--env', 'prd'), 3, 'No release here has sealed evidence yet');
  }, 180_000);

  it('is rolled back from without the steps somebody leaves out, for a recorded reason', async () => {
    expectSaid(await service.slipway('rollback', '--skip', 'observe.windows=why'), 2, 'Did you mean "observe.window"?');
    expectSaid(await service.slipway('rollback', '--skip', 'observe.window'), 2, 'a skip needs a reason');
    const back = await service.slipway('rollback', '--skip', 'observe.window=1.0.0 ran for weeks', '--reason', 'it fails');
    expectSaid(back, 0, 'observe.window skipped: 1.0.0 ran for weeks');
    await until('1.0.0 serves', async () => (await service.served()) === '1.0.0');
    expectSaid(await service.slipway('show'), 0, 'skipped: 1.0.0 ran for weeks');
  }, 180_000);
});
