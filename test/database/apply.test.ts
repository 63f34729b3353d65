import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applyMigrations, downMigrations, migrationStatus, openAccess, type ApplyRequest, type DatabaseAccess } from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { effects, scratch, until, writeMigrations } from './support.ts';

let server: TestPostgres;
let access: DatabaseAccess;
let folder: ReturnType<typeof scratch>;
let lines: string[];
let number = 0;
const open: pg.Client[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

beforeEach(async () => {
  number += 1;
  access = openAccess(await server.create(`app${number}`));
  folder = scratch();
  lines = [];
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
  folder[Symbol.dispose]();
});

const request = (more: Partial<ApplyRequest> = {}): ApplyRequest => ({
  access, directory: folder.path, release: 'r1', fence: 1, lockTimeoutMs: 100, statementTimeoutMs: 20_000, effects, lockRetries: 1, waitMs: 10_000, onProgress: (line) => lines.push(line), ...more,
});
const files = (list: Readonly<Record<string, string>>): string => writeMigrations(folder.path, list);
const query = (sql: string): Promise<readonly Record<string, unknown>[]> => server.query(access.name, sql);
const history = (): Promise<readonly Record<string, unknown>[]> => query('SELECT name, finished, statements_begun AS begun, statements_done AS done FROM slipway_history.migration ORDER BY name');

/** A session that stays open, as another program's would. */
async function session(name = 'other program'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: access.url, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  open.push(client);
  return client;
}

describe('applying', () => {
  test('in order, once, with a record of what, when and by which release', async () => {
    files({ '2_b.sql': 'INSERT INTO t VALUES (2)', '10_c.sql': 'INSERT INTO t VALUES (3)', '1_a.sql': 'CREATE TABLE t (id serial, n int); INSERT INTO t (n) VALUES (1)' });
    files({ '2_b.sql': 'INSERT INTO t (n) VALUES (2)', '10_c.sql': 'INSERT INTO t (n) VALUES (3)' });
    const first = await applyMigrations(request());
    expect(first).toMatchObject({ verdict: 'pass', changed: true, applied: ['1_a', '2_b', '10_c'], partial: null });
    expect(first.files[0]).toMatchObject({ name: '1_a', statements: 2, attempts: 1 });
    expect(await query('SELECT n FROM t ORDER BY id')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false, applied: [] });
    expect(await query('SELECT release, fence::int, sha256 FROM slipway_history.migration WHERE name = $$1_a$$')).toMatchObject([{ release: 'r1', fence: 1, sha256: first.files[0]?.sha256 }]);
    const status = await migrationStatus(access, folder.path);
    expect(status.applied.map((one) => one.name)).toEqual(['1_a', '2_b', '10_c']);
    expect(status.applied[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(status).toMatchObject({ pending: [], drift: [], partial: null });
  });

  test('status needs no history and makes none', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    const status = await migrationStatus(access, folder.path);
    expect(status).toMatchObject({ applied: [], pending: [{ name: '1_a', transactional: true, rollbackClass: 'app', hasDown: false }], drift: [] });
    expect(await query(`SELECT 1 FROM pg_namespace WHERE nspname LIKE 'slipway%'`)).toEqual([]);
  });

  test('does not take over the tables of a user called slipway', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request());
    await query('CREATE TABLE mine (id int)');
    expect(await query(`SELECT schemaname FROM pg_tables WHERE tablename IN ('t', 'mine')`)).toEqual([{ schemaname: 'public' }, { schemaname: 'public' }]);
  });

  test('a syntax error in the third file applies nothing', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'SELECT 1', '3_c.sql': 'SELECT 1;\nSELEC 1' });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: false, applied: [] });
    expect(answer.reason).toContain('3_c.sql:2: syntax error');
    expect(await query(`SELECT 1 FROM pg_tables WHERE tablename = 't'`)).toEqual([]);
  });

  test('a failing statement undoes its file and stops; the message names file, line, statement, code and hint', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': `-- é é é\nINSERT INTO t VALUES (1);\nSELECT\n  'é',\n  idd FROM t;`, '3_c.sql': 'SELECT 1' });
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
    files({ '1_a.sql': 'CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES t DEFERRABLE INITIALLY DEFERRED)', '2_b.sql': 'INSERT INTO t VALUES (1, 9)' });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', applied: ['1_a'] });
    expect(answer.reason).toContain('2_b.sql (at its end)');
    expect(answer.reason).toContain('[23503]');
  });

  test('neither secrets nor the rows of users are in messages', async () => {
    files({ '1_a.sql': `CREATE TABLE t (mail text UNIQUE, n int CHECK (n > 0)); INSERT INTO t VALUES ('jane.private', 1)`, '2_b.sql': `INSERT INTO t (mail, n) SELECT mail, -5 FROM t` });
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
    expect(await query(`SELECT schemaname || '.' || tablename || ' ' || tableowner AS t FROM pg_tables WHERE tablename IN ('t', 'u') ORDER BY 1`)).toEqual([{ t: 'other.t poor' }, { t: 'public.u slipway' }]);
  });

  test('a file without a statement is recorded', async () => {
    files({ '1_a.sql': '-- slipway: no-transaction\n-- nothing' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    expect(await applyMigrations(request())).toMatchObject({ applied: [] });
  });

  test('eight at once apply each file once', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'INSERT INTO t VALUES (1)', '3_c.sql': 'INSERT INTO t VALUES (2); SELECT pg_sleep(0.1)' });
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
    rmSync(join(folder.path, '4_d.sql'));
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    for (const words of ['1_a was changed after it was applied', '4_d was applied and is no longer', '2_b sorts before 4_d']) expect(answer.reason).toContain(words);
    expect((await migrationStatus(access, folder.path)).drift).toHaveLength(3);
    expect(await applyMigrations(request({ acceptDrift: true }))).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
  });
});

