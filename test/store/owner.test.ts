import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedded, processExists, stopUnusedEmbedded, type Embedded } from '../../src/store/index.ts';
import { MAIN } from '../cli/support.ts';
import { placeStore } from '../support/place-store.ts';
import { signalOne } from '../support/signal.ts';
import { eventually, isOpenToOthers, query, scratch, type Scratch } from './support.ts';

const STORE = join(import.meta.dirname, '../../src/store/index.ts');
/** `nobody`, whose name every system knows, and one without a name. */
const [NOBODY, STRANGER] = [65_534, 64_999];
/** Tests with several users need root, and a clone that the others can read. */
const withUsers = process.getuid?.() === 0 && isOpenToOthers(import.meta.dirname);

const pidIn = (home: string): number => Number(readFileSync(join(home, 'store', 'pg', 'postmaster.pid'), 'utf8').split('\n')[0]);

/** Runs the built program as a user. */
function slipwayAs(uid: number, folder: string, ...args: readonly string[]): { readonly exit: number | null; readonly err: string } {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_'));
  const options = { cwd: folder, env: Object.fromEntries(own), uid, gid: uid, encoding: 'utf8', timeout: 25_000 } as const;
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], options);
  return { exit: status, err: stderr };
}

const COMMANDS = [
  ['flag', 'kill', 'new-checkout', '--reason', 'errors'],
  ['serve', '--port', '0'],
  ['agent', 'start'],
  ['agent', 'run'],
  ['agent', 'stop', '--all'],
  ['worker'],
  ['doctor'],
];

let place: Scratch;
let tmp: string | undefined;
const opened: Embedded[] = [];
const track = (embedded: Embedded): Embedded => (opened.push(embedded), embedded);

beforeEach(() => {
  place = scratch();
  chmodSync(place.home, 0o755);
  tmp = process.env['TMPDIR'];
});
afterEach(async () => {
  if (tmp === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = tmp;
  for (const embedded of opened.splice(0)) {
    await embedded.stop('immediate');
    rmSync(embedded.socketDirectory, { recursive: true, force: true });
  }
  place.remove();
});

// Skipped elsewhere.
describe.runIf(withUsers)('the store of another user', () => {
  it('is refused to root, with the command to use, and its server and folder stay as they are', async () => {
    const [folder, home] = [join(place.home, 'theirs'), join(place.home, 'theirs', '.slipway')];
    mkdirSync(folder);
    chownSync(folder, NOBODY, NOBODY);
    const script = `import { openEmbedded } from ${JSON.stringify(STORE)};
      console.log((await openEmbedded({ home: ${JSON.stringify(home)} })).socketDirectory);`;
    const options = { uid: NOBODY, gid: NOBODY, cwd: folder, encoding: 'utf8' } as const;
    const sockets = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script], options).trim();
    const pid = pidIn(home);
    try {
      const refusal = { code: 'store_owner', hint: 'Run it as that user: `sudo -u nobody slipway ...`' };
      await expect(openEmbedded({ home })).rejects.toMatchObject(refusal);
      await expect(stopUnusedEmbedded(home)).rejects.toMatchObject(refusal);
      for (const command of COMMANDS) {
        const { exit, err } = slipwayAs(0, folder, ...command);
        expect([command, exit, err]).toEqual([command, 21, expect.stringContaining(refusal.hint)]);
      }
      expect(pidIn(home)).toBe(pid);
      expect(processExists(pid)).toBe(true);
      expect(readdirSync(home)).toEqual(['store']);
      // The owner goes on.
      expect(slipwayAs(NOBODY, folder, 'flag', 'list')).toMatchObject({ exit: 0 });
    } finally {
      if (processExists(pid)) signalOne(pid, 'SIGQUIT');
      await eventually('it stopped', () => !processExists(pid));
      rmSync(sockets, { recursive: true, force: true });
    }
  });

  it.each(['as root', 'as nobody'])('made by root, with PostgreSQL %s, goes on for root and is refused to others', async (how) => {
    const [folder, home] = [join(place.home, 'roots'), join(place.home, 'roots', '.slipway')];
    mkdirSync(folder);
    await placeStore(home);
    if (how === 'as nobody') execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, join(home, 'store', 'pg')]);
    const mine = track(await openEmbedded({ home }));
    const pid = pidIn(home);
    // With the folder closed, as Slipway makes it, and where others may look in.
    for (const mode of [0o700, 0o755]) {
      chmodSync(home, mode);
      for (const command of mode === 0o700 ? COMMANDS : COMMANDS.slice(0, 1)) {
        const { exit, err } = slipwayAs(STRANGER, folder, ...command);
        expect([command, exit, err]).toEqual([command, 21, expect.stringContaining('Run it as that user: `sudo slipway ...`')]);
      }
    }
    expect((await openEmbedded({ home })).started).toBe(false);
    expect(await query(mine.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(pidIn(home)).toBe(pid);
  });
});

describe('a server that runs', () => {
  const elsewhere = (): void => {
    process.env['TMPDIR'] = join(place.home, 't');
    mkdirSync(process.env['TMPDIR'], { recursive: true });
  };

  it('is used where its socket is, with another TMPDIR too', async () => {
    const first = track(await openEmbedded({ home: place.home }));
    const pid = pidIn(place.home);
    elsewhere();
    const second = await openEmbedded({ home: place.home });
    expect([second.started, second.socketDirectory]).toEqual([false, first.socketDirectory]);
    expect(pidIn(place.home)).toBe(pid);
    await first.stop('fast');
    expect(await stopUnusedEmbedded(place.home)).toBe(true);
  });

  it('is not restarted for a process that knows an earlier place of its socket', async () => {
    const first = await openEmbedded({ home: place.home });
    await first.stop('fast');
    rmSync(first.socketDirectory, { recursive: true, force: true });
    elsewhere();
    const second = track(await openEmbedded({ home: place.home }));
    const pid = pidIn(place.home);
    expect(second.socketDirectory).not.toBe(first.socketDirectory);
    await expect(first.ensureRunning()).rejects.toMatchObject({
      code: 'store_unreachable',
      hint: expect.stringContaining('TMPDIR') as string,
    });
    expect(pidIn(place.home)).toBe(pid);
  });

  it('is not taken for the server of a copy of its state directory', async () => {
    const original = track(await openEmbedded({ home: place.home }));
    await original.ensureDatabase('original');
    const copy = join(place.home, 'copy');
    mkdirSync(join(copy, 'store'), { recursive: true });
    // With owners; a file that goes while it is copied is left out.
    spawnSync('cp', ['-a', original.dataDirectory, join(copy, 'store', 'pg')]);
    // A copy of a running server may be of no use; whether it starts or is refused, it is not the original.
    const other = await openEmbedded({ home: copy }).then(track, () => null);
    expect(other?.socketDirectory).not.toBe(original.socketDirectory);
    expect(await query(original.url('original'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});
