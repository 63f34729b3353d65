import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** At 3 a.m.: what serves was good when it was released, and is not any more. */
describe('a version that broke after its release', () => {
  const config = { rollback: { warm: '10m', within: '60s' } };
  let rig: SmallRig;
  let service: SmallService;
  let broken: string;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('late');
    broken = join(rig.folder, 'broken');
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('release'), 0);
    await service.commit('1.1.0', { config, behaviour: { brokenWhile: broken } });
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('is rolled back from: nothing of it is asked', async () => {
    writeFileSync(broken, '');
    expectSaid(await service.slipway('doctor'), 0, /PASS +serving +late\/dev: 1\.1\.0 runs and is ready\n/);
    for (let request = 0; request < 20; request++) expect(await service.served()).toBe('status 500');
    expectSaid(
      await service.slipway('doctor'),
      6,
      /FAIL +serving +late\/dev: [^:]*20\s+requests,\s+20\s+errors\s+in\s+the\s+last\s+5m\w*:\s+most\s+requests\s+fail/,
    );
    expectSaid(
      await service.slipway('status'),
      0,
      /traffic +1\.1\.0: 20 requests, 20 errors in the last 5m\w*; 20 requests, 20 errors since 20/,
    );
    expectSaid(await service.slipway('rollback', '--reason', 'everything fails'), 0, 'its state is not judged');
    await expectUnharmed(service, '1.0.0');
  }, 180_000);

  it('is replaced by the repair, which did not cause what is wrong with it', async () => {
    rmSync(broken);
    await service.commit('1.2.0', { config, behaviour: { brokenWhile: broken } });
    expectSaid(await service.slipway('release'), 0);
    writeFileSync(broken, '');
    await service.commit('1.2.1', { config });
    expectSaid(await service.slipway('release'), 0, '1.2.0 does not work as it is, which this release did not cause');
    await expectUnharmed(service, '1.2.1');
  }, 180_000);

  it('that is broken from the start is undone, and says what it answered and printed', async () => {
    await service.commit('1.3.0', { config, behaviour: { brokenWhile: broken } });
    expectSaid(
      await service.slipway('release'),
      11,
      'GET / answered 500, expected 200: {"error": "cannot serve"}',
      /web#0 printed last:\n +no flux capacitor/,
    );
    const { evidence } = JSON.parse((await service.slipway('show', '--json')).stdout) as { readonly evidence: string };
    expect(readFileSync(join(evidence, 'report.html'), 'utf8')).toContain('no flux capacitor');
    await expectUnharmed(service, '1.2.1');
  }, 180_000);
});
