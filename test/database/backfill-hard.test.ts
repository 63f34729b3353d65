import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  controlBackfill,
  DEFAULT_LIMITS,
  forecastBackfill,
  lookAtBackfill,
  openAccess,
  runBackfill,
  type BackfillDefinition,
} from '../../src/database/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { backfillWorld, meanwhile } from './backfill-world.ts';
import { effects } from './support.ts';

const { people, request, definition, query, session, lines, folder, access } = backfillWorld();

const limits = (health: Partial<BackfillDefinition['limits']['health']> = {}): BackfillDefinition['limits'] => ({
  ...DEFAULT_LIMITS,
  nice: 0,
  mostRowsPerBatch: 100,
  health: { ...DEFAULT_LIMITS.health, ...health },
});
/** Ends the session that holds the lock of the backfill and watches the server. */
const loseControl = () => query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`);
const loseAll = () => query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'slipway backfill%'`);
const ask = (wanted: string) => query(`UPDATE slipway_history.backfill SET wanted = '${wanted}'`);
const LOST = 'the connection to the database was lost; trying again';

/** A user of the server without any right beyond the table. */
async function plainUser() {
  const url = new URL(access().url);
  url.username = `plain_${access().name}`;
  await query(`CREATE ROLE ${url.username} LOGIN; GRANT CREATE ON DATABASE ${access().name} TO ${url.username};
    GRANT ALL ON people TO ${url.username}`);
  return openAccess(url.toString());
}

describe('a backfill takes one share of the server', () => {
  /** What it pauses after each batch, as a multiple of the transaction's time. */
  const pauses = async (): Promise<readonly number[]> => {
    const asked: number[] = [];
    let took: number | null = null;
    const sleep: typeof systemClock.sleep = (ms, signal) => {
      if (took !== null) asked.push(ms / took);
      took = null;
      return systemClock.sleep(ms, signal);
    };
    const onBatch = ({ tookMs }: { readonly tookMs: number }): void => void (took = tookMs);
    const clock = { ...systemClock, sleep };
    await runBackfill(request({ effects: { ...effects, clock }, onBatch }, { limits: { ...limits(), nice: 1 } }));
    return asked;
  };

  test('as long as its batch where it is alone, and as long again for each session at work', async () => {
    await people(600);
    const workers = await Promise.all(['a', 'b', 'c'].map((name) => session(name)));
    const work = workers.map((one) => one.query('SELECT pg_sleep(60)').catch(() => undefined));
    const beside = await pauses();
    await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`);
    await Promise.all(work);
    await query('DROP SCHEMA slipway_history CASCADE; UPDATE people SET first_name = NULL');
    const alone = await pauses();
    expect(beside.length).toBeGreaterThan(4);
    // After a batch that nothing got in the way of it is so long; after one that waited for a core, as long as what that one worked.
    expect(Math.max(...beside)).toBeGreaterThan(4);
    expect(Math.max(...beside)).toBeGreaterThan(2 * (alone.toSorted((a, b) => a - b)[alone.length >> 1] ?? Number.NaN));
  });
});

describe('a backfill ends', () => {
  test('when its condition cannot be worked out for a row', async () => {
    await people(120);
    const result = await runBackfill(request({}, { where: 'first_name IS NULL AND 100 / (id - 77) IS NOT NULL' }));
    expect(result).toMatchObject({ verdict: 'fail', reason: '`where` cannot be worked out for the row 77: its data do not fit [22012]' });
  });

  test('when a trigger keeps a row as it was', async () => {
    await people(50);
    await query(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER keep BEFORE UPDATE ON people FOR EACH ROW WHEN (old.id = 7) EXECUTE FUNCTION keep()`);
    const result = await runBackfill(request());
    expect(result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('still true of the row 7') as string });
  });

  test('when it is asked to stop while it waits', async () => {
    await people(50);
    const result = await runBackfill(
      request({ onWait: (why) => void (why !== null && ask('stop')) }, { limits: limits({ lockWaiters: -1 }) }),
    );
    expect(result).toMatchObject({ verdict: 'unknown', changed: 0, reason: expect.stringContaining('asked it to stop') as string });
  });
});

