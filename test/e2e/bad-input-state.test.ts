import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentStatus } from '../../src/server/index.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** Half a file where Slipway keeps what it knows: it says which one, and never begins afresh over it. */
describe('a state directory', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('state');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 60_000);
  afterAll(() => rig.close(), 60_000);

  it('is refused to a second agent, which names the first', async () => {
    const first = await agentStatus(rig.home);
    expectSaid(await service.slipway('agent', 'run'), 24, `Process ${first?.pid} supervises this folder already`, 'hint: One agent serves a directory; `slipway agent status` names it.');
    expect((await agentStatus(rig.home))?.pid).toBe(first?.pid);
    await expectUnharmed(service, '1.0.0');
  });

  it.each(['groups.json', 'routes.json'])('whose agent/%s is cut short keeps the agent from starting over', async (name) => {
    expectSaid(await service.slipway('agent', 'stop'), 0);
    const file = join(rig.home, 'agent', name);
    const mend = await cutShort(file);
    expectSaid(await service.slipway('agent', 'run'), 28, file, 'hint:');
    expectSaid(await service.slipway('agent', 'start'), 24, file, 'hint: Read ');
    expectSaid(await service.slipway('release'), 24, file);
    expectSaid(await service.slipway('doctor'), 6, file, `mv '${file}'`);
    await mend();
    expectSaid(await service.slipway('agent', 'start'), 0);
    await expectUnharmed(service, '1.0.0');
  }, 60_000);

  it('whose signing keys are cut short never signs with new ones', async () => {
    const file = join(rig.home, 'keys', 'signing-keys.pem');
    const mend = await cutShort(file);
    await service.commit('1.1.0');
    expectSaid(await service.slipway('release'), 10, 'evidence: ', file, 'Restore the file from a backup');
    await mend();
    await expectUnharmed(service, '1.0.0');
  }, 60_000);

  it('whose artifact manifest is cut short neither releases over it nor rebuilds it', async () => {
    const file = join(rig.home, 'artifacts', 'state', '1.0.0.json');
    const mend = await cutShort(file);
    await service.commit('1.2.0');
    expectSaid(await service.slipway('release'), 10, 'previous: ', file);
    await mend();
    await service.commit('1.3.0', { config: { test: ['node', '--eval', 'process.exit(1)'] } });
    expectSaid(await service.slipway('release'), 10, 'test.run failed');
    const other = await cutShort(join(rig.home, 'artifacts', 'state', '1.3.0.json'));
    expectSaid(await service.slipway('release'), 28, 'artifacts/state/1.3.0.json', 'hint:');
    await other();
    await expectUnharmed(service, '1.0.0');
  }, 60_000);
});

/** Mounting needs root; where this test may not, it is not run. */
const disk = await smallDisk();

describe.skipIf(disk === null)('a disk', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig({ home: join(disk ?? '', 'home') });
    service = await rig.service('disk');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    execFileSync('umount', [disk ?? '']);
    await rm(disk ?? '', { recursive: true });
  }, 60_000);

  it('that is nearly full stops a release before it begins, and one that is full loses nothing', async () => {
    const ballast = join(disk ?? '', 'ballast');
    await writeFile(ballast, Buffer.alloc((await freeBytes(disk ?? '')) - 40e6));
    await service.commit('1.1.0');
    expectSaid(await service.slipway('release'), 10, 'disk: ', 'MiB are free', 'Free space, or move SLIPWAY_HOME');
    await expectUnharmed(service, '1.0.0');
    await fill(join(disk ?? '', 'rest'));
    const ran = await service.slipway('release');
    expectSaid(ran, 27, 'hint: Free space');
    expect(await service.served()).toBe('1.0.0');
    await rm(join(disk ?? '', 'rest'));
    await rm(ballast);
    await expectUnharmed(service, '1.0.0');
    expectSaid(await service.slipway('release'), 0);
    await expectUnharmed(service, '1.1.0');
  }, 60_000);
});

/** Leaves the first half of a file. Answers what checks that nobody touched that half, and brings the file back. */
async function cutShort(file: string): Promise<() => Promise<void>> {
  const whole = await readFile(file);
  const half = whole.subarray(0, whole.length / 2);
  await writeFile(file, half);
  return async () => {
    expect(await readFile(file), `${file} was written to`).toEqual(half);
    await writeFile(file, whole);
  };
}

/** A file system of a few hundred megabytes; null when this user may not make one. */
async function smallDisk(): Promise<string | null> {
  if (process.getuid?.() !== 0 || !existsSync('/proc/filesystems')) return null;
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slipway-disk-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    await rm(folder, { recursive: true });
    return null;
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
    for (let full = false; !full; ) full = await writeFile(file, block, { flag: 'a' }).then(() => false, () => true);
  }
}
