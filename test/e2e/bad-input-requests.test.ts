import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type Change, type Ran, type SmallRig, type SmallService } from './support/small-service.ts';

/** What a person gets wrong before anything starts: refused with the place and what to do, and 1.0.0 goes on serving. */
describe('a request that cannot be', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('requests');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('names line and column of unknown keys and wrong types in slipway.yaml, all at once', async () => {
    await service.commit('1.1.0');
    await service.write({ 'slipway.yaml': 'service: requests\nlistn: 80\nrun: node server.js\napprovals: many\nobserve: soon\n' });
    const ran = await service.slipway('release');
    expectSaid(
      ran,
      2,
      '3 problems in',
      'slipway.yaml:2:1  listn',
      'did you mean "listen"?',
      'slipway.yaml:4:12  approvals',
      'slipway.yaml:5:10  observe',
      'hint: Correct the lines named above',
    );
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
    expectSaid(
      await service.slipway('release', '--skip', 'test'),
      2,
      '--skip test: a skip needs a reason',
      'hint: Write --skip NAME=REASON',
    );
    expectSaid(await service.slipway('release', '--skip', 'tset=in a hurry'), 2, 'Did you mean "test"?', 'hint: What can be skipped: ');
    expectSaid(
      await service.slipway('release', '--env', 'prod'),
      2,
      'has no environment "prod"; it has dev, stg, prd',
      'Did you mean "prd"?',
      'hint: Choose one of',
    );
  });

  it('refuses one version made of two commits', async () => {
    await service.commit('1.2.0', { config: { test: ['node', '--eval', 'process.exit(3)'] } });
    expectSaid(await service.slipway('release'), 10, 'test.run failed', 'exited with 3');
    await service.commit('1.2.0', { files: { note: 'repaired' } });
    expectSaid(
      await service.slipway('release'),
      30,
      'requests 1.2.0 was already built from',
      'hint: A version is immutable; release the change under a new version.',
    );
  });

  it('left everything as it was', () => expectUnharmed(service, '1.0.0'));

  it('does not start with uncommitted changes, or without git', async () => {
    await service.commit('1.3.0');
    await service.write({ 'server.js': 'broken', 'forgotten.txt': 'x' });
    expectSaid(await service.slipway('release'), 10, 'git: 2 uncommitted changes: server.js, forgotten.txt', 'Commit or stash them');
    await rm(join(service.folder, '.git'), { recursive: true });
    expectSaid(
      await service.slipway('release'),
      10,
      'git: the workspace is not a git repository',
      'Commit the source, or skip with --skip preflight.git=REASON',
    );
    await expectUnharmed(service, '1.0.0');
  });

  describe('while another release holds the lock', () => {
    let busy: SmallService;
    /** Submits the other release; what is returned lets its test command end with a code. */
    const occupy = async (version: string, change: Change = {}): Promise<(code: number) => Promise<void>> => {
      const told = `.git/told-${version}`;
      await busy.commit(version, {
        ...change,
        config: { ...change.config, test: { run: ['node', '--eval', UNTIL_TOLD], env: { TOLD: join(busy.folder, told) } } },
      });
      expectSaid(await busy.slipway('release', '--detach'), 0, 'Submitted');
      // Which empties the file first, so nothing may be told before.
      await until('its test runs', () => existsSync(join(busy.folder, told)));
      return (code) => busy.write({ [told]: `${code}` });
    };
    /** Queues a release behind it; boxed, because a promise that is returned is waited for. */
    const queue = async (): Promise<{ readonly queued: Promise<Ran> }> => {
      const queued = busy.slipway('release', '--wait');
      await until('the second release waits', async () => (await busy.status()).inFlight === 2);
      expect((await busy.status()).locked).toBe(true);
      return { queued };
    };
    beforeAll(async () => (busy = await rig.service('busy')));

    it('names its owner, and with --wait runs after it', async () => {
      const tell = await occupy('1.0.0');
      await busy.commit('1.1.0');
      const says = [
        'busy in dev is being released by ann on ',
        'version 1.0.0',
        'hint: Wait for the owner, or queue behind it with --wait.',
      ];
      expectSaid(await busy.slipway('release'), 5, ...says);
      const { queued } = await queue();
      await tell(3);
      expectSaid(await queued, 0, 'busy 1.1.0');
      await expectUnharmed(busy, '1.1.0');
    }, 180_000);

    it('is planned again when the other one changed what serves, and carried out over that', async () => {
      const tell = await occupy('1.2.0');
      await busy.commit('1.3.0');
      const { queued } = await queue();
      await tell(0);
      expectSaid(await queued, 0, 'planned again: 1.2.0 serves now', 'busy 1.2.0 -> 1.3.0');
      await expectUnharmed(busy, '1.3.0');
    }, 180_000);

    it('is carried out for its commit, migrations included, when the workspace has moved on', async () => {
      const database = { embedded: 'busy', migrations: 'migrations' };
      const smoke = { read: ['GET /'], write: { none: 'the service keeps nothing' }, within: '1s' };
      const config = { database, smoke };
      const tell = await occupy('1.3.1', { config, files: { 'migrations/1_people.sql': 'create table people (id int);\n' } });
      await busy.commit('1.3.2', { config, files: { 'migrations/2_pets.sql': 'create table pets (id int);\n' } });
      await busy.write({ 'server.js': 'broken' });
      expectSaid(await busy.slipway('release', '--wait'), 6, 'git: 1 uncommitted changes: server.js', 'hint: Commit or stash them');
      expect((await busy.status()).inFlight).toBe(1);
      await busy.restore();
      const { queued } = await queue();
      await busy.commit('1.3.3', { config, files: { 'migrations/3_later.sql': 'create table later (id int);\n' } });
      await busy.write({ 'server.js': 'broken', 'migrations/2_pets.sql': 'create table cats (id int);\n' });
      await tell(0);
      expectSaid(await queued, 0, 'busy 1.3.1 -> 1.3.2', '1 migration applied: 2_pets');
      await expectUnharmed(busy, '1.3.2');
      await busy.restore();
    }, 180_000);

    it('is no failure when the other one released the same version', async () => {
      const tell = await occupy('1.4.0');
      const { queued } = await queue();
      await tell(0);
      expectSaid(await queued, 0, 'already serving: busy 1.4.0 is what runs in dev already');
      await expectUnharmed(busy, '1.4.0');
    }, 180_000);

    it('is undone by its id after somebody broke slipway.yaml: the ledger knows how', async () => {
      await busy.write({ 'slipway.yaml': 'service: [\n' });
      expectSaid(await busy.slipway('rollback'), 2, 'this is not YAML', '`slipway list` shows the ids');
      const { releases } = JSON.parse((await busy.slipway('list', '--service', 'busy', '--json')).stdout) as {
        readonly releases: readonly { readonly release: string; readonly status: string }[];
      };
      const serving = releases.find(({ status }) => status === 'released')?.release ?? '';
      expectSaid(await busy.slipway('rollback', serving), 0, 'rollback of busy 1.4.0 -> 1.3.2');
      await expectUnharmed(busy, '1.3.2');
      await busy.restore();
    }, 180_000);
  });
});

/** A test command that lasts as long as this test wants, and ends as it says. */
const UNTIL_TOLD = `
const fs = require('node:fs');
const file = process.env.TOLD;
fs.writeFileSync(file, '');
setInterval(() => fs.statSync(file).size > 0 && process.exit(Number(fs.readFileSync(file, 'utf8'))), 30);
`;