describe('a lost connection', () => {
  test('is found out while it waits for the server', async () => {
    await people(50);
    let waits = 0;
    const onWait = (why: string | null): void => {
      if (why === null) return;
      waits += 1;
      if (waits === 1) void loseControl();
      else if (lines.includes(LOST)) void ask('stop');
    };
    const result = await runBackfill(request({ onWait }, { limits: limits({ lockWaiters: -1 }) }));
    expect(result.verdict).toBe('unknown');
    expect(lines).toContain(LOST);
  });

  test('does not undo what was asked meanwhile', async () => {
    await people(2_000);
    const { effects: waiting, begin } = meanwhile();
    let first = true;
    const onBatch = (): void => {
      if (first) begin(loseAll());
      first = false;
    };
    const onProgress = (line: string): void => void (line === LOST && begin(ask('stop')));
    const result = await runBackfill(request({ effects: waiting, onBatch, onProgress }, { limits: limits() }));
    expect(result).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('asked it to stop') as string });
  });

  test('long after another one is overcome as well', async () => {
    await people(2_000);
    let [skew, losses, since] = [0, 0, 0];
    const losing = meanwhile({ ...systemClock, monotonic: () => systemClock.monotonic() + skew });
    const onBatch = (): void => {
      since += 1;
      if (losses === 2 || since < 3) return;
      skew += 600_000;
      losses += 1;
      since = 0;
      losing.begin(loseAll());
    };
    const result = await runBackfill(request({ effects: losing.effects, onBatch }, { limits: { ...limits(), nice: 1 } }));
    expect(result).toMatchObject({ verdict: 'pass', changed: 2_000 });
    expect(losses).toBe(2);
  });

  test('of a frozen run does not keep rows locked', async () => {
    await people(1);
    const set = { first_name: `current_setting('idle_in_transaction_session_timeout')` };
    await runBackfill(request({}, { change: { kind: 'set', columns: set } }));
    expect(await query('SELECT first_name FROM people')).toEqual([{ first_name: '30s' }]);
  });
});

describe('what is said of a backfill', () => {
  test('whether it runs, not whether it was running when it was killed', async () => {
    await people(5_000);
    const asking = meanwhile();
    const heard: Promise<boolean>[] = [];
    const onBatch = (): void => {
      if (heard.length > 0) return;
      heard.push(controlBackfill(access(), 'split-names', 'pause'));
      asking.begin(Promise.all(heard));
    };
    const seen: unknown[] = [];
    const onWait = (why: string | null): void => {
      if (why !== 'somebody paused it' || seen.length > 0) return;
      seen.push('');
      void lookAtBackfill(access(), definition()).then(async ({ state }) => {
        seen.splice(0, 1, state?.status);
        await ask('stop');
      });
    };
    await runBackfill(request({ effects: asking.effects, onBatch, onWait }));
    expect([await Promise.all(heard), seen]).toEqual([[true], ['running']]);
    await query(`UPDATE slipway_history.backfill SET status = 'running'`);
    expect((await lookAtBackfill(access(), definition())).state).toMatchObject({
      status: 'stopped',
      because: expect.stringContaining('cut off') as string,
    });
    expect(await controlBackfill(access(), 'split-names', 'pause')).toBe(false);
  });
});

describe('rows that are set aside', () => {
  test('are left alone by later walks, whatever the key is called', async () => {
    await query(`CREATE TABLE people (name text PRIMARY KEY, first_name text CHECK (first_name <> 'b'), times int NOT NULL DEFAULT 0);
      INSERT INTO people VALUES ('a'), ('b'), ('c')`);
    expect(await runBackfill(request())).toMatchObject({ verdict: 'fail', changed: 2, quarantined: 1 });
    expect(lines.filter((line) => line.includes('set aside'))).toHaveLength(1);
  });

  test('are told of without their data, which stay in the database', async () => {
    await people(1);
    const wrong = { change: { kind: 'set', columns: { times: 'name::int' } } } as const;
    await runBackfill(request({}, wrong));
    expect(lines).toContain('row 1 is set aside: its data do not fit [22P02]');
    expect(await query('SELECT message FROM slipway_history.backfill_quarantine')).toEqual([
      { message: 'invalid input syntax for type integer: "First1 Last"' },
    ]);
    await query(`ALTER TABLE people ADD CHECK (times = 0)`);
    const forecast = await forecastBackfill(request({}, { change: { kind: 'set', columns: { times: '1' } } }));
    expect(forecast).toMatchObject({ tried: 1, refused: 1, stays: false });
  });

  test('and a dry run sees that `where` would never become false', async () => {
    await people(3);
    expect(await forecastBackfill(request({}, { change: { kind: 'set', columns: { times: '0' } } }))).toMatchObject({
      tried: 3,
      refused: 0,
      stays: true,
    });
    expect(await forecastBackfill(request())).toMatchObject({ tried: 3, refused: 0, stays: false, keptWalBytes: 80 * 1024 ** 2 });
  });
});

