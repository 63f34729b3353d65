import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, runBackfill, type BatchRecord } from '../../src/database/index.ts';
import { findWalk } from '../../src/database/backfill/key.ts';
import { takeBackfillLock } from '../../src/database/backfill/lock.ts';
import { startMonitor } from '../../src/database/backfill/monitor.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { backfillWorld, meanwhile } from './backfill-world.ts';
import { effects } from './support.ts';

const { people, request, query, session, batches, lines, folder } = backfillWorld();

const once = 'SELECT count(*)::int AS n FROM people WHERE times <> 1 OR first_name IS DISTINCT FROM $$First$$ || id';

describe('a backfill', () => {
  test('changes each row once, in batches, and proves it', async () => {
    await people(1_000);
    const result = await runBackfill(request());
    expect(result).toMatchObject({ verdict: 'pass', changed: 1_000, wrong: 0, quarantined: 0, passes: 1 });
    expect(batches.length).toBeGreaterThan(9);
    expect(Math.max(...batches.map(({ changed }) => changed))).toBeLessThanOrEqual(100);
    expect(await query(once)).toEqual([{ n: 0 }]);
  });

  test('leaves alone what needs no work, and finds nothing to do a second time', async () => {
    await people(300);
    await query(`UPDATE people SET first_name = 'kept', times = 7 WHERE id % 2 = 0`);
    expect(await runBackfill(request())).toMatchObject({ verdict: 'pass', changed: 150 });
    expect(await runBackfill(request())).toMatchObject({ verdict: 'pass', changed: 150 });
    expect(await query(`SELECT count(*)::int AS n FROM people WHERE first_name = 'kept' AND times = 7`)).toEqual([{ n: 150 }]);
  });

  test('walks along several columns, of any type, at once by several workers', async () => {
    await query(`CREATE TABLE "Odd Table" (tenant text COLLATE "C", "At" timestamptz, n int, done bool NOT NULL DEFAULT false, PRIMARY KEY (tenant, "At"));
      INSERT INTO "Odd Table" SELECT 'it''s ' || n % 7, '2026-01-01'::timestamptz + n * interval '1 microsecond', n FROM generate_series(1, 900) n`);
    const result = await runBackfill(
      request(
        { workers: 3 },
        { table: '"Odd Table"', where: 'NOT done', change: { kind: 'set', columns: { done: 'true', n: 'n + 1000' } } },
      ),
    );
    expect(result).toMatchObject({ verdict: 'pass', changed: 900 });
    expect(new Set(batches.map(({ range }) => range))).toEqual(new Set([0, 1, 2]));
    expect(await query('SELECT count(*)::int AS n FROM "Odd Table" WHERE done AND n > 1000')).toEqual([{ n: 900 }]);
  });

  test('runs a statement of its own over each batch', async () => {
    await people(250);
    const sql = `UPDATE people p SET first_name = upper(o.name), times = p.times + 1 FROM people o WHERE o.id = p.id AND p.id IN (\${batch})`;
    expect(await runBackfill(request({}, { change: { kind: 'statement', sql } }))).toMatchObject({ verdict: 'pass', changed: 250 });
    expect(await query(`SELECT count(*)::int AS n FROM people WHERE first_name = upper(name) AND times = 1`)).toEqual([{ n: 250 }]);
  });

  test('works rows out in TypeScript, and sets aside those it throws for', async () => {
    await people(120);
    writeFileSync(
      join(folder(), 'split.ts'),
      `interface Person { readonly id: string; readonly name: string; readonly times: number }
       export default (rows: readonly Person[]) => rows.map(({ id, name, times }) => {
         if (id === '77') throw new Error('no such name');
         return { first_name: name.split(' ')[0], times: times + 1 };
       });`,
    );
    const result = await runBackfill(request({}, { change: { kind: 'function', file: 'split.ts' } }));
    expect(result).toMatchObject({ verdict: 'fail', changed: 119, quarantined: 1, wrong: 1 });
    expect(result.reason).toContain('set aside');
    expect(await query('SELECT key, sqlstate, message FROM slipway_history.backfill_quarantine')).toEqual([
      { key: ['77'], sqlstate: '38000', message: 'no such name' },
    ]);
  });
});

describe('rows that refuse', () => {
  test('are found one by one and set aside, the others are changed', async () => {
    await people(1_000);
    await query(`ALTER TABLE people ADD CHECK (first_name NOT IN ('First13', 'First14', 'First640'))`);
    const result = await runBackfill(request());
    expect(result).toMatchObject({ verdict: 'fail', changed: 997, quarantined: 3, wrong: 3 });
    expect(await query('SELECT key[1] AS key, sqlstate FROM slipway_history.backfill_quarantine ORDER BY key')).toEqual([
      { key: '13', sqlstate: '23514' },
      { key: '14', sqlstate: '23514' },
      { key: '640', sqlstate: '23514' },
    ]);
    expect(lines.some((line) => line.startsWith('row 640 is set aside'))).toBe(true);
  });

  test('end the backfill when they are too many', async () => {
    await people(400);
    await query(`ALTER TABLE people ADD CHECK (id < 100 OR first_name IS NULL)`);
    const result = await runBackfill(request({}, { limits: { ...DEFAULT_LIMITS, nice: 0, mostQuarantined: 4 } }));
    expect(result).toMatchObject({ verdict: 'fail', changed: 99, quarantined: 4 });
    expect(result.reason).toContain('4 rows are set aside already');
  });
});

