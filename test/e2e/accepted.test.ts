import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** A person closes a stuck release while users are on its version: from then on that version is what is repaired or left. */
describe('after a stuck release was accepted as it stands', () => {
  const byHand = { rollback: { automatic: false, because: 'a person decides', within: '2m', warm: '10m' } };
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('accepted');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
    await service.commit('1.1.0', { config: byHand, behaviour: { failsForUsers: true } });
    expectSaid(await service.slipway('release'), 12, 'verify.live failed', 'automatic rollback is turned off', /go back +slipway rollback/);
    // Nobody who looks, or wants to go on, misses that it is stuck, or is told to wait for it.
    expectSaid(
      await service.slipway('status'),
      0,
      /released +1\.0\.0/,
      /serving +1\.1\.0, whose release is not over/,
      /: stuck, verify\.live failed/,
    );
    expectSaid(await service.slipway('doctor'), 6, /FAIL +lock .*stuck/);
    expectSaid(await service.slipway('release', '--version', '1.1.1'), 5, /, stuck\n/, /abort .* --accept REASON/);
    expectSaid(await service.slipway('abort', '--accept', 'better than nothing'), 0);
    expectSaid(await service.slipway('watch', 'latest'), 10);
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('status says that it serves, and how that came', async () => {
    expectSaid(await service.slipway('status'), 0, /serving +1\.1\.0 .*accepted as it stands/);
  });

  it('the repair replaces it, in the other slot, and users notice nothing', async () => {
    await service.commit('1.2.0', { config: { rollback: { warm: '10m' } } });
    expectSaid(await service.slipway('release'), 0, 'accepted 1.1.0 -> 1.2.0');
    await expectUnharmed(service, '1.2.0');
  }, 180_000);

  it('the repair can be taken back to it', async () => {
    expectSaid(await service.slipway('rollback', '--to', '1.0.0', '--reason', 'both are bad'), 0, 'rollback of accepted 1.2.0 -> 1.0.0');
    expect(await service.served()).toBe('1.0.0');
  }, 180_000);

  it('one that left requests held says so, and what served before is put back by name', async () => {
    const other = await rig.service('held');
    await other.commit('1.0.0');
    expectSaid(await other.slipway('release'), 0);
    await other.commit('1.1.0', { config: { ...byHand, strategy: { name: 'recreate', because: 'a test' } }, behaviour: { hangOn: '/' } });
    expectSaid(await other.slipway('release'), 12, 'verify.smoke failed');
    expectSaid(await other.slipway('abort', '--accept', 'I go home'), 0, 'requests are held, and fail after 30 s');
    expectSaid(await other.slipway('watch', 'latest'), 10);
    expectSaid(await other.slipway('doctor'), 6, /FAIL +serving +held\/dev: /);
    expectSaid(await other.slipway('rollback', '--to', '1.0.0', '--reason', 'users wait'), 0);
    await expectUnharmed(other, '1.0.0');
  }, 180_000);
});