describe('a user with few rights', () => {
  test('who does not see all rows changes none', async () => {
    await people(10);
    await query(`ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON people USING (id < 5)`);
    await expect(runBackfill(request({ access: await plainUser() }))).rejects.toMatchObject({ code: 'database_refused' });
  });

  test('waits for the locks of others all the same', async () => {
    await people(10);
    await query('CREATE TABLE busy (id int)');
    const [holder, waiter] = [await session('a'), await session('b')];
    await holder.query('BEGIN; LOCK TABLE busy');
    const waiting = waiter.query('SELECT FROM busy');
    await expect.poll(() => query('SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted')).toEqual([{ n: 1 }]);
    const onWait = (why: string | null): void => {
      if (why === null) return;
      lines.push(why);
      void holder.query('COMMIT');
    };
    const result = await runBackfill(request({ access: await plainUser(), onWait }, { limits: limits({ lockWaiters: 0 }) }));
    await waiting;
    expect(result.verdict).toBe('pass');
    expect(lines[0]).toBe('1 sessions wait for locks (limit 0)');
  });
});

describe('a function of the user', () => {
  const byFunction = async (body: string) => {
    writeFileSync(join(folder(), 'f.mjs'), `export default (rows) => rows.map(${body});`);
    return runBackfill(request({}, { change: { kind: 'function', file: 'f.mjs' } }));
  };

  test('writes what it changed, exactly, and hands on the rest untouched', async () => {
    vi.stubEnv('TZ', 'Asia/Kolkata');
    await people(3);
    await query(`ALTER TABLE people ADD at timestamptz DEFAULT '2026-01-01 10:00:00.123456+00', ADD wall timestamp DEFAULT '2026-01-01 00:30:00.654321',
      ADD day date DEFAULT '2026-01-01', ADD raw bytea DEFAULT '\\x00ff', ADD doc jsonb DEFAULT '{"n":1}', ADD big numeric, ADD copy bytea, ADD later timestamp,
      ADD note text DEFAULT 'kept', ADD twice int GENERATED ALWAYS AS (times * 2) STORED`);
    const result = await byFunction(`(row) => {
      row.doc.n += 1;
      return { ...row, first_name: 'x', big: 9007199254740993n, copy: Buffer.from([0, 254]), later: new Date(row.wall.getTime() + 1000), note: undefined };
    }`);
    vi.unstubAllEnvs();
    expect(result).toMatchObject({ verdict: 'pass', changed: 3 });
    expect(
      await query(
        `SELECT DISTINCT at::text LIKE '%.123456%' AS at, wall::text, day::text, raw::text, doc::text, big::text, copy::text, later::text, note FROM people`,
      ),
    ).toEqual([
      {
        at: true,
        wall: '2026-01-01 00:30:00.654321',
        day: '2026-01-01',
        raw: '\\x00ff',
        doc: '{"n": 2}',
        big: '9007199254740993',
        copy: '\\x00fe',
        later: '2026-01-01 00:30:01.654',
        note: 'kept',
      },
    ]);
  });

  test('leaves alone what it does not write, whatever its type refuses', async () => {
    await people(2);
    await query(`CREATE DOMAIN filled AS text NOT NULL; ALTER TABLE people ADD kind filled DEFAULT 'x'`);
    expect(await byFunction(`() => ({ first_name: 'x' })`)).toMatchObject({ verdict: 'pass', changed: 2 });
    expect(await query('SELECT DISTINCT kind FROM people')).toEqual([{ kind: 'x' }]);
  });

  test('that answers a column there is not ends the backfill', async () => {
    await people(1);
    const wrong = { code: 'config_invalid', message: expect.stringContaining('a column nonesuch') as string };
    await expect(byFunction(`() => ({ nonesuch: 'x' })`)).rejects.toMatchObject(wrong);
  });

  test.each([
    ['() => undefined', 'it must answer an object, or null, for each row'],
    ['() => ({ times: 0 / 0 })', 'it answered NaN for times'],
    ['() => ({ first_name: { n: 1n } })', 'BigInt'],
  ])('that answers %s has its row set aside', async (body, words) => {
    await people(1);
    expect(await byFunction(body)).toMatchObject({ verdict: 'fail', quarantined: 1 });
    expect(lines.join()).toContain(words);
  });
});