describe('locks', () => {
  test('a lock that does not come is given up, tried again and never waited for without limit', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'ALTER TABLE t ADD COLUMN n int' });
    writeFileSync(join(folder.path, '2_b.sql'), 'SELECT 1');
    await applyMigrations(request());
    files({ '3_c.sql': 'ALTER TABLE t ADD COLUMN n int' });
    const reader = await session('long report');
    await reader.query('BEGIN; SELECT * FROM t');
    const answer = await applyMigrations(request({ lockRetries: 2 }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('[55P03]');
    expect(answer.reason).toContain('tried 3 times');
    expect(lines.filter((line) => line.startsWith('try '))).toHaveLength(2);
    expect(lines.join('\n')).toMatch(/waiting for a lock held by process \d+ of the server \(long report, idle in transaction/);
    await reader.query('COMMIT');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['3_c'] });
  });

  test('goes through as soon as the other lets go', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request());
    files({ '2_b.sql': 'ALTER TABLE t ADD COLUMN n int' });
    const reader = await session();
    await reader.query('BEGIN; SELECT * FROM t');
    const applying = applyMigrations(request({ lockRetries: 30 }));
    await until('one try gave up', () => lines.some((line) => line.startsWith('try 1')));
    await reader.query('COMMIT');
    const answer = await applying;
    expect(answer.verdict).toBe('pass');
    expect(answer.files[0]?.attempts).toBeGreaterThan(1);
  });

  test('a lock timeout of nothing is refused', async () => {
    files({ '1_a.sql': 'SELECT 1' });
    await expect(applyMigrations(request({ lockTimeoutMs: 0 }))).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test('another migration is waited for by name, then refused', async () => {
    files({ '1_a.sql': 'SELECT pg_sleep(30)' });
    const stop = new AbortController();
    const first = applyMigrations(request({ release: 'first-release', signal: stop.signal }));
    await until('the first one runs', () => lines.some((line) => line.includes('pg_sleep')));
    const second = applyMigrations(request({ release: 'second', waitMs: 300 }));
    await expect(second).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining('slipway migrate fence=1 first-release') as string });
    stop.abort();
    expect(await first).toMatchObject({ verdict: 'fail', changed: false });
  });
});

describe('fences', () => {
  test('a lower fence than recorded is refused', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request({ fence: 7 }));
    files({ '2_b.sql': 'DROP TABLE t' });
    await expect(applyMigrations(request({ fence: 6 }))).rejects.toMatchObject({ code: 'fenced' });
    expect(await query('SELECT 1 FROM t')).toEqual([]);
    expect(await applyMigrations(request({ fence: 8 }))).toMatchObject({ verdict: 'pass' });
  });

  test('a higher fence ends the sessions of a lower one, which then knows that it was fenced', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int); SELECT pg_sleep(CASE WHEN (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $$%fence=2%$$) > 0 THEN 0 ELSE 30 END)' });
    const old = applyMigrations(request({ fence: 1 })).then(
      (answer) => answer,
      (error: unknown) => error,
    );
    await until('the old one runs', () => lines.some((line) => line.includes('pg_sleep')));
    expect(await applyMigrations(request({ fence: 2 }))).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    expect(await old).toMatchObject({ code: 'fenced' });
    expect(await query('SELECT count(*)::int AS n FROM slipway_history.migration')).toEqual([{ n: 1 }]);
  });
});