describe('what can never end well is said', () => {
  test('a condition that stays true of changed rows', async () => {
    await people(50);
    const result = await runBackfill(request({}, { where: 'times >= 0' }));
    expect(result).toMatchObject({ verdict: 'fail', changed: 0 });
    expect(result.reason).toContain('still true of the row 1');
    expect(await query('SELECT sum(times)::int AS n FROM people')).toEqual([{ n: 0 }]);
  });

  test('a verification that disagrees with the condition', async () => {
    await people(10);
    const result = await runBackfill(request({}, { verify: 'SELECT 3' }));
    expect(result).toMatchObject({ verdict: 'fail', wrong: 3 });
    expect(result.reason).toContain('one of the two is not right');
  });

  test.each([
    ['UPDATE people SET times = 9 RETURNING 1', 'it is a Update'],
    ['SELECT 0; COMMIT; DELETE FROM people', 'more than one statement'],
  ])('verification %s', async (verify, words) => {
    await people(10);
    await expect(runBackfill(request({}, { verify }))).rejects.toThrow(words);
    expect(await query('SELECT count(*)::int AS n, sum(times)::int AS times FROM people')).toEqual([{ n: 10, times: 0 }]);
  });

  test.each([
    ['no table', 'nobody', null, 'no table'],
    ['a view', 'v', null, 'not a table'],
    ['no primary key', 'bare', null, 'no primary key'],
    ['a key that others inherit without being unique', 'parent', null, 'inherit from it'],
    ['a key that may be null', 'bare', ['a'], 'cannot be walked'],
    ['columns without an index', 'people', ['name'], 'no unique index'],
  ])('%s', async (_what, table, key, words) => {
    await people(1);
    await query(
      'CREATE TABLE bare (a int UNIQUE, first_name text); CREATE VIEW v AS SELECT * FROM people; CREATE TABLE parent (id int PRIMARY KEY, first_name text); CREATE TABLE heir () INHERITS (parent)',
    );
    await expect(runBackfill(request({}, { table, key }))).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(words) as string,
    });
  });
});

