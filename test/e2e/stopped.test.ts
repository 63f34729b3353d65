import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentPlaces } from '../../src/server/index.ts';
import { runningPostmaster } from '../../src/store/embedded/postmaster.ts';
import { socketDirectory } from '../../src/store/index.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** What served, and was stopped on purpose or lost with its machine, comes back. */
describe('a service whose processes are gone', () => {
  const skip = ['--skip', 'preflight.health=the machine was lost'];
  let rig: SmallRig;
  let service: SmallService;
  let elsewhere: SmallRig;
  beforeAll(async () => {
    rig = await makeSmallRig();
    elsewhere = await makeSmallRig({ home: rig.home, variables: { SLIPWAY_NODE: 'elsewhere' } });
    service = await rig.service('stopped');
    await service.commit('1.0.0', { config: { rollback: { warm: '10m', within: '60s' } } });
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(async () => {
    await elsewhere.close();
    await rig.close();
  }, 180_000);

  /** As if the agent's folder had been on a disk that is lost: nothing knows any more what should run. */
  const lose = async (): Promise<void> => {
    expectSaid(await service.slipway('agent', 'stop', '--all'), 0);
    rmSync(join(rig.home, 'agent'), { recursive: true });
  };

  it('is served again by the agent that starts after `agent stop --all`', async () => {
    expectSaid(await service.slipway('agent', 'stop', '--all'), 0, 'slipway agent start');
    expect(await service.served()).toBeNull();
    expect(runningPostmaster(join(rig.home, 'store', 'pg'))).toBeNull();
    expect([agentPlaces(rig.home).socket, join(socketDirectory(rig.home), 'any')].filter((file) => existsSync(dirname(file)))).toEqual([]);
    expectSaid(await service.slipway('doctor'), 6, /FAIL +agent +none runs/);
    const taken = createServer().listen(service.port, '127.0.0.1');
    await once(taken, 'listening');
    const note = new RegExp(
      `users do not reach stopped/dev: .*127\\.0\\.0\\.1:${service.port}.*Stop what listens there.*as soon as it can`,
    );
    expectSaid(await service.slipway('agent', 'start'), 0, note);
    taken.close();
    await once(taken, 'close');
    await until('it serves', async () => (await service.served()) === '1.0.0');
    await expectUnharmed(service, '1.0.0');
    expectSaid(await service.slipway('doctor'), 0);
  }, 180_000);

  it('is said to be down, and what to do, when nothing knows any more what should run', async () => {
    await lose();
    expectSaid(await service.slipway('agent', 'start'), 0);
    expectSaid(await service.slipway('doctor'), 6, /FAIL +serving +stopped\/dev: 1\.0\.0 should serve and is not running/);
    // What another node of a shared store runs is not to be seen from here.
    const other = await elsewhere.service('other-node');
    await other.commit('1.0.0');
    const doctor = await other.slipway('doctor');
    expectSaid(doctor, 0);
    expect(doctor.said).not.toContain('serving');
    await service.commit('1.1.0', { config: { rollback: { warm: '10m', within: '60s' } } });
    expectSaid(await service.slipway('release'), 10, /preflight\.checks.*1\.0\.0 should be running in stopped\/dev\/blue and is not/);
  }, 180_000);

  it('is replaced by a release that accepts it, and the old version is started to try the way back', async () => {
    expectSaid(await service.slipway('release', ...skip), 0);
    await expectUnharmed(service, '1.1.0');
    expect((await service.status()).running).toEqual(['1.0.0 ready', '1.1.0 ready']);
  }, 180_000);

  it('is put back by name', async () => {
    expectSaid(await service.slipway('rollback', '--to', '1.1.0', '--reason', 'again'), 4, '1.1.0 is what serves in dev already');
    await lose();
    expectSaid(await service.slipway('rollback', '--to', '1.1.0', '--reason', 'the machine was lost'), 0);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);

  it('comes back when the version that should replace it fails', async () => {
    await lose();
    await service.commit('1.2.0', { behaviour: { hangOn: '/' } });
    expectSaid(await service.slipway('release', ...skip), 11, /verify\.smoke failed/);
    expect((await service.status()).running).toEqual(['1.1.0 ready']);
    // The route was lost as well, and this release never came to the point of moving it.
    expectSaid(await service.slipway('doctor'), 6, /FAIL +serving .*knows no route/);
  }, 180_000);

  it('leaves evidence that is found by the id of the release, and names the cause', async () => {
    const { releases } = JSON.parse((await service.slipway('list', '--json')).stdout) as {
      readonly releases: readonly { release: string }[];
    };
    const id = releases[0]?.release ?? '';
    expectSaid(await service.slipway('evidence', 'verify', id), 0, 'PASS');
    expectSaid(await service.slipway('evidence', 'show', id), 0, /because +verify\.smoke failed/);
    expectSaid(
      await service.slipway(
        'evidence',
        'verify',
        id.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')),
      ),
      3,
      'No release begins with',
    );
  }, 180_000);
});
