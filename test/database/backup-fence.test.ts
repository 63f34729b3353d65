import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  applyMigrations,
  chooseMethod,
  createBackup,
  openAccess,
  readManifest,
  restoreBackup,
  verifyBackup,
  type BackupMethod,
  type BackupRequest,
  type DatabaseAccess,
} from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { effects, scratch, tools, until, writeMigrations } from './support.ts';

/** A worker stands still in the middle of something, another takes over, and then the first wakes up. */
let server: TestPostgres;
let access: DatabaseAccess;
let template: BackupMethod;
let directory: string;
let user: pg.Client;
let number = 0;
const folder = scratch();

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});
beforeEach(async () => {
  number += 1;
  access = openAccess(await server.create(`fence${number}`));
  await server.query(access.name, 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50)');
  template = await chooseMethod(access, 'template', tools);
  directory = join(folder.path, `${number}`, 'backup');
});
afterEach(() => user?.end().catch(() => undefined));

const request = (fence: number, method = template, more: Partial<BackupRequest> = {}): BackupRequest => ({
  access,
  method,
  key: 'k',
  directory,
  fence,
  effects,
  ...more,
});

/** Somebody who uses the live database from now on. */
async function connectUser(): Promise<void> {
  user = new pg.Client({ connectionString: access.url });
  user.on('error', () => undefined);
  await user.connect();
}

/** A point in the middle of a worker's work at which it stands still until it is woken. */
function frozen(): { readonly here: () => Promise<void>; readonly reached: Promise<void>; readonly wake: () => void } {
  let reach = (): void => undefined;
  let wake = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const woken = new Promise<void>((resolve) => (wake = resolve));
  const here = async (): Promise<void> => {
    reach();
    await woken;
  };
  return { here, reached, wake: () => wake() };
}