describe('beside others', () => {
  test.each([
    ['', null],
    [', whatever a verification says that would pass without them', 'SELECT count(*) FROM people WHERE first_name = NULL'],
  ])('rows that somebody holds are left for a later walk%s', async (_when, verify) => {
    await people(200);
    const other = await session('an application');
    await other.query('BEGIN; UPDATE people SET times = 0 WHERE id IN (5, 150)');
    const running = runBackfill(
      request({ onProgress: (line) => void (line === 'verifying' && other.query('COMMIT').catch(() => undefined)) }, { verify }),
    );
    const result = await running;
    expect(result).toMatchObject({ verdict: 'pass', changed: 200 });
    expect(result.passes).toBeGreaterThan(1);
    expect(await query(once)).toEqual([{ n: 0 }]);
  });

  test('a row that an application changes at the same moment is met once, by whichever of them is later', async () => {
    await people(300);
    const other = await session('an application');
    await other.query(
      `BEGIN; UPDATE people SET first_name = 'theirs', times = 1 WHERE id = 150; UPDATE people SET times = 0 WHERE id = 151`,
    );
    // Lets go as soon as the batch waits for it, whose condition is then asked again. No batch waits for long: one that was missed is over.
    const letGo = other.query(`DO $$ BEGIN
        LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted) OR clock_timestamp() > now() + interval '2 seconds'; PERFORM pg_sleep(0.001); END LOOP;
      END $$; COMMIT`);
    const result = await runBackfill(request());
    await letGo;
    expect(result).toMatchObject({ verdict: 'pass', changed: 299 });
    expect(await query(`SELECT count(*)::int AS n FROM people WHERE times <> 1`)).toEqual([{ n: 0 }]);
    expect(await query('SELECT first_name FROM people WHERE id = 150')).toEqual([{ first_name: 'theirs' }]);
  });

  test('an old version that writes rows of the old shape as fast as they are changed ends it as unknown', async () => {
    await people(300);
    // As many as were changed, however many that are in a batch: on a busy machine batches are small.
    await query(`CREATE FUNCTION write_old() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO people SELECT (SELECT max(id) FROM people) + row_number() OVER (), $$Old Shape$$ FROM changed; RETURN NULL; END';
      CREATE TRIGGER old AFTER UPDATE ON people REFERENCING NEW TABLE AS changed EXECUTE FUNCTION write_old()`);
    const result = await runBackfill(request());
    expect(result).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('still writes the old shape') as string });
    expect(await query(`SELECT status FROM slipway_history.backfill`)).toEqual([{ status: 'stopped' }]);
    await query('DROP TRIGGER old ON people');
    expect(await runBackfill(request())).toMatchObject({ verdict: 'pass', wrong: 0 });
  });

  test('rows that somebody never lets go end it as unknown, and are told with who holds them', async () => {
    await people(20);
    const other = await session('a report');
    await other.query('BEGIN; SELECT FROM people WHERE id = 5 FOR UPDATE');
    const quick = { ...systemClock, sleep: async () => undefined };
    const result = await runBackfill(request({ effects: { ...effects, clock: quick } }));
    expect(result).toMatchObject({ verdict: 'unknown', changed: 19, wrong: 1 });
    expect(result.reason).toMatch(
      /1 row that needs work is not changed in 5 walks, because others hold them: process \d+ of the server \(a report, idle in transaction/,
    );
  });

  test('backfills that begin first in a database at the same moment do not collide', async () => {
    await people(20);
    for (let round = 0; round < 4; round++) {
      await query('DROP SCHEMA IF EXISTS slipway_history CASCADE');
      const runs = ['a', 'b', 'c', 'd'].map((name) => runBackfill(request({}, { name })));
      for (const { verdict } of await Promise.all(runs)) expect(verdict).toBe('pass');
    }
  });

  test('a run that was killed just now does not keep the next one out', async () => {
    await people(10);
    const killed = await session('a run that was killed');
    await takeBackfillLock(killed, 'split-names', systemClock);
    const sleep = async (): Promise<void> => void (await killed.query('SELECT pg_advisory_unlock_all()'));
    expect(await runBackfill(request({ effects: { ...effects, clock: { ...systemClock, sleep } } }))).toMatchObject({ verdict: 'pass' });
  });

  test('a second run of the same is refused', async () => {
    await people(10);
    const other = await session('x');
    await other.query('BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE');
    const stop = new AbortController();
    const first = runBackfill(request({ signal: stop.signal, onBatch: () => stop.abort() }));
    await expect.poll(() => query(`SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([{ n: 1 }]);
    await expect(runBackfill(request())).rejects.toMatchObject({ code: 'locked' });
    await other.query('ROLLBACK');
    await first;
  });

  test('a table that a migration locks is waited for', async () => {
    await people(500);
    const other = await session('a migration');
    await other.query('BEGIN; LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE');
    const onBatch = (record: BatchRecord): void => {
      batches.push(record);
      if (batches.length === 3) void other.query('COMMIT; BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE');
      if (batches.length === 6) void other.query('COMMIT');
    };
    expect(await runBackfill(request({ onBatch }))).toMatchObject({ verdict: 'pass', changed: 500 });
    expect(batches.slice(0, 3).map(({ outcome }) => outcome)).toEqual(['conflict', 'conflict', 'conflict']);
    expect(await query(once)).toEqual([{ n: 0 }]);
  });

  test('pauses when asked to, goes on, and stops when asked to', async () => {
    await people(2_000);
    const ask = (wanted: string) => query(`UPDATE slipway_history.backfill SET wanted = '${wanted}'`);
    const asking = meanwhile();
    let asked = false;
    const result = await runBackfill(
      request({
        effects: asking.effects,
        onBatch: () => {
          if (!asked) asking.begin(ask('pause'));
          asked = true;
        },
        onWait: (why) => void (why === 'somebody paused it' && ask('stop')),
      }),
    );
    expect(result.verdict).toBe('unknown');
    expect(result.reason).toContain('somebody asked it to stop');
    expect(await runBackfill(request())).toMatchObject({ verdict: 'pass', changed: 2_000 });
    expect(await query(once)).toEqual([{ n: 0 }]);
  });

  test('live rows that the server has not counted, as in a copied database, are taken from its estimate', async () => {
    await people(5_000);
    await query('VACUUM ANALYZE people');
    await query('SELECT pg_stat_reset()');
    const client = await session('a monitor');
    const walk = await findWalk(client, 'people', null);
    const monitor = await startMonitor({ client, walk, limits: DEFAULT_LIMITS.health, clock: systemClock, dataFolder: null, name: null });
    await monitor.stop();
    expect(monitor.latest()?.liveRows).toBe(5_000);
  });

  test('a definition that was changed in the middle is refused', async () => {
    await people(10);
    await runBackfill(request());
    await expect(runBackfill(request({}, { where: 'first_name IS NULL OR id = 1' }))).rejects.toMatchObject({ code: 'config_invalid' });
  });
});