describe('cancelling', () => {
  test('ends the running query and leaves nothing of the file', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'INSERT INTO t VALUES (1);\nSELECT pg_sleep(60)', '3_c.sql': 'SELECT 1' });
    const stop = new AbortController();
    const applying = applyMigrations(request({ signal: stop.signal }));
    await until('the sleep runs', () => lines.some((line) => line.includes('pg_sleep')));
    stop.abort();
    const answer = await applying;
    expect(answer).toMatchObject({ verdict: 'fail', changed: true, applied: ['1_a'] });
    expect(answer.reason).toContain('cancelled in 2_b.sql');
    expect(await query('SELECT * FROM t')).toEqual([]);
  });

  test('before it began changes nothing', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    expect(await applyMigrations(request({ signal: AbortSignal.abort() }))).toMatchObject({ verdict: 'fail', changed: false });
  });

  test('a statement that takes too long is ended by its own limit', async () => {
    files({ '1_a.sql': 'SELECT pg_sleep(60)' });
    const answer = await applyMigrations(request({ statementTimeoutMs: 200 }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('statement timeout [57014]');
  });
});

describe('without a transaction', () => {
  const half = { '1_a.sql': 'CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 1), (2, 1)', '2_b.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (n);\nINSERT INTO t VALUES (3, 3)' };

  test('stops exactly, says so, and continues there once the cause is gone', async () => {
    files(half);
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: true, applied: ['1_a'], partial: { name: '2_b', direction: 'up', statement: 1, statements: 3 } });
    expect(answer.reason).toContain('2_b.sql:2: could not create unique index "u" [23505]');
    expect(answer.reason).toContain('2_b is partly applied: 1 of 3 statements');
    expect((await migrationStatus(access, folder.path)).partial).toEqual({ name: '2_b', direction: 'up', statement: 1, statements: 3 });
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass`)).toEqual([{ indisvalid: false }]);
    await query('UPDATE t SET n = id');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'], partial: null });
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass`)).toEqual([{ indisvalid: true }]);
    expect(await query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 3 }]);
    expect(await history()).toMatchObject([{ name: '1_a' }, { name: '2_b', finished: true, begun: 3, done: 3 }]);
  });

  test('the statement that failed may be corrected; what is done may not', async () => {
    files(half);
    await applyMigrations(request());
    files({ '2_b.sql': 'CREATE INDEX CONCURRENTLY i2 ON t (id);\nSELECT 1' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('changed in the part that is already applied') as string });
    files({ '2_b.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE INDEX CONCURRENTLY u ON t (n)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
  });

  test('settings of the done part hold for the rest', async () => {
    files({ '1_a.sql': 'CREATE SCHEMA s; CREATE TABLE s.t (n int); INSERT INTO s.t VALUES (1), (1)', '2_b.sql': '-- slipway: no-transaction\nSET search_path = s;\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (n);' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    await query('DELETE FROM s.t');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await query(`SELECT schemaname FROM pg_indexes WHERE indexname = 'u'`)).toEqual([{ schemaname: 's' }]);
  });

  test('IF NOT EXISTS does not take an invalid index for a good one', async () => {
    await query('CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)');
    await query('CREATE UNIQUE INDEX CONCURRENTLY u ON t (n)').catch(() => undefined);
    await query('DELETE FROM t');
    files({ '1_a.sql': 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON t (n)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass`)).toEqual([{ indisvalid: true }]);
  });

  test('an interrupted block of which nobody knows how far it came is left to a person, with the statements to run', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (n int)', '2_b.sql': '-- slipway: no-transaction\nSELECT 1;\nDO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM pg_sleep(60); END $$' });
    const stop = new AbortController();
    const applying = applyMigrations(request({ signal: stop.signal }));
    await until('the block runs', () => lines.some((line) => line.includes('DO $$')));
    await until('it has committed', async () => (await query('SELECT 1 FROM t')).length === 1);
    stop.abort();
    expect(await applying).toMatchObject({ verdict: 'fail', changed: true, partial: { statement: 1, statements: 2 } });
    const again = await applyMigrations(request());
    expect(again).toMatchObject({ verdict: 'unknown', partial: { statement: 1 } });
    await query(/if it did: (.*);\n/.exec(again.reason)?.[1] ?? '');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false });
    expect(await query('SELECT * FROM t')).toEqual([{ n: 1 }]);
  });
});

describe('taking back', () => {
  const set = {
    '1_a.sql': 'CREATE TABLE t (id int)', '2_b.up.sql': 'ALTER TABLE t ADD COLUMN n int', '2_b.down.sql': 'ALTER TABLE t DROP COLUMN n',
    '3_c.up.sql': 'CREATE INDEX CONCURRENTLY i ON t (n)', '3_c.down.sql': 'DROP INDEX CONCURRENTLY i',
  };
  const columns = (): Promise<readonly Record<string, unknown>[]> => query(`SELECT column_name AS c FROM information_schema.columns WHERE table_name = 't' ORDER BY 1`);

  test('newest first, once, and can be applied again', async () => {
    files(set);
    await applyMigrations(request());
    const down = await downMigrations({ ...request(), names: ['2_b', '3_c', '9_never'] });
    expect(down).toMatchObject({ verdict: 'pass', reverted: ['3_c', '2_b'], changed: true, partial: null });
    expect(await columns()).toEqual([{ c: 'id' }]);
    expect(await downMigrations({ ...request(), names: ['2_b', '3_c'] })).toMatchObject({ verdict: 'pass', reverted: [], changed: false });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b', '3_c'] });
  });

  test('refuses before it begins: a later one that would stay, a missing down file', async () => {
    files(set);
    await applyMigrations(request());
    expect(await downMigrations({ ...request(), names: ['2_b'] })).toMatchObject({ verdict: 'fail', changed: false, reason: expect.stringContaining('3_c was applied after 2_b') as string });
    expect(await downMigrations({ ...request(), names: ['1_a', '2_b', '3_c'] })).toMatchObject({ verdict: 'fail', changed: false, reason: expect.stringContaining('1_a has no down file') as string });
    expect(await columns()).toHaveLength(2);
  });

  test('a failing down file changes nothing', async () => {
    files({ ...set, '2_b.down.sql': 'ALTER TABLE t DROP COLUMN n; SELECT 1/0' });
    await applyMigrations(request());
    const down = await downMigrations({ ...request(), names: ['2_b', '3_c'] });
    expect(down).toMatchObject({ verdict: 'fail', reverted: ['3_c'] });
    expect(await columns()).toHaveLength(2);
    expect((await history()).map((row) => row['name'])).toEqual(['1_a', '2_b']);
  });

  test('a half-applied file can be taken back', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)', '2_b.up.sql': '-- slipway: no-transaction\nCREATE TABLE u (n int);\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (n)', '2_b.down.sql': 'DROP INDEX IF EXISTS i; DROP TABLE u' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    expect(await downMigrations({ ...request(), names: ['2_b'] })).toMatchObject({ verdict: 'pass', reverted: ['2_b'] });
    expect(await query(`SELECT 1 FROM pg_class WHERE relname IN ('u', 'i')`)).toEqual([]);
    expect((await migrationStatus(access, folder.path)).partial).toBeNull();
  });
});

describe('a server that refuses', () => {
  test('read-only', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await server.query('postgres', `ALTER DATABASE ${access.name} SET default_transaction_read_only = on`);
    await expect(applyMigrations(request())).rejects.toMatchObject({ code: 'database_refused', message: expect.stringContaining('read-only') as string });
  });

  test('a user without rights', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await query(`CREATE ROLE guest${number} LOGIN`);
    const guest = openAccess(access.url.replace('slipway@', `guest${number}@`));
    await expect(applyMigrations(request({ access: guest }))).rejects.toMatchObject({ code: 'database_refused', hint: expect.stringContaining(`user guest${number}`) as string });
  });

  test('a connection that is cut is a failure without effect', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int);\nSELECT pg_sleep(60)' });
    const applying = applyMigrations(request());
    await until('the sleep runs', () => lines.some((line) => line.includes('pg_sleep')));
    await server.query('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'slipway migrate-work%' AND datname = '${access.name}'`);
    expect(await applying).toMatchObject({ verdict: 'fail', changed: false, reason: expect.stringContaining('connection to the database was lost in 1_a.sql:2') as string });
    expect(await query(`SELECT 1 FROM pg_tables WHERE tablename = 't'`)).toEqual([]);
  });
});
