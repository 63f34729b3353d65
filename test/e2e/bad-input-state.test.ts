import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, realpath, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentPid } from './support/agent.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** Half a file where Slipway keeps what it knows: it says which one, and never begins afresh over it. */
describe('a state directory', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('state');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('is refused to a second agent, which names the first', async () => {
    const first = await agentPid(rig.home);
    expectSaid(
      await service.slipway('agent', 'run'),
      24,
      `Process ${first} supervises this folder already`,
      'hint: One agent serves a directory; `slipway agent status` names it.',
    );
    expect(await agentPid(rig.home)).toBe(first);
    await expectUnharmed(service, '1.0.0');
  });

  it.each(['groups.json', 'routes.json'])(
    'whose agent/%s is cut short keeps the agent from starting over',
    async (name) => {
      await service.commit(`1.0.1-${name.split('.')[0]}`);
      expectSaid(await service.slipway('agent', 'stop'), 0);
      const file = join(rig.home, 'agent', name);
      await cutShort(file, async () => {
        expectSaid(await service.slipway('agent', 'run'), 28, file, 'hint:');
        const ran = await service.slipway('release');
        expectSaid(ran, 24, 'The agent did not start', file, 'hint: Read ');
        // What an earlier agent said has nothing to do with it.
        expect(ran.said).not.toContain('agent ready');
        expectSaid(await service.slipway('doctor'), 6, file.slice(0, 40), `${name}.broken`);
      });
      expectSaid(await service.slipway('agent', 'start'), 0);
      await until('users reach it again', async () => (await service.served()) === '1.0.0');
      await expectUnharmed(service, '1.0.0');
    },
    180_000,
  );

  it('whose signing keys are cut short never signs with new ones', async () => {
    const file = join(rig.home, 'keys', 'signing-keys.pem');
    await service.commit('1.1.0');
    await cutShort(file, async () => {
      expectSaid(await service.slipway('release', '--detach'), 0);
      // Before the file is back: from then on a worker signs with it.
      await until('it is over, and not sealed', async () => (await service.slipway('list')).stdout.includes('not sealed)'));
      expectSaid(await service.slipway('show'), 0, 'unchanged', 'evidence: ', file, 'Restore the file from a backup');
    });
    await expectUnharmed(service, '1.0.0');
  }, 180_000);

  it('whose evidence folder became a file: the release says that it is over and unproven, and is proved once that is repaired', async () => {
    const [folder, aside] = ['evidence', 'evidence.aside'].map((name) => join(rig.home, name));
    const spoil = `fs.renameSync(${JSON.stringify(folder)}, ${JSON.stringify(aside)}); fs.writeFileSync(${JSON.stringify(folder)}, '')`;
    await service.commit('1.1.1', { config: { test: ['node', '--eval', spoil] } });
    const words = ['could not be written: ENOTDIR', 'a worker seals it as soon as it can'];
    expectSaid(await service.slipway('release'), 15, 'PASS', 'NOT SEALED  the release is over', ...words);
    for (const command of ['show', 'list', 'status']) expectSaid(await service.slipway(command), 0, ...words);
    await expectUnharmed(service, '1.1.1');
    await rm(folder ?? '');
    await rename(aside ?? '', folder ?? '');
    await until('it is sealed', async () => /evidence {2}\S+\/evidence\//.test((await service.slipway('show')).said), 60_000);
    expectSaid(await service.slipway('watch'), 0, 'PASS', 'signed by SHA256:');
    expectSaid(await service.slipway('evidence', 'show'), 0, 'PASS');
    // Each release is tried again for itself.
    await until('every pack is written', async () => !(await service.slipway('status')).said.includes('could not be written'));
  }, 180_000);

  it('whose artifact manifest is cut short neither releases over it nor rebuilds it', async () => {
    await service.commit('1.2.0', { config: { test: ['node', '--eval', 'process.exit(1)'] } });
    expectSaid(await service.slipway('release'), 10, 'test.run failed');
    const made = join(rig.home, 'artifacts', 'state', '1.2.0.json');
    await cutShort(made, async () => expectSaid(await service.slipway('release'), 28, made, 'hint:'));
    const served = join(rig.home, 'artifacts', 'state', '1.1.1.json');
    await service.commit('1.3.0');
    await cutShort(served, async () => expectSaid(await service.slipway('release'), 10, 'previous: ', served));
    await expectUnharmed(service, '1.1.1');
  }, 180_000);
});

/** Mounting needs root; where this user may not, the test is not run. */
describe.skipIf(!(await canMount()))('a disk', () => {
  let disk: string;
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    disk = await realpath(await mkdtemp(join(tmpdir(), 'slipway-disk-')));
    mountDisk(disk);
    rig = await makeSmallRig({ home: join(disk, 'home') });
    service = await rig.service('disk');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(async () => {
    await rig.close();
    await until('nobody uses it any more', () => unmount(disk));
    await rm(disk, { recursive: true });
  }, 180_000);

  it('that is nearly full stops a release before it begins, and one that is full loses nothing', async () => {
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc((await freeBytes(disk)) - 40e6));
    await service.commit('1.1.0');
    expectSaid(await service.slipway('release'), 10, 'disk: ', 'MiB are free', 'Free space, or move SLIPWAY_HOME');
    await expectUnharmed(service, '1.0.0');
    const rest = join(disk, 'rest');
    await fill(rest);
    // How far it comes is up to PostgreSQL, which may have room left in its files: not begun, or begun and not proved.
    const ran = await service.slipway('release');
    expectSaid(ran, ran.exit === 27 ? 27 : 10, /disk is full|disk: 0 MiB are free/, 'Free space');
    expect(await service.served()).toBe('1.0.0');
    await Promise.all([rest, ballast].map((file) => rm(file)));
    await until('nothing is left to prove', async () => !(await service.slipway('list')).stdout.includes('not sealed'));
    await expectUnharmed(service, '1.0.0');
    expectSaid(await service.slipway('release'), 0);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);
});

/** While only the first half of a file is there, does something; then brings the file back. Nobody may have written to it. */
async function cutShort(file: string, meanwhile: () => Promise<void>): Promise<void> {
  const whole = await readFile(file);
  const half = whole.subarray(0, whole.length / 2);
  await writeFile(file, half);
  try {
    await meanwhile();
    expect(await readFile(file), `${file} was written to`).toEqual(half);
  } finally {
    await writeFile(file, whole);
  }
}

async function canMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-disk-'));
  try {
    mountDisk(folder);
    return unmount(folder);
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file system of a few hundred megabytes. */
function mountDisk(folder: string): void {
  execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', folder], { stdio: 'ignore' });
}

function unmount(folder: string): boolean {
  try {
    execFileSync('/bin/umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Writes until nothing more fits. */
async function fill(file: string): Promise<void> {
  for (const size of [1024 * 1024, 4096]) {
    const block = Buffer.alloc(size);
    for (let full = false; !full;)
      full = await writeFile(file, block, { flag: 'a' }).then(
        () => false,
        () => true,
      );
  }
}
