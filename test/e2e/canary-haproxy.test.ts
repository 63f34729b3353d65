import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, type Users } from './support/users.ts';

const installed = spawnSync('haproxy', ['-v']).status === 0;
const config = {
  strategy: {
    name: 'canary',
    because: 'a test',
    schedule: [{ weight: '20%', for: '1s' }],
    every: '200ms',
    errors: { clean: '2%', warmup: '0s' },
    latency: { clean: '20%', warmup: '0s', 'least-bad': 1_000 },
  },
  observe: { window: '2s', every: '500ms', because: 'a test' },
};

describe.skipIf(!installed)('a canary behind HAProxy (apt-get install haproxy)', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users | undefined;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('bird');
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('agent', 'start', '--router', 'haproxy'), 0, 'haproxy router');
    expectSaid(await service.slipway('agent', 'start', '--router', 'embedded'), 24, 'has the haproxy router');
    expectSaid(await service.slipway('release'), 0);
    const sent = sendUsers(service.port, 200);
    users = sent;
    await until('there is a percentile', () => sent.met().requests > 1_200);
  }, 120_000);
  afterAll(async () => {
    await users?.stop();
    await rig.close();
  }, 120_000);

  it('that is good is released, and nobody notices', async () => {
    const before = users?.met().failed;
    await service.commit('1.1.0', { config });
    expectSaid(await service.slipway('release'), 0, 'deploy.weight-20', 'proven to be fewer than 2 %');
    expect(users?.met().failed).toBe(before);
    await expectUnharmed(service, '1.1.0');
  }, 120_000);

  it('that fails users is taken back by the judge', async () => {
    const before = users?.met().failed ?? 0;
    await service.commit('1.2.0', { config, behaviour: { failsEvery: 4 } });
    expectSaid(await service.slipway('release'), 11, /1\.2\.0 at 20 %: errors: .* of the canary's requests were bad/);
    expect((users?.met().failed ?? 0) - before).toBeLessThan(40);
    await expectUnharmed(service, '1.1.0');
  }, 120_000);

  it('goes on for users while no agent runs, and the next one takes it over', async () => {
    const before = users?.met().failed;
    expectSaid(await service.slipway('agent', 'stop'), 0, 'goes on sending users');
    expect(await service.served()).toBe('1.1.0');
    expectSaid(await service.slipway('agent', 'start'), 0, 'haproxy router');
    expect(await service.served()).toBe('1.1.0');
    expect(users?.met().failed).toBe(before);
  }, 120_000);
});
