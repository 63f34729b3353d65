import { describe, expect, test } from 'vitest';
import { applyMigrations, downMigrations, migrationStatus } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';
import { until } from './support.ts';

const { access, folder, lines, request, files, query } = migrationWorld();
const history = (): Promise<readonly Record<string, unknown>[]> =>
  query('SELECT name, finished, statements_begun AS begun, statements_done AS done FROM slipway_history.migration ORDER BY name');

describe('without a transaction', () => {
  const half = {
    '1_a.sql': 'CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 1), (2, 1)',
    '2_b.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (n);\nINSERT INTO t VALUES (3, 3)',
  };

  test('stops exactly, says so, and continues there once the cause is gone', async () => {
    files(half);
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({
      verdict: 'fail',
      changed: true,
      applied: ['1_a'],
      partial: { name: '2_b', direction: 'up', statement: 1, statements: 3 },
    });
    expect(answer.reason).toContain('2_b.sql:2: could not create unique index "u" [23505]');
    expect(answer.reason).toContain('2_b is partly applied: 1 of 3 statements');
    expect((await migrationStatus(access(), folder())).partial).toEqual({ name: '2_b', direction: 'up', statement: 1, statements: 3 });
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
    expect(await applyMigrations(request())).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('changed in the part that is already applied') as string,
    });
    files({ '2_b.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE INDEX CONCURRENTLY u ON t (n)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
  });

  test('settings of the done part hold for the rest', async () => {
    files({
      '1_a.sql': 'CREATE SCHEMA s; CREATE TABLE s.t (n int); INSERT INTO s.t VALUES (1), (1)',
      '2_b.sql': '-- slipway: no-transaction\nSET search_path = s;\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (n);',
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    await query('DELETE FROM s.t');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await query(`SELECT schemaname FROM pg_indexes WHERE indexname = 'u'`)).toEqual([{ schemaname: 's' }]);
  });

  test('a role the file takes holds to its end', async () => {
    await query('CREATE ROLE poor; CREATE SCHEMA other AUTHORIZATION poor');
    files({ '1_a.sql': '-- slipway: no-transaction\nSET ROLE poor;\nCREATE TABLE other.t (id int);\nCREATE TABLE other.u (id int)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await query(`SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'other'`)).toEqual([{ tableowner: 'poor' }]);
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
    files({
      '1_a.sql': 'CREATE TABLE t (n int)',
      '2_b.sql': '-- slipway: no-transaction\nSELECT 1;\nDO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM pg_sleep(60); END $$',
    });
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
    '1_a.sql': 'CREATE TABLE t (id int)',
    '2_b.up.sql': 'ALTER TABLE t ADD COLUMN n int',
    '2_b.down.sql': 'ALTER TABLE t DROP COLUMN n',
    '3_c.up.sql': 'CREATE INDEX CONCURRENTLY i ON t (n)',
    '3_c.down.sql': 'DROP INDEX CONCURRENTLY i',
  };
  const columns = (): Promise<readonly Record<string, unknown>[]> =>
    query(`SELECT column_name AS c FROM information_schema.columns WHERE table_name = 't' ORDER BY 1`);

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
    expect(await downMigrations({ ...request(), names: ['2_b'] })).toMatchObject({
      verdict: 'fail',
      changed: false,
      reason: expect.stringContaining('3_c was applied after 2_b') as string,
    });
    expect(await downMigrations({ ...request(), names: ['1_a', '2_b', '3_c'] })).toMatchObject({
      verdict: 'fail',
      changed: false,
      reason: expect.stringContaining('1_a has no down file') as string,
    });
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
    files({
      '1_a.sql': 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)',
      '2_b.up.sql': '-- slipway: no-transaction\nCREATE TABLE u (n int);\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (n)',
      '2_b.down.sql': 'DROP INDEX IF EXISTS i; DROP TABLE u',
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    expect(await downMigrations({ ...request(), names: ['2_b'] })).toMatchObject({ verdict: 'pass', reverted: ['2_b'] });
    expect(await query(`SELECT 1 FROM pg_class WHERE relname IN ('u', 'i')`)).toEqual([]);
    expect((await migrationStatus(access(), folder())).partial).toBeNull();
  });
});
