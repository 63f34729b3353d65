import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** What a person gets wrong before anything starts: refused with the place and what to do, and 1.0.0 goes on serving. */
describe('a request that cannot be', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('requests');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 60_000);
  afterAll(() => rig.close(), 60_000);

  it('names line and column of unknown keys and wrong types in slipway.yaml, all at once', async () => {
    await service.commit('1.1.0');
    await service.write({ 'slipway.yaml': 'service: requests\nlistn: 80\nrun: node server.js\napprovals: many\nobserve: soon\n' });
    const ran = await service.slipway('release');
    expectSaid(ran, 2, '3 problems in', 'slipway.yaml:2:1  listn', 'did you mean "listen"?', 'slipway.yaml:4:12  approvals', 'slipway.yaml:5:10  observe', 'hint: Correct the lines named above');
    await service.write({ 'slipway.yaml': 'service: requests\nrun: "node server.js\n' });
    expectSaid(await service.slipway('release'), 2, /slipway\.yaml:\d+:\d+/, 'this is not YAML', 'hint:');
    await rm(join(service.folder, 'slipway.yaml'));
    expectSaid(await service.slipway('release'), 2, 'slipway.yaml', 'slipway init');
  });

  it('refuses a version that is none, or that runs already', async () => {
    await service.commit('1.0');
    expectSaid(await service.slipway('release'), 2, '"1.0" is not a semantic version', 'hint: Use MAJOR.MINOR.PATCH');
    await service.commit('1.0.0', { files: { note: 'another commit' } });
    expectSaid(await service.slipway('release'), 2, 'requests 1.0.0 is what runs in dev already', 'hint: Raise the version');
  });

  it('refuses a skip without a reason or of something unknown, and an environment that is none', async () => {
    await service.commit('1.1.0');
    expectSaid(await service.slipway('release', '--skip', 'test'), 2, '--skip test: a skip needs a reason', 'hint: Write --skip NAME=REASON');
    expectSaid(await service.slipway('release', '--skip', 'tset=in a hurry'), 2, 'Did you mean "test"?', 'hint: What can be skipped: ');
    expectSaid(await service.slipway('release', '--env', 'prod'), 2, 'has no environment "prod"; it has dev, stg, prd', 'Did you mean "prd"?', 'hint: Choose one of');
  });

  it('refuses one version made of two commits', async () => {
    await service.commit('1.2.0', { config: { test: ['node', '--eval', 'process.exit(3)'] } });
    expectSaid(await service.slipway('release'), 10, 'test.run failed', 'exited with 3');
    await service.commit('1.2.0', { files: { note: 'repaired' } });
    expectSaid(await service.slipway('release'), 30, 'requests 1.2.0 was already built from', 'hint: A version is immutable; release the change under a new version.');
  });

  it('left everything as it was', () => expectUnharmed(service, '1.0.0'));

  it('does not start with uncommitted changes, or without git', async () => {
    await service.commit('1.3.0');
    await service.write({ 'server.js': 'broken', 'forgotten.txt': 'x' });
    expectSaid(await service.slipway('release'), 10, 'git: 2 uncommitted changes: server.js, forgotten.txt', 'Commit or stash them');
    await rm(join(service.folder, '.git'), { recursive: true });
    expectSaid(await service.slipway('release'), 10, 'git: the workspace is not a git repository', 'Commit the source, or skip with --skip preflight.git=REASON');
    await expectUnharmed(service, '1.0.0');
  });

  it('names who holds the lock, and queues behind them with --wait', async () => {
    const busy = await rig.service('busy');
    await busy.commit('1.0.0', { config: { test: { run: ['node', '--eval', UNTIL_TOLD], env: { TOLD: join(busy.folder, '.git', 'told') } } } });
    expectSaid(await busy.slipway('release', '--detach'), 0, 'Submitted');
    await busy.commit('1.1.0');
    expectSaid(await busy.slipway('release'), 5, 'busy in dev is being released by ann on ', 'version 1.0.0', 'hint: Wait for the owner, or queue behind it with --wait.');
    const queued = busy.slipway('release', '--wait');
    await until('the second release waits', async () => (await busy.status()).inFlight === 2);
    expect((await busy.status()).locked).toBe(true);
    await busy.write({ '.git/told': '' });
    expectSaid(await queued, 0, 'waiting for release', 'busy 1.1.0');
    await expectUnharmed(busy, '1.1.0');
  }, 60_000);
});

/** A test command that lasts as long as this test wants. */
const UNTIL_TOLD = "setInterval(() => require('fs').existsSync(process.env.TOLD) && process.exit(0), 30)";
