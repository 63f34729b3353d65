import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseMethod, openAccess, verifyBackup, type BackupMethodName, type BackupTools } from '../../src/database/index.ts';
import { backupContract, discard, take, underHold, type BackupWorld } from '../../src/database/contract.ts';
import { startPostgres, systemPostgres, type TestPostgres } from '../support/postgres.ts';
import { command, effects, run, scratch, tools, until } from './support.ts';

const system = systemPostgres();
const folder = scratch();
let made = 0;

async function world(server: TestPostgres, method: BackupMethodName, its: BackupTools): Promise<BackupWorld> {
  made += 1;
  const number = made;
  for (const { datname } of await server.query(
    'postgres',
    `SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'`,
  )) {
    await server.query('postgres', `DROP DATABASE ${pg.escapeIdentifier(String(datname))} WITH (FORCE)`);
  }
  const access = openAccess(await server.create('my shop'));
  return {
    method: await chooseMethod(access, method, its),
    access,
    effects,
    folder: (name) => join(folder.path, `${number}-${name}`),
    query: (database, sql) => server.query(database, sql),
  };
}

afterAll(() => folder[Symbol.dispose]());

describe('template on the embedded PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  const open = (): Promise<BackupWorld> => world(server, 'template', tools);

  backupContract(open);

  test('ends the sessions of the database, also those that keep coming back', async () => {
    const its = await open();
    const { access } = its;
    const stop = new AbortController();
    const knocking = [1, 2, 3].map(async () => {
      while (!stop.signal.aborted) {
        const client = new pg.Client({ connectionString: access.url });
        client.on('error', () => undefined);
        await client
          .connect()
          .then(() => client.query('SELECT pg_sleep(60)'))
          .catch(() => undefined);
        await client.end().catch(() => undefined);
      }
    });
    await until(
      'somebody is connected',
      async () => (await server.query('postgres', `SELECT 1 FROM pg_stat_activity WHERE datname = $1`, [access.name])).length > 0,
    );
    const manifest = await take(its);
    stop.abort();
    await server.query('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [access.name]);
    await Promise.all(knocking);
    expect(manifest.location).toMatch(/^my shop_backup_/);
    await discard(its, manifest);
  });

  test('nobody can change the copy', async () => {
    const its = await open();
    const manifest = await take(its);
    await expect(server.query(manifest.location ?? '', 'SELECT 1')).rejects.toThrow(/not currently accepting connections/);
    await discard(its, manifest);
  });

  test('a lost copy is made again instead of being believed', async () => {
    const its = await open();
    const { method, access } = its;
    const first = await take(its);
    await underHold(its, (hold) => method.discard(hold, first));
    await server.query(access.name, 'CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
    expect((await take(its)).rows).toEqual({ 'public.t': 1 });
  });

  test('a prepared transaction, which nobody can end, is named', async () => {
    const its = await open();
    const { access } = its;
    await server.query(access.name, `CREATE TABLE t (id int); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'forgotten'`);
    await expect(take(its)).rejects.toMatchObject({
      code: 'database_refused',
      message: expect.stringContaining('A prepared transaction (forgotten)') as string,
    });
    await server.query(access.name, `ROLLBACK PREPARED 'forgotten'`);
  });

  test('auto takes it for the embedded database only, and says what pg_dump would need', async () => {
    const { access } = await open();
    const without = { ...tools, clientFolders: [] };
    expect((await chooseMethod(access, 'auto', without)).name).toBe('template');
    const remote = await chooseMethod(access, 'auto', { ...without, embedded: false });
    expect(remote.name).toBe('pg_dump');
    expect(await remote.available(access)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('not installed') as string,
      hint: expect.stringContaining('apt-get install postgresql-client-18') as string,
    });
  });

  test('a pg_dump older than the server is not used', async () => {
    const its = await open();
    const { access, folder: path } = its;
    mkdirSync(path('old'), { recursive: true });
    for (const name of ['pg_dump', 'pg_restore']) {
      writeFileSync(join(path('old'), name), '#!/bin/sh\necho "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"\n');
      chmodSync(join(path('old'), name), 0o755);
    }
    const method = await chooseMethod(access, 'pg_dump', { ...tools, clientFolders: [path('old')] });
    expect(await method.available(access)).toMatchObject({ ok: false, reason: 'pg_dump 15 is older than the server (PostgreSQL 18)' });
    await expect(take(its, { method })).rejects.toMatchObject({ code: 'client_tool_missing' });
  });
});

