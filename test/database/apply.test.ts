import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyMigrations, migrationStatus, openAccess } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';
import { until } from './support.ts';

const { server, access, folder, lines, request, files, query } = migrationWorld();

describe('applying', () => {
  test('in order, once, with a record of what, when and by which release', async () => {
    files({
      '2_b.sql': 'INSERT INTO t VALUES (2)',
      '10_c.sql': 'INSERT INTO t VALUES (3)',
      '1_a.sql': 'CREATE TABLE t (id serial, n int); INSERT INTO t (n) VALUES (1)',
    });
    files({ '2_b.sql': 'INSERT INTO t (n) VALUES (2)', '10_c.sql': 'INSERT INTO t (n) VALUES (3)' });
    const first = await applyMigrations(request());
    expect(first).toMatchObject({ verdict: 'pass', changed: true, applied: ['1_a', '2_b', '10_c'], partial: null });
    expect(first.files[0]).toMatchObject({ name: '1_a', statements: 2, attempts: 1 });
    expect(await query('SELECT n FROM t ORDER BY id')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false, applied: [] });
    expect(await query('SELECT release, fence::int, sha256 FROM slipway_history.migration WHERE name = $$1_a$$')).toMatchObject([
      { release: 'r1', fence: 1, sha256: first.files[0]?.sha256 },
    ]);
    const status = await migrationStatus(access(), { directory: folder() });
    expect(status.applied.map((one) => one.name)).toEqual(['1_a', '2_b', '10_c']);
    expect(status.applied[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(status).toMatchObject({ pending: [], drift: [], partial: null });
  });

  test('status needs no history and makes none', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    const status = await migrationStatus(access(), { directory: folder() });
    expect(status).toMatchObject({
      applied: [],
      pending: [{ name: '1_a', transactional: true, rollbackClass: 'app', hasDown: false }],
      drift: [],
    });
    expect(await query(`SELECT 1 FROM pg_namespace WHERE nspname LIKE 'slipway%'`)).toEqual([]);
  });

  test('does not take over the tables of a user called slipway', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request());
    await query('CREATE TABLE mine (id int)');
    expect(await query(`SELECT schemaname FROM pg_tables WHERE tablename IN ('t', 'mine')`)).toEqual([
      { schemaname: 'public' },
      { schemaname: 'public' },
    ]);
  });

  test('a syntax error in the third file applies nothing', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'SELECT 1', '3_c.sql': 'SELECT 1;\nSELEC 1' });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: false, applied: [] });
    expect(answer.reason).toContain('3_c.sql:2: syntax error');
    expect(await query(`SELECT 1 FROM pg_tables WHERE tablename = 't'`)).toEqual([]);
  });

  test('a failing statement undoes its file and stops; the message names file, line, statement, code and hint', async () => {
    files({
      '1_a.sql': 'CREATE TABLE t (id int)',
      '2_b.sql': `-- é é é\nINSERT INTO t VALUES (1);\nSELECT\n  'é',\n  idd FROM t;`,
      '3_c.sql': 'SELECT 1',
    });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: true, applied: ['1_a'], partial: null });
    expect(answer.reason).toContain('2_b.sql:5: column "idd" does not exist [42703]');
    expect(answer.reason).toContain("in: SELECT 'é', idd FROM t");
    expect(answer.reason).toContain('hint: Perhaps you meant to reference the column "t.id"');
    expect(await query('SELECT * FROM t')).toEqual([]);
    files({ '2_b.sql': 'INSERT INTO t VALUES (2)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b', '3_c'] });
  });

  test('what a deferred constraint refuses is told with the file', async () => {
    files({
      '1_a.sql': 'CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES t DEFERRABLE INITIALLY DEFERRED)',
      '2_b.sql': 'INSERT INTO t VALUES (1, 9)',
    });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', applied: ['1_a'] });
    expect(answer.reason).toContain('2_b.sql (at its end)');
    expect(answer.reason).toContain('[23503]');
  });

  test('neither secrets nor the rows of users are in messages', async () => {
    files({
      '1_a.sql': `CREATE TABLE t (mail text UNIQUE, n int CHECK (n > 0)); INSERT INTO t VALUES ('jane.private', 1)`,
      '2_b.sql': `INSERT INTO t (mail, n) SELECT mail, -5 FROM t`,
    });
    const answer = await applyMigrations(request());
    expect(answer.reason).toContain('[23514]');
    expect(answer.reason).not.toContain('jane.private');
    files({ '2_b.sql': `CREATE USER x PASSWORD 'hunter2hunter2' NONSENSE` });
    files({ '2_b.sql': `ALTER ROLE nobody_here PASSWORD 'hunter2hunter2'` });
    const second = await applyMigrations(request());
    expect(second.verdict).toBe('fail');
    expect(`${second.reason}\n${lines.join('\n')}`).not.toContain('hunter2hunter2');
  });

  test('what a file sets does not reach the next, and a role it takes does not write our history', async () => {
    await query('CREATE ROLE poor; CREATE SCHEMA other AUTHORIZATION poor');
    files({ '1_a.sql': 'SET search_path = other; SET ROLE poor; CREATE TABLE t (id int)', '2_b.sql': 'CREATE TABLE u (id int)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(
      await query(
        `SELECT schemaname || '.' || tablename || ' ' || tableowner AS t FROM pg_tables WHERE tablename IN ('t', 'u') ORDER BY 1`,
      ),
    ).toEqual([{ t: 'other.t poor' }, { t: 'public.u slipway' }]);
  });

  test('a file that becomes another user does not write our history as that user', async () => {
    await query('CREATE ROLE poorer; CREATE SCHEMA theirs AUTHORIZATION poorer');
    files({
      '1_a.sql': 'SET SESSION AUTHORIZATION poorer; CREATE TABLE theirs.t (id int)',
      '2_b.sql':
        '-- slipway: no-transaction\nSET SESSION AUTHORIZATION poorer;\nCREATE TABLE theirs.u (id int);\nCREATE INDEX CONCURRENTLY i ON theirs.u (id)',
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a', '2_b'] });
    expect(await query(`SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'theirs'`)).toEqual([{ tableowner: 'poorer' }]);
  });

  test('a file cannot lift the limits, only make them stricter', async () => {
    const show = `INSERT INTO seen SELECT current_setting('lock_timeout'), current_setting('statement_timeout')`;
    files({
      '1_a.sql': `CREATE TABLE seen (lock text, statement text); SET lock_timeout = 0; SET statement_timeout = '1h'; ${show};
        SELECT set_config('lock_timeout', '50ms', false); SET LOCAL statement_timeout = '3s'; ${show}; RESET ALL; ${show}`,
      '2_b.sql': `-- slipway: no-transaction\nSET lock_timeout = 0;\nSET statement_timeout = 0;\n${show};\nVACUUM seen;\n${show}`,
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    const most = { lock: '100ms', statement: '20s' };
    expect(await query('SELECT lock, statement FROM seen')).toEqual([most, { lock: '50ms', statement: '3s' }, most, most, most]);
  });

  test('a file chooses the isolation level of its transaction', async () => {
    files({
      '1_a.sql': `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE seen AS SELECT current_setting('transaction_isolation') AS level`,
      '2_b.sql': `INSERT INTO seen SELECT current_setting('transaction_isolation')`,
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a', '2_b'] });
    expect(await query('SELECT level FROM seen')).toEqual([{ level: 'serializable' }, { level: 'read committed' }]);
  });

  test('a file without a statement is recorded', async () => {
    files({ '1_a.sql': '-- slipway: no-transaction\n-- nothing' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    expect(await applyMigrations(request())).toMatchObject({ applied: [] });
  });

  test('eight at once apply each file once', async () => {
    files({
      '1_a.sql': 'CREATE TABLE t (id int)',
      '2_b.sql': 'INSERT INTO t VALUES (1)',
      '3_c.sql': 'INSERT INTO t VALUES (2); SELECT pg_sleep(0.1)',
    });
    const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => applyMigrations(request({ waitMs: 20_000 }))));
    expect(answers.map((one) => one.verdict)).toEqual(answers.map(() => 'pass'));
    expect(answers.flatMap((one) => one.applied).toSorted()).toEqual(['1_a', '2_b', '3_c']);
    expect(await query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }]);
  });
});

describe('drift', () => {
  test('changed, missing and late files stop everything unless accepted', async () => {
    files({ '1_a.sql': 'SELECT 1', '3_c.sql': 'SELECT 3', '4_d.sql': 'SELECT 4' });
    await applyMigrations(request());
    files({ '1_a.sql': 'SELECT 111', '2_b.sql': 'CREATE TABLE late (id int)' });
    rmSync(join(folder(), '4_d.sql'));
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    for (const words of [
      '1_a was changed after it was applied',
      /4_d was applied by release \S+ and is not in the folder/,
      '2_b sorts before 4_d',
    ])
      expect(answer.reason).toMatch(words);
    expect((await migrationStatus(access(), { directory: folder() })).drift).toHaveLength(3);
    expect(await applyMigrations(request({ acceptDrift: true }))).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
  });
});

describe('a server that refuses', () => {
  test('read-only', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await server().query('postgres', `ALTER DATABASE ${access().name} SET default_transaction_read_only = on`);
    await expect(applyMigrations(request())).rejects.toMatchObject({
      code: 'database_refused',
      message: expect.stringContaining('read-only') as string,
    });
  });

  test('a user without rights', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await query('CREATE ROLE guest LOGIN');
    const guest = openAccess(access().url.replace('slipway@', 'guest@'));
    await expect(applyMigrations(request({ access: guest }))).rejects.toMatchObject({
      code: 'database_refused',
      hint: expect.stringContaining('user guest') as string,
    });
  });

  test('a connection that is cut is a failure without effect', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int);\nSELECT pg_sleep(60)' });
    const applying = applyMigrations(request());
    await until('the sleep runs', () => lines.some((line) => line.includes('pg_sleep')));
    await server().query(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'slipway migrate-work%' AND datname = '${access().name}'`,
    );
    expect(await applying).toMatchObject({
      verdict: 'fail',
      changed: false,
      reason: expect.stringContaining('connection to the database was lost in 1_a.sql:2') as string,
    });
    expect(await query(`SELECT 1 FROM pg_tables WHERE tablename = 't'`)).toEqual([]);
  });
});
