import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFailure } from '../../src/store/embedded/failures.ts';
import { chooseIdentity } from '../../src/store/embedded/identity.ts';
import { socketDirectory } from '../../src/store/embedded/socket.ts';
import { openEmbedded, processExists, stopUnusedEmbedded, type Embedded } from '../../src/store/index.ts';
import { signalOne } from '../support/signal.ts';
import { eventually, isOpenToOthers, query, scratch, type Scratch } from './support.ts';

const run = promisify(execFile);
const root = process.getuid?.() === 0;

const pidOf = (embedded: Embedded): number => Number(readFileSync(join(embedded.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
const startedAt = async (embedded: Embedded): Promise<string> =>
  String((await query<{ at: Date }>(embedded.url('postgres'), 'select pg_postmaster_start_time() as at'))[0]?.at.getTime());

describe('the embedded PostgreSQL', () => {
  let place: Scratch;
  const opened: Embedded[] = [];
  const open = async (): Promise<Embedded> => {
    const embedded = await openEmbedded({ home: place.home });
    opened.push(embedded);
    return embedded;
  };

  beforeEach(() => {
    place = scratch();
  });
  afterEach(async () => {
    for (const embedded of opened.splice(0)) {
      await embedded.stop('immediate');
      rmSync(embedded.socketDirectory, { recursive: true, force: true });
    }
    place.remove();
  });

  it('starts, attaches, listens on nothing but a socket only its user can reach, and stops when unused', async () => {
    const first = await open();
    const second = await open();
    expect([first.started, second.started]).toEqual([true, false]);
    expect(await query(first.url('postgres'), 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
    expect(statSync(first.socketDirectory).mode & 0o777).toBe(0o700);
    expect(statSync(first.dataDirectory).mode & 0o777).toBe(0o700);
    await first.ensureDatabase('my "shop"');
    await second.ensureDatabase('my "shop"');
    expect(
      await query(second.url('my "shop"'), "select current_database() as name, current_setting('server_encoding') as encoding"),
    ).toEqual([{ name: 'my "shop"', encoding: 'UTF8' }]);
    const pid = pidOf(first);
    const sleeping = (what: string) => query(first.url('postgres'), `select ${what} from pg_stat_activity where wait_event = 'PgSleep'`);
    const busy = query(first.url('postgres'), 'select pg_sleep(60)').catch(() => 'ended');
    // Not asked by trying to stop it: before the query is there, that would succeed.
    await eventually('the query runs', async () => (await sleeping('pid')).length > 0);
    expect(await first.stopIfUnused()).toBe(false);
    await sleeping('pg_terminate_backend(pid)');
    expect(await busy).toBe('ended');
    await eventually('nobody uses it any more', () => first.stopIfUnused());
    await eventually('it stopped', () => !processExists(pid));
  });

  it('is stopped for somebody who ended a moment ago, whose session the server counts still', async () => {
    const embedded = await open();
    const leaving = new Client({ connectionString: embedded.url('postgres') });
    await leaving.connect();
    const pid = pidOf(embedded);
    // Counted when a session ends: those of a look are too short to be met.
    const ended = async (): Promise<number> => {
      const { rows } = await leaving.query<{ sessions: string }>('select sum(sessions) as sessions from pg_stat_database');
      return Number(rows[0]?.sessions);
    };
    const before = await ended();
    const stopping = stopUnusedEmbedded(place.home);
    await eventually('it has looked', async () => (await ended()) >= before + 2);
    await leaving.end();
    expect(await stopping).toBe(true);
    expect(processExists(pid)).toBe(false);
  });

  it('is not stopped for somebody who stays', async () => {
    const embedded = await open();
    const staying = new Client({ connectionString: embedded.url('postgres') });
    await staying.connect();
    expect(await stopUnusedEmbedded(place.home)).toBe(false);
    expect((await staying.query('select 1')).rowCount).toBe(1);
    await staying.end();
  });

  it('is started once by many at once, in many processes', async () => {
    const script = join(place.home, 'start.ts');
    writeFileSync(
      script,
      `import { openEmbedded } from ${JSON.stringify(join(import.meta.dirname, '../../src/store/index.ts'))};\nconsole.log((await openEmbedded({ home: ${JSON.stringify(place.home)} })).started);`,
    );
    const children = [run(process.execPath, [script]), run(process.execPath, [script])];
    const [mine, ...others] = await Promise.all([open(), open(), ...children]);
    expect(others).toHaveLength(3);
    expect(await query(mine.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(readdirSync(join(place.home, 'store')).filter((name) => name.startsWith('pg'))).toEqual(['pg']);
  });

  it('comes back after kill -9 with a client attached, with everything that was acknowledged', async () => {
    const embedded = await open();
    const url = embedded.url('postgres');
    await query(url, 'create table kept (n int); insert into kept select generate_series(1, 1000)');
    const hanging = query(url, 'select pg_sleep(60)').catch(() => 'cut');
    signalOne(pidOf(embedded));
    await embedded.ensureRunning();
    expect(await hanging).toBe('cut');
    expect(await query(url, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
  });

  it('starts although its old process id belongs to another process now', async () => {
    const embedded = await open();
    const file = join(embedded.dataDirectory, 'postmaster.pid');
    const old = readFileSync(file, 'utf8');
    await embedded.stop('fast');
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      writeFileSync(file, old.replace(/^\d+/, String(stranger.pid)));
      expect((await open()).started).toBe(true);
      expect(processExists(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('replaces a server whose state directory was removed under it', async () => {
    const ghost = pidOf(await open());
    rmSync(join(place.home, 'store'), { recursive: true, force: true });
    const embedded = await open();
    expect(embedded.started).toBe(true);
    expect(processExists(ghost)).toBe(false);
    expect(await query(embedded.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('restarts a server whose socket was cleaned away', async () => {
    const embedded = await open();
    const before = await startedAt(embedded);
    rmSync(embedded.socketDirectory, { recursive: true, force: true });
    await embedded.ensureRunning();
    expect(await startedAt(embedded)).not.toBe(before);
  });

  it('refuses a socket folder that is a link, open to others, or not a folder', async () => {
    const path = socketDirectory(place.home);
    const spoils = [() => symlinkSync(place.home, path), () => (mkdirSync(path), chmodSync(path, 0o777)), () => writeFileSync(path, '')];
    for (const spoil of spoils) {
      spoil();
      await expect(open()).rejects.toMatchObject({ code: 'state_corrupt', message: expect.stringContaining(path) as string });
      rmSync(path, { recursive: true, force: true });
    }
  });

  it('names a damaged data folder instead of making a new one', async () => {
    const embedded = await open();
    await embedded.stop('fast');
    const control = join(embedded.dataDirectory, 'global', 'pg_control');
    const kept = readFileSync(control);
    writeFileSync(control, Buffer.alloc(kept.length));
    await expect(open()).rejects.toMatchObject({ code: 'state_corrupt', hint: expect.stringContaining('set it aside') as string });
    writeFileSync(control, kept);
    const version = join(embedded.dataDirectory, 'PG_VERSION');
    writeFileSync(version, '12\n');
    await expect(open()).rejects.toMatchObject({ code: 'store_version' });
    rmSync(version);
    await expect(open()).rejects.toMatchObject({ code: 'state_corrupt' });
  });

  it('does not take an initdb that was killed half-way for a store', async () => {
    const draft = join(place.home, 'store', `pg.init-${2 ** 22 + 1}-dead`);
    mkdirSync(draft, { recursive: true });
    await open();
    expect(readdirSync(join(place.home, 'store'))).not.toContain(draft);
    expect(readdirSync(join(place.home, 'store')).filter((name) => name.startsWith('pg.init-'))).toEqual([]);
  });

  // A clone in a folder that only root may enter has nothing another user could run.
  it.runIf(root && isOpenToOthers(import.meta.dirname))('runs for an ordinary user too', async () => {
    const home = join(place.home, 'theirs');
    mkdirSync(home);
    chmodSync(place.home, 0o755);
    chownSync(home, 65_534, 65_534);
    const script = `import { openEmbedded } from ${JSON.stringify(join(import.meta.dirname, '../../src/store/index.ts'))};
      import { rmSync } from 'node:fs';
      const embedded = await openEmbedded({ home: ${JSON.stringify(home)} });
      console.log(embedded.started, process.getuid());
      await embedded.stop('fast');
      rmSync(embedded.socketDirectory, { recursive: true });`;
    const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', script], {
      uid: 65_534,
      gid: 65_534,
      cwd: place.home,
    });
    expect(stdout.trim()).toBe('true 65534');
  });

  it.runIf(root)('falls back to another user where the folders can be reached, and says what to do where they cannot', () => {
    chmodSync(place.home, 0o755);
    expect(chooseIdentity([join(place.home, 'x')], 65_534)).toMatchObject({ prefix: [], credentials: { uid: 65_534 }, owner: 65_534 });
    chmodSync(place.home, 0o700);
    expect(() => chooseIdentity([join(place.home, 'x')], 65_534)).toThrow(
      expect.objectContaining({ code: 'platform_unsupported' }) as Error,
    );
  });

  it('makes the library links that an install without scripts leaves out, without touching node_modules', async () => {
    const { hydrateLinks } = await import('../../src/store/embedded/binaries.ts');
    const root = join(place.home, 'package');
    mkdirSync(join(root, 'native', 'lib'), { recursive: true });
    writeFileSync(join(root, 'native', 'pg-symlinks.json'), '[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]');
    writeFileSync(join(root, 'native', 'lib', 'libx.so.1.2'), 'x');
    const links = join(place.home, 'links');
    expect(hydrateLinks(root, links)).toBe(links);
    expect(hydrateLinks(root, links)).toBe(links);
    expect(readFileSync(join(links, 'libx.so.1'), 'utf8')).toBe('x');
    copyFileSync(join(root, 'native', 'lib', 'libx.so.1.2'), join(root, 'native', 'lib', 'libx.so.1'));
    expect(hydrateLinks(root, links)).toBeNull();
    expect(dirname(links)).toBe(place.home);
  });
});

describe('what a failed start means', () => {
  it.each([
    ['initdb: error: could not write to file "pg_wal": No space left on device', 'disk_full'],
    ['FATAL:  could not extend file "base/1/2": Disk quota exceeded', 'disk_full'],
    ['PANIC:  could not locate a valid checkpoint record at 0/1', 'state_corrupt'],
    [
      'FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by PostgreSQL version 17',
      'store_version',
    ],
    ['postgres: error while loading shared libraries: libicui18n.so.60: cannot open shared object file', 'platform_unsupported'],
    ['FATAL:  something new', 'store_unreachable'],
  ])('%s', (log, code) => {
    expect(readFailure('starting', log, '/store')).toMatchObject({ kind: 'refused', error: { code } });
  });

  it('starts again what was killed while it was starting', () => {
    expect(readFailure('starting', 'LOG:  starting PostgreSQL 18.4', '/store')).toEqual({ kind: 'again' });
  });

  it('waits for leftovers of a killed server', () => {
    expect(readFailure('starting', 'FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use', '/store')).toEqual({
      kind: 'again',
    });
    expect(
      readFailure(
        'starting',
        'LOG:  shutting down\nFATAL:  the database system is shutting down\nLOG:  database system is shut down\n',
        '/store',
      ),
    ).toEqual({ kind: 'again' });
    expect(readFailure('starting', 'FATAL:  lock file "postmaster.pid" already exists', '/store')).toEqual({ kind: 'again' });
  });
});