describe.skipIf(system === null)('pg_dump and a command on the system PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres({ version: 'system' });
  });
  afterAll(() => server.stop());
  const bin = system ?? '';
  const withCommand: BackupTools = {
    ...tools,
    command: {
      create: command(
        'sh',
        '-c',
        `"${bin}/pg_dump" --snapshot="$SLIPWAY_SNAPSHOT" --format=plain --file="$SLIPWAY_BACKUP_DIR/all.sql" "$DATABASE_URL"`,
      ),
      restore: command(
        'sh',
        '-c',
        `"${bin}/psql" --quiet --set=ON_ERROR_STOP=1 --file="$SLIPWAY_BACKUP_DIR/all.sql" "$SLIPWAY_RESTORE_DATABASE_URL" > /dev/null`,
      ),
    },
  };

  describe('pg_dump', () => {
    const open = (): Promise<BackupWorld> => world(server, 'pg_dump', tools);
    backupContract(open);

    test('users go on writing, and the counts still hold for the dump', async () => {
      const its = await open();
      const { method, access, folder: path, query } = its;
      await query(access.name, 'CREATE TABLE t (id serial)');
      const stop = new AbortController();
      const writing = (async () => {
        while (!stop.signal.aborted) await query(access.name, 'INSERT INTO t SELECT FROM generate_series(1, 20)');
      })();
      await until('rows are there', async () => (await query(access.name, 'SELECT 1 FROM t LIMIT 1')).length > 0);
      const manifest = await take(its);
      stop.abort();
      await writing;
      expect(await verifyBackup({ access, manifest, method, directory: path('b'), effects, fence: 1 })).toMatchObject({ verdict: 'pass' });
    });

    test('a damaged or missing file fails without a restore', async () => {
      const its = await open();
      const { method, access, folder: path } = its;
      const manifest = await take(its);
      // One byte, in place: the size stays.
      const dump = readFileSync(join(path('b'), 'database.dump'));
      dump[dump.length - 20] = (dump[dump.length - 20] ?? 0) ^ 1;
      writeFileSync(join(path('b'), 'database.dump'), dump);
      const request = { access, manifest, method, directory: path('b'), effects, fence: 1 };
      expect(await verifyBackup(request)).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining('sha256 differs') as string,
        compared: { tables: 0, rows: 0 },
      });
      rmSync(join(path('b'), 'database.dump'));
      expect(await verifyBackup(request)).toMatchObject({ verdict: 'fail', reason: 'database.dump is missing' });
    });

    test('the password is in the environment, not in the arguments', async () => {
      const seen: { argv: readonly string[]; env: Readonly<Record<string, string>>; secrets: readonly string[] }[] = [];
      const its = await open();
      const { access, folder: path } = its;
      const secret = openAccess(access.url.replace('slipway@', 'slipway:p%40ss-word@'));
      const method = await chooseMethod(secret, 'pg_dump', {
        ...tools,
        run: (argv, env, secrets) => {
          seen.push({ argv, env, secrets });
          return run(argv, env, secrets);
        },
      });
      const manifest = await take(its, { access: secret, method });
      await underHold({ ...its, access: secret }, (hold) => method.materialise(hold, manifest, path('b'), 'brought_back'));
      expect(seen).toHaveLength(2);
      for (const { argv, env, secrets } of seen) {
        expect(argv.join(' ')).not.toMatch(/p(%40|@)ss-word/);
        expect(env['PGPASSWORD']).toBe('p@ss-word');
        expect(secrets).toContain('p@ss-word');
      }
    });
  });

  describe('command', () => {
    backupContract(() => world(server, 'command', withCommand));

    test('without a restore command it is unknown whether the backup is any good', async () => {
      const its = await world(server, 'command', withCommand);
      const { access, folder: path } = its;
      const create = withCommand.command?.create ?? command('false');
      const method = await chooseMethod(access, 'auto', { ...withCommand, command: { create, restore: null } });
      expect(method.name).toBe('command');
      expect(method.capabilities.canVerify).toBe(false);
      const manifest = await take(its, { method });
      expect(await verifyBackup({ access, manifest, method, directory: path('b'), effects, fence: 1 })).toMatchObject({
        verdict: 'unknown',
        compared: { tables: 0, rows: 0 },
      });
    });

    test.each([
      [
        'that fails',
        command('sh', '-c', 'echo password=hunter22 >&2; exit 3'),
        /The backup command failed \(exit 3\): password=\[redacted\]/,
      ],
      ['that leaves nothing', command('true'), /left no file/],
    ])('a command %s is no backup', async (_what, create, message) => {
      const its = await world(server, 'command', withCommand);
      const method = await chooseMethod(its.access, 'command', { ...tools, command: { create, restore: null } });
      await expect(take(its, { method })).rejects.toThrow(message);
    });

    test('a restore that brings too little fails verification', async () => {
      const its = await world(server, 'command', withCommand);
      const { access, folder: path, query } = its;
      await query(access.name, 'CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
      const method = await chooseMethod(access, 'command', {
        ...tools,
        command: { create: command('sh', '-c', 'echo > "$SLIPWAY_BACKUP_DIR/x"'), restore: command('true') },
      });
      const manifest = await take(its, { method });
      const answer = await verifyBackup({ access, manifest, method, directory: path('b'), effects, fence: 1 });
      expect(answer).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining('public.t should have 1 rows and has no table') as string,
      });
    });
  });
});