const siblings = async (): Promise<readonly unknown[]> =>
  (await server.query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE 'fence${number}\\_%' ORDER BY 1`)).map(
    (row) => row['datname'],
  );

describe('a worker that wakes up after it was replaced', () => {
  test('before it copied: ends no session, and the newer backup stays', async () => {
    const ice = frozen();
    const late: BackupMethod = {
      ...template,
      write: async (...given) => {
        await ice.here();
        return template.write(...given);
      },
    };
    const zombie = createBackup(request(1, late));
    await ice.reached;
    const manifest = await createBackup(request(2));
    await connectUser();
    ice.wake();
    await expect(zombie).rejects.toMatchObject({ code: 'fenced' });
    expect((await user.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(await readManifest(directory)).toEqual(manifest);
    expect(await siblings()).toEqual([manifest.location]);
    expect(readdirSync(dirname(directory)).toSorted()).toEqual(['backup', 'backup.fence']);
  });

  test('after it wrote its files: does not publish them over or into the newer backup', async () => {
    const ice = frozen();
    const writing = (text: string, wait: () => Promise<void>): BackupMethod => ({
      ...template,
      write: async (_hold, _key, into) => {
        await writeFile(join(into, 'dump'), text);
        await wait();
        return { files: [], location: null, bytes: 1, rows: {}, schemaDigest: '0'.repeat(64) };
      },
    });
    const zombie = createBackup(request(1, writing('old', ice.here)));
    await ice.reached;
    await createBackup(
      request(
        2,
        writing('new', () => writeFile(join(directory, '..', 'backup.half-2', 'second'), 'new')),
      ),
    );
    ice.wake();
    await expect(zombie).rejects.toMatchObject({ code: 'fenced' });
    expect(readdirSync(directory).toSorted()).toEqual(['dump', 'manifest.json', 'second']);
  });

  test('before it began: finds that it is too late, and touches nothing', async () => {
    const manifest = await createBackup(request(7));
    await connectUser();
    await expect(createBackup(request(6))).rejects.toMatchObject({ code: 'fenced' });
    const late = { access, manifest, method: template, directory, effects, fence: 6 };
    await expect(verifyBackup(late)).rejects.toMatchObject({ code: 'fenced' });
    await expect(restoreBackup({ ...late, key: 'k' })).rejects.toMatchObject({ code: 'fenced' });
    expect((await user.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 50 }]);
    expect(await createBackup(request(7))).toEqual(manifest);
  });

  test('in a verification: does not drop the scratch database of the newer one', async () => {
    const manifest = await createBackup(request(1));
    const [old, newer] = [frozen(), frozen()];
    const slow = (ice: typeof old): BackupMethod => ({
      ...template,
      materialise: async (...given) => {
        await template.materialise(...given);
        await ice.here();
      },
    });
    const verify = (fence: number, ice: typeof old) => verifyBackup({ access, manifest, method: slow(ice), directory, effects, fence });
    const zombie = verify(1, old);
    await old.reached;
    const second = verify(2, newer);
    await newer.reached;
    old.wake();
    await expect(zombie).rejects.toMatchObject({ code: 'fenced' });
    newer.wake();
    expect(await second).toMatchObject({ verdict: 'pass', compared: { tables: 1, rows: 50 } });
    expect(await siblings()).toEqual([manifest.location]);
  });

  test('before the swap of a restore: does not put a half-made database in the place of the live one', async () => {
    const manifest = await createBackup(request(1));
    await server.query(access.name, 'DELETE FROM t WHERE id > 5');
    const [old, newer] = [frozen(), frozen()];
    const restore = (fence: number, method: BackupMethod) =>
      restoreBackup({ access, manifest, method, directory, effects, fence, key: 'k' });
    const zombie = restore(1, {
      ...template,
      materialise: async (...given) => {
        await template.materialise(...given);
        await old.here();
      },
    });
    await old.reached;
    const second = restore(2, {
      ...template,
      materialise: async (...given) => {
        await newer.here();
        await template.materialise(...given);
      },
    });
    await newer.reached;
    await connectUser();
    old.wake();
    await expect(zombie).rejects.toMatchObject({ code: 'fenced' });
    expect((await user.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 5 }]);
    newer.wake();
    expect(await second).toMatchObject({ verdict: 'pass', compared: { rows: 50 } });
    expect(await server.query(access.name, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 50 }]);
  });
});

test('a worker that slept since before the migration does not migrate what was restored', async () => {
  const migrations = writeMigrations(join(folder.path, `${number}-migrations`), { '1_a.sql': 'CREATE TABLE late (id int)' });
  const migrate = (fence: number) =>
    applyMigrations({
      access,
      directory: migrations,
      history: 'slipway',
      release: 'r',
      fence,
      lockTimeoutMs: 500,
      statementTimeoutMs: 0,
      effects,
    });
  const manifest = await createBackup(request(1));
  expect(await migrate(3)).toMatchObject({ verdict: 'pass' });
  expect(await restoreBackup({ access, manifest, method: template, directory, effects, fence: 4, key: 'k' })).toMatchObject({
    verdict: 'pass',
  });
  await expect(migrate(2)).rejects.toMatchObject({ code: 'fenced' });
  expect(await server.query(access.name, `SELECT to_regclass('late') AS late`)).toEqual([{ late: null }]);
});

test('a full disk is called that, so that the step is tried again', async () => {
  mkdirSync(dirname(directory));
  symlinkSync('/dev/full', `${directory}.fence`);
  await expect(createBackup(request(1))).rejects.toMatchObject({ code: 'disk_full' });
});

test('told to stop, a backup cancels what the server is doing and leaves nothing', async () => {
  const stop = new AbortController();
  const slow: BackupMethod = {
    ...template,
    write: async (hold) => hold.session('sleeping', async (client) => (await client.query('SELECT pg_sleep(300)')) as never),
  };
  const told = createBackup(request(1, slow, { signal: stop.signal }));
  const sleeping = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
  await until('it sleeps', async () => (await server.query('postgres', sleeping)).length > 0);
  stop.abort();
  await expect(told).rejects.toMatchObject({ code: 'release_aborted' });
  expect(await server.query('postgres', sleeping)).toEqual([]);
  expect(readdirSync(dirname(directory))).toEqual(['backup.fence']);
});
