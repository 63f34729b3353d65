import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, type Met, type Users } from './support/users.ts';

const health = { path: '/health', interval: '200ms', timeout: '10s', 'start-within': '60s' };
const processes = { web: { run: 'node server.js', instances: 3, health, 'stop-grace': '2s' } };
const strategy = { name: 'rolling', because: 'a test', settle: '1s' };
const config = { processes, strategy, observe: watchFor('2s') };

interface Shown {
  readonly stages: readonly { readonly steps: readonly { readonly id: string; readonly state: string; readonly reason: string }[] }[];
}

describe('a rolling update under real traffic', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users | undefined;
  const met = (): Met => users?.met() ?? { requests: 0, failed: 0, firstFailedAt: null, lastFailedAt: null };
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('roller');
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('release'), 0);
    users = sendUsers(service.port, 100);
    await until('users are there', () => met().requests > 50);
  }, 180_000);
  afterAll(async () => {
    await users?.stop();
    await rig.close();
  }, 180_000);

  it('replaces one instance after the other, and no user notices', async () => {
    await service.commit('1.1.0', { config });
    expectSaid(await service.slipway('release'), 0, 'deploy.share-25', 'deploy.retire-2', 'deploy.add-3', 'deploy.switch');
    expect(met().failed).toBe(0);
    await expectUnharmed(service, '1.1.0');
    expect((await service.status()).running).toEqual(['1.1.0 ready', '1.1.0 ready', '1.1.0 ready']);
  }, 180_000);

  it('goes back with all instances of the old version when the new one fails the first users it gets', async () => {
    await service.commit('1.2.0', { config, behaviour: { failsForUsers: true } });
    expectSaid(await service.slipway('release'), 11, /deploy\.watch-\d failed/);
    // It has no more of them than it was given first: whatever watch was passed before saw nobody, while this test stood still.
    const { stages } = JSON.parse((await service.slipway('show', '--json')).stdout) as Shown;
    const passed = stages.flatMap(({ steps }) => steps).filter(({ id, state }) => id.startsWith('deploy.watch-') && state === 'pass');
    expect(passed.filter(({ reason }) => !reason.startsWith('0 requests so far'))).toEqual([]);
    await expectUnharmed(service, '1.1.0');
    expect((await service.status()).running).toEqual(['1.1.0 ready', '1.1.0 ready', '1.1.0 ready']);
    const before = met();
    await until('more users', () => met().requests > before.requests + 50);
    expect(met().failed).toBe(before.failed);
  }, 180_000);
});
