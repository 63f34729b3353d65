import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** Goes on when the file `hold` is gone, and says by `held` that it got there. */
const WAIT = `
import { existsSync, writeFileSync } from 'node:fs';
const [, , folder] = process.argv;
writeFileSync(folder + '/held', '');
while (existsSync(folder + '/hold')) await new Promise((resolve) => setTimeout(resolve, 20));
`;

/** A release may be started while another one runs: it waits, and is then carried out over what the other one left. */
describe('a release behind another one', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('queue');
    await service.write({ '.gitignore': 'hold\nheld\n' });
    await service.commit('1.0.0', { files: { 'wait.js': WAIT } });
    expectSaid(await service.slipway('release'), 0);
  }, 60_000);
  afterAll(() => rig.close(), 60_000);

  it('is refused with the owner of the lock, or waits and is planned again for what serves then', async () => {
    await service.write({ hold: '' });
    await service.commit('1.1.0', { config: { test: ['node', 'wait.js', service.folder] } });
    expectSaid(await service.slipway('release', '--detach'), 0, 'Submitted');
    await until('1.1.0 is being tested', () => readdirSync(service.folder).includes('held'));
    await service.commit('1.2.0');
    expectSaid(await service.slipway('release'), 5, 'is being released by ann', 'version 1.1.0', '--wait');
    const second = service.slipway('release', '--wait');
    await until('1.2.0 waits', async () => (await service.status()).inFlight === 2);
    await rm(join(service.folder, 'hold'));
    expectSaid(await second, 0, 'planned again: 1.1.0 serves now', 'queue 1.1.0 -> 1.2.0');
    await expectUnharmed(service, '1.2.0');
  }, 120_000);
});
