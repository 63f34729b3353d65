import { describe, expect, test } from 'vitest';
import { applyMigrations, downMigrations, migrationStatus, pendingFiles, readSources } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';
import { until } from './support.ts';

const { access, folder, lines, request, files, query, session } = migrationWorld();
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
    expect(answer.reason).toMatch(/meaning: rows of t share values that the index u may hold once only/);
    expect(answer.reason).toMatch(/stays as an invalid index, which the next run removes/);
    expect(answer.reason).toContain('2_b is partly applied: 1 of 3 statements');
    expect((await migrationStatus(access(), { directory: folder() })).partial).toEqual({
      name: '2_b',
      direction: 'up',
      statement: 1,
      statements: 3,
    });
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass`)).toEqual([{ indisvalid: false }]);
    await query('UPDATE t SET n = id');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'], partial: null });
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass`)).toEqual([{ indisvalid: true }]);
    expect(await query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 3 }]);
    expect(await history()).toMatchObject([{ name: '1_a' }, { name: '2_b', finished: true, begun: 3, done: 3 }]);
  });

  test('lint does not refuse what of it is there already', async () => {
    files({ ...half, '3_c.sql': 'SELECT 1' });
    await applyMigrations(request());
    const sources = await readSources(folder(), 'slipway', new Map());
    const pending = await pendingFiles(access(), { path: folder(), ...sources });
    expect(pending?.map(({ name, conditional }) => [name, conditional])).toEqual([
      ['2_b.sql', true],
      ['3_c.sql', undefined],
    ]);
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

  test('so do settings made by SELECT set_config, as in the head of a dump; elsewhere in such a file it is refused', async () => {
    files({
      '1_a.sql': `CREATE SCHEMA s; CREATE TABLE s.gate (n int)`,
      '2_b.sql': `-- slipway: no-transaction\nSELECT pg_catalog.set_config('search_path', 's', false);\nSELECT 1 / count(*) FROM gate;\nCREATE TABLE made (n int);`,
    });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    await query('INSERT INTO s.gate VALUES (1)');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await query(`SELECT schemaname FROM pg_tables WHERE tablename = 'made'`)).toEqual([{ schemaname: 's' }]);
    files({ '3_c.sql': `-- slipway: no-transaction\nSELECT set_config('search_path', 's', false), n FROM s.gate` });
    expect((await applyMigrations(request())).reason).toContain('3_c.sql:2: this file runs statement by statement');
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

  test('what REINDEX CONCURRENTLY left when it failed is dropped before it is tried again', async () => {
    await query('CREATE TABLE t (n int); CREATE INDEX i ON t (n); INSERT INTO t VALUES (1), (1)');
    for (const name of ['i_ccnew', 'i_ccold1', 'mine'])
      await query(`CREATE UNIQUE INDEX CONCURRENTLY ${name} ON t (n)`).catch(() => undefined);
    files({ '1_a.sql': 'REINDEX INDEX CONCURRENTLY i', '2_b.sql': 'REINDEX TABLE CONCURRENTLY t' });
    await query('DELETE FROM t');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    // The last one is somebody else's.
    expect(
      await query(
        'SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index WHERE indrelid = $$t$$::regclass ORDER BY 1',
      ),
    ).toEqual([
      { name: 'i', valid: true },
      { name: 'mine', valid: false },
    ]);
  });

  test('an index that is built beside users may take longer than the statement timeout; how far it is, and for whom it waits, is told', async () => {
    await query('CREATE TABLE t (n int)');
    const user = await session('a user');
    await user.query('BEGIN; INSERT INTO t VALUES (1)');
    files({ '1_a.sql': 'CREATE INDEX CONCURRENTLY i ON t (n)', '2_b.sql': 'SELECT pg_sleep(60)' });
    // Told every few seconds: the first look may come before the build waits for anybody.
    const WAITS = [/^index: waiting for writers before build, waits for 1 transactions/, /waiting for a lock held by process/];
    const applying = applyMigrations(request({ statementTimeoutMs: 300 }));
    await until('the build has taken longer', async () => {
      const [row] = await query(
        `SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND clock_timestamp() - query_start > '600 ms'`,
      );
      return row !== undefined && WAITS.every((words) => lines.some((line) => words.test(line)));
    });
    await user.query('COMMIT');
    const answer = await applying;
    expect(answer).toMatchObject({ verdict: 'fail', applied: ['1_a'] });
    expect(answer.reason).toContain('2_b.sql:1: canceling statement due to statement timeout');
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

describe('refused is not interrupted', () => {
  const indexes = (): Promise<readonly Record<string, unknown>[]> =>
    query(
      `SELECT schemaname || '.' || tablename AS on, indexdef LIKE '%UNIQUE%' AS unique FROM pg_indexes WHERE indexname = 'by_x' ORDER BY 1`,
    );

  test.each<[string, string, string]>([
    ['an index of that name on another table', 'CREATE INDEX by_x ON other (x)', 'CREATE INDEX CONCURRENTLY by_x ON t (x)'],
    ['one that is not unique', 'CREATE INDEX by_x ON t (x)', 'CREATE UNIQUE INDEX CONCURRENTLY by_x ON t (x)'],
    ['one of other columns', 'CREATE INDEX by_x ON t (y, x)', 'CREATE INDEX CONCURRENTLY by_x ON t (x) INCLUDE (y)'],
    ['the same one', 'CREATE INDEX by_x ON t (x)', 'CREATE INDEX CONCURRENTLY by_x ON t (x)'],
    ['no index to drop', 'SELECT 1', 'DROP INDEX CONCURRENTLY nothing'],
    ['no partition to detach', 'SELECT 1', 'ALTER TABLE parts DETACH PARTITION t CONCURRENTLY'],
  ])('%s: a later run is refused as the first one was', async (_what, before, statement) => {
    await query('CREATE TABLE t (x int, y int); CREATE TABLE other (x int); CREATE TABLE parts (x int) PARTITION BY LIST (x)');
    await query(before);
    files({ '1_a.sql': statement });
    const first = await applyMigrations(request());
    expect(first).toMatchObject({ verdict: 'fail' });
    const was = await indexes();
    expect((await history()).filter((row) => row['begun'] !== 0)).toEqual([]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', reason: first.reason });
    expect(await indexes()).toEqual(was);
    expect((await history()).filter((row) => row['finished'] === true)).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['an index on another table', 'CREATE INDEX by_x ON other (x)', 'CREATE INDEX CONCURRENTLY by_x ON t (x)'],
    ['no index to drop', 'SELECT 1', 'DROP INDEX CONCURRENTLY by_x'],
  ])('cut off before the server could refuse it for %s, it is refused later', async (_what, before, statement) => {
    await query('CREATE TABLE t (x int); CREATE TABLE other (x int)');
    await query(before);
    files({ '1_a.sql': statement });
    const faults = {
      at: (point: string) => {
        if (point === 'migrate.up.step-begun') throw new Error('cut off');
      },
    };
    await expect(applyMigrations(request({ effects: { ...request().effects, faults } }))).rejects.toThrow('cut off');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail' });
  });

  test("an index is looked for in its table's schema", async () => {
    await query('CREATE SCHEMA early; CREATE TABLE early.u (x int); CREATE TABLE public.t (x int); INSERT INTO early.u VALUES (1), (1)');
    await query('CREATE UNIQUE INDEX CONCURRENTLY by_x ON early.u (x)').catch(() => undefined);
    const file = (search: string): string => `-- slipway: no-transaction\nSET search_path = early, public;\n${search}`;
    files({ '1_a.sql': file('CREATE INDEX CONCURRENTLY IF NOT EXISTS by_x ON t (x)') });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
    expect(await indexes()).toEqual([
      { on: 'early.u', unique: true },
      { on: 'public.t', unique: false },
    ]);
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
    expect((await migrationStatus(access(), { directory: folder() })).partial).toBeNull();
  });
});
