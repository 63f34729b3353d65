import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  chooseMethod,
  createBackup,
  discardFailed,
  openAccess,
  restoreBackup,
  type BackupManifest,
  type BackupMethod,
  type DatabaseAccess,
  type RestoreRequest,
} from '../../src/database/index.ts';
import { startPostgres, systemPostgres, type TestPostgres } from '../support/postgres.ts';
import { command, effects, scratch, tools, until } from './support.ts';

const folder = scratch();
let number = 0;
afterAll(() => folder[Symbol.dispose]());

function restores(version: 'embedded' | 'system', name: 'template' | 'pg_dump'): void {
  let server: TestPostgres;
  let access: DatabaseAccess;
  let method: BackupMethod;
  let manifest: BackupManifest;
  let directory: string;

  beforeAll(async () => {
    server = await startPostgres({ version });
    await server.query('postgres', 'CREATE ROLE keeper; CREATE ROLE app');
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    number += 1;
    access = openAccess(await server.create(`shop${number}`));
    directory = join(folder.path, `${number}`);
    await server.query(access.name, 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)');
    method = await chooseMethod(access, name, tools);
    manifest = await createBackup({ access, method, key: 'k', directory, fence: 1, effects });
    await server.query(access.name, 'DELETE FROM t WHERE id > 10; ALTER TABLE t ADD COLUMN broken int');
  });

  const request = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({
    access,
    manifest,
    method,
    directory,
    effects,
    key: 'release-1',
    fence: 1,
    ...more,
  });
  const count = async (database = access.name): Promise<unknown> =>
    (await server.query(database, 'SELECT count(*)::int AS n FROM t'))[0]?.['n'];
  const databases = async (): Promise<readonly unknown[]> =>
    (await server.query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE 'shop${number}%' ORDER BY 1`)).map(
      (row) => row['datname'],
    );

  test('puts the backup in the place of the live database and keeps that for inspection', async () => {
    const result = await restoreBackup(request());
    expect(result).toMatchObject({ verdict: 'pass', compared: { tables: 1, rows: 100 }, notKept: [] });
    expect(await count()).toBe(100);
    expect(await server.query(access.name, `SELECT 1 FROM information_schema.columns WHERE column_name = 'broken'`)).toEqual([]);
    expect(await count(result.failedDatabase ?? '')).toBe(10);
    expect((await databases()).filter((one) => String(one).includes('_restore_'))).toEqual([]);
  });

  test('the same key again finds it done, also after writes and after the failed database was discarded', async () => {
    const first = await restoreBackup(request());
    await server.query(access.name, 'INSERT INTO t VALUES (1000)');
    expect(await restoreBackup(request())).toEqual(first);
    const failed = { access, keys: ['release-1', 'other'], fence: 1, directory, clock: effects.clock };
    const looking = new pg.Client({ connectionString: server.url(first.failedDatabase ?? '') });
    await looking.connect();
    await discardFailed(failed);
    expect(await restoreBackup(request()), 'somebody is looking into it').toEqual(first);
    await looking.end();
    await until('the session is gone', async () => {
      await discardFailed(failed);
      return (await restoreBackup(request())).failedDatabase === null;
    });
    await discardFailed(failed);
    expect(await restoreBackup(request())).toEqual({ ...first, failedDatabase: null });
    expect(await count()).toBe(101);
  });

  test('another key restores again', async () => {
    await restoreBackup(request());
    await server.query(access.name, 'DELETE FROM t');
    expect(await restoreBackup(request({ key: 'release-2' }))).toMatchObject({ verdict: 'pass' });
    expect(await count()).toBe(100);
  });

  test('connected programs are put out', async () => {
    const client = new pg.Client({ connectionString: access.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN; DELETE FROM t');
    await restoreBackup(request());
    await expect(client.query('COMMIT')).rejects.toThrow(/terminat|not queryable/i);
    expect(await count()).toBe(100);
  });

  test('owner, rights, limit, comment and settings of the database stay', async () => {
    const database = pg.escapeIdentifier(access.name);
    for (const sql of [
      `ALTER DATABASE ${database} SET search_path = "$user", other, public`,
      `ALTER DATABASE ${database} SET app.flag = 'it''s on'`,
      `ALTER ROLE app IN DATABASE ${database} SET work_mem = '8MB'`,
      `GRANT CREATE ON DATABASE ${database} TO app WITH GRANT OPTION`,
      `REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`,
      `ALTER DATABASE ${database} CONNECTION LIMIT 17`,
      `COMMENT ON DATABASE ${database} IS 'the shop''s'`,
      `ALTER DATABASE ${database} OWNER TO keeper`,
    ])
      await server.query('postgres', sql);
    const facts = (name: string) =>
      server.query(
        'postgres',
        `SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS limit, shobj_description(oid, 'pg_database') AS comment,
           (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a) AS acl,
           (SELECT json_agg(json_build_array(setrole, e) ORDER BY setrole, e) FROM pg_db_role_setting, unnest(setconfig) e WHERE setdatabase = d.oid AND e NOT LIKE 'slipway.%') AS settings
         FROM pg_database d WHERE datname = $1`,
        [name],
      );
    const before = await facts(access.name);
    const result = await restoreBackup(request());
    expect(result.notKept).toEqual([]);
    expect(await facts(access.name)).toEqual(before);
    expect(await server.query(access.name, `SHOW search_path`)).toEqual([{ search_path: '"$user", other, public' }]);
  });

  test('a backup that differs from its manifest leaves the live database alone', async () => {
    const result = await restoreBackup(request({ manifest: { ...manifest, rows: { 'public.t': 99 } } }));
    expect(result).toMatchObject({ verdict: 'fail', failedDatabase: null });
    expect(result.reason).toContain('the live database is untouched');
    expect(await count()).toBe(10);
    expect((await databases()).filter((one) => /_(restore|failed)_/.test(String(one)))).toEqual([]);
  });

  test('cancelled before the swap, nothing happened', async () => {
    await expect(restoreBackup(request({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'release_aborted' });
    expect(await count()).toBe(10);
    expect(await restoreBackup(request())).toMatchObject({ verdict: 'pass' });
  });
}

describe('from a template', () => {
  restores('embedded', 'template');
});
describe.skipIf(systemPostgres() === null)('from pg_dump', () => {
  restores('system', 'pg_dump');
});

test('a backup that only a person can restore is unknown', async () => {
  const server = await startPostgres();
  try {
    const access = openAccess(await server.create('shop'));
    const method = await chooseMethod(access, 'command', {
      ...tools,
      command: { create: command('sh', '-c', 'echo id-7 > "$SLIPWAY_BACKUP_DIR/snapshot"'), restore: null },
    });
    const directory = join(folder.path, 'remote');
    const manifest = await createBackup({ access, method, key: 'k', directory, fence: 1, effects });
    expect(await restoreBackup({ access, manifest, method, directory, effects, key: 'k', fence: 1 })).toMatchObject({
      verdict: 'unknown',
      failedDatabase: null,
    });
    const other = await chooseMethod(access, 'template', tools);
    expect(await restoreBackup({ access, manifest, method: other, directory, effects, key: 'k', fence: 1 })).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('made by command') as string,
    });
  } finally {
    await server.stop();
  }
});
