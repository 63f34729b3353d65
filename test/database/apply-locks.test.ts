import { describe, expect, test } from 'vitest';
import { applyMigrations } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';
import { until } from './support.ts';

const { lines, request, files, query, session, access } = migrationWorld();

describe('locks', () => {
  test('a lock that does not come is given up, tried again and never waited for without limit', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request());
    files({ '2_b.sql': 'ALTER TABLE t ADD COLUMN n int' });
    const reader = await session('long report');
    await reader.query('BEGIN; SELECT * FROM t');
    // Who holds it is looked up after half of the time for which each try waits.
    const answer = await applyMigrations(request({ lockRetries: 2, lockTimeoutMs: 1_000 }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('[55P03]');
    expect(answer.reason).toContain('tried 3 times');
    expect(lines.filter((line) => line.startsWith('try '))).toHaveLength(2);
    expect(lines.join('\n')).toMatch(/waiting for a lock held by process \d+ of the server \(long report, idle in transaction/);
    await reader.query('COMMIT');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
  });

  test('goes through as soon as the other lets go', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)' });
    await applyMigrations(request());
    files({ '2_b.sql': 'ALTER TABLE t ADD COLUMN n int' });
    const reader = await session('other program');
    await reader.query('BEGIN; SELECT * FROM t');
    const applying = applyMigrations(request({ lockRetries: 30 }));
    await until('one try gave up', () => lines.some((line) => line.startsWith('try 1')));
    await reader.query('COMMIT');
    const answer = await applying;
    expect(answer.verdict).toBe('pass');
    expect(answer.files[0]?.attempts).toBeGreaterThan(1);
  });

  test('a deadlock with a user costs the migration a try, not the user the transaction', async () => {
    files({ '1_a.sql': 'CREATE TABLE products (id int); CREATE TABLE orders (id int)' });
    await applyMigrations(request());
    // A user who waits before the migration does is the first to look for a deadlock: the migration must have given up by then, which it
    // does after half of this, also where it comes to its second table some seconds late.
    await query(`ALTER DATABASE ${access().name} SET deadlock_timeout = '8s'`);
    const [held, waits] = [`relation = 'orders'::regclass`, 'NOT granted'].map((of) => `EXISTS (SELECT FROM pg_locks WHERE ${of})`);
    const userWaits = `DO $$ BEGIN
      WHILE ${held} AND NOT ${waits} LOOP PERFORM pg_sleep(0.01); END LOOP;
      IF ${held} THEN PERFORM pg_sleep(0.5); END IF;
    END $$`;
    files({ '2_b.sql': `ALTER TABLE products ADD COLUMN n int; ${userWaits}; ALTER TABLE orders ADD COLUMN n int` });
    const user = await session('user');
    await user.query('BEGIN; INSERT INTO orders VALUES (1)');
    const applying = applyMigrations(request({ lockTimeoutMs: 60_000 }));
    await until('the migration has the products', () => lines.some((line) => line.includes('DO $$')));
    await user.query('SELECT * FROM products');
    await user.query('COMMIT');
    const answer = await applying;
    expect(answer).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
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
    await expect(second).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('slipway migrate fence=1 first-release') as string,
    });
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
    files({
      '1_a.sql':
        'CREATE TABLE t (id int); SELECT pg_sleep(CASE WHEN (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $$%fence=2%$$) > 0 THEN 0 ELSE 30 END)',
    });
    const old = applyMigrations(request({ fence: 1 })).then(
      (answer) => answer,
      (error: unknown) => error,
    );
    await until(
      'the old one sleeps',
      async () => (await query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`)).length > 0,
    );
    expect(await applyMigrations(request({ fence: 2 }))).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    expect(await old).toMatchObject({ code: 'fenced' });
    expect(await query('SELECT count(*)::int AS n FROM slipway_history.migration')).toEqual([{ n: 1 }]);
  });
});

describe('cancelling', () => {
  test('ends the running query and leaves nothing of the file', async () => {
    files({ '1_a.sql': 'CREATE TABLE t (id int)', '2_b.sql': 'INSERT INTO t VALUES (1);\nSELECT pg_sleep(60)', '3_c.sql': 'SELECT 1' });
    const stop = new AbortController();
    const applying = applyMigrations(request({ signal: stop.signal, statementTimeoutMs: 0 }));
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
    expect(lines).toEqual([]);
  });

  test('a statement that takes too long is ended by its own limit', async () => {
    files({ '1_a.sql': 'SELECT pg_sleep(60)' });
    const answer = await applyMigrations(request({ statementTimeoutMs: 200 }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('statement timeout [57014]');
  });
});
