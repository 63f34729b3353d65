import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { classify } from '../../src/store/failures.ts';
import { createSession, type Session } from '../../src/store/session.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** Also how long a connection may take to be made: many at once take their time on a busy machine. */
const LIMIT_MS = 1_000;

let postgres: TestPostgres;
let url: string;
let session: Session;
beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.create('bounded');
  await postgres.query('bounded', 'create table written (number int)');
});
beforeEach(() => {
  session = createSession({
    url,
    clock: systemClock,
    log: () => undefined,
    patienceMs: 20_000,
    waitsForRefusing: true,
    limitMs: LIMIT_MS,
    revive: null,
  });
});
afterEach(() => session.close());
afterAll(() => postgres.stop());

const pidOf = async (): Promise<number> =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(session.db)).rows[0]?.pid ?? 0;
const sleepFor = (seconds: number) => sql`select pg_sleep(${seconds})`.execute(session.db);

it('a statement that does not end is given up, and its connection is never used again', async () => {
  const before = await pidOf();
  await expect(sleepFor(20)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(session.pool.totalCount).toBe(0);
  const after = await pidOf();
  expect(after).not.toBe(before);
  expect(await pidOf()).toBe(after);
});

it('connections that were silent for as long are not tried one after the other', async () => {
  await Promise.all([sleepFor(0.1), sleepFor(0.1), sleepFor(0.1)]);
  expect(session.pool.totalCount).toBe(3);
  const idle = await postgres.query('bounded', `select pid from pg_stat_activity where application_name = 'slipway'`);
  await expect(sleepFor(20)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(idle.map((row) => row['pid'])).not.toContain(await pidOf());
  expect(session.pool.totalCount).toBe(1);
});

it('a refusal is an answer: the connection stays', async () => {
  const before = await pidOf();
  await expect(sql`select 1 / 0`.execute(session.db)).rejects.toMatchObject({ code: '22012' });
  expect(await pidOf()).toBe(before);
});

it('a transaction is made again, and one that was cut off leaves nothing', async () => {
  let tries = 0;
  await session.transact(async (trx) => {
    tries += 1;
    await sql`insert into written values (${tries})`.execute(trx);
    if (tries === 1) await sql`select pg_sleep(20)`.execute(trx);
  });
  expect(await postgres.query('bounded', 'select number from written')).toEqual([{ number: 2 }]);
});

it('a transaction whose process is silent is ended by the server, so that nobody waits for it for ever', async () => {
  const held = session.db.transaction().execute(async (trx) => {
    const found = await sql<{ limit: string }>`select current_setting('idle_in_transaction_session_timeout') as limit`.execute(trx);
    return found.rows[0]?.limit;
  });
  expect(await held).toBe('0');
  const limit = await session.transact(async (trx) => {
    const found = await sql<{ limit: string }>`select current_setting('idle_in_transaction_session_timeout') as limit`.execute(trx);
    return found.rows[0]?.limit;
  });
  expect(limit).toBe('2s');
});

it('who waits for a connection past the limit is told so, and takes none from those that come after', async () => {
  const { max } = session.pool.options;
  const held = Array.from({ length: max }, () => session.pool.connect());
  const holders = await Promise.all(held);
  await expect(pidOf()).rejects.toThrow('timeout exceeded');
  holders.forEach((client) => client.release());
  const pids = await Promise.all(Array.from({ length: max }, pidOf));
  expect(session.pool.totalCount).toBe(max);
  expect([session.pool.waitingCount, session.pool.idleCount]).toEqual([0, max]);
  // Each of them is one of those that were there, and well.
  const known = new Set((await postgres.query('bounded', `select pid from pg_stat_activity`)).map((row) => row['pid']));
  expect(pids.every((pid) => known.has(pid))).toBe(true);
});

it('statements wait out a pool that is full of those that do not end, and are answered', async () => {
  const { max } = session.pool.options;
  const stuck = Array.from({ length: max }, () => sleepFor(20).catch((error: { readonly code?: string }) => error.code));
  expect(await session.again(pidOf)).toBeGreaterThan(0);
  expect(new Set(await Promise.all(stuck))).toEqual(new Set(['ETIMEDOUT']));
});

it('a connection that is lost in the middle of a statement, or of a transaction between two, is not used again', async () => {
  const end = (pid: number) => postgres.query('bounded', `select pg_terminate_backend(${pid})`);
  const lost = [await pidOf()];
  await expect(sql`select pg_terminate_backend(pg_backend_pid())`.execute(session.db)).rejects.toMatchObject({ code: '57P01' });
  const between = session.db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    lost.push(...rows.map(({ pid }) => pid));
    await Promise.all(rows.map(({ pid }) => end(pid)));
    await sql`insert into written values (0)`.execute(trx);
  });
  await expect(between).rejects.toSatisfy((error) => classify(error) === 'transient');
  expect(lost).not.toContain(await session.again(pidOf));
  expect(await postgres.query('bounded', 'select number from written where number = 0')).toEqual([]);
});

it('whatever becomes of the statements around it, an answer is that of its own question', async () => {
  let at = 0;
  const ask = async (): Promise<string> => {
    const mine = (at += 1);
    // Some end within the limit, some about at it, some are cut off by the server.
    const seconds = [0, 0.01, LIMIT_MS / 1_000, (1.5 * LIMIT_MS) / 1_000][mine % 4] ?? 0;
    const ending = mine % 7 === 0 ? sql`pg_terminate_backend(pg_backend_pid())` : sql`true`;
    const asked = sql<{ mine: number }>`select ${mine}::int as mine, pg_sleep(${seconds}), ${ending}`.execute(session.db);
    return asked.then(
      ({ rows }) => (rows.length === 1 && rows[0]?.mine === mine ? 'own' : `${mine} got ${JSON.stringify(rows)}`),
      (error: unknown) => (classify(error) === 'transient' ? 'lost' : String(error)),
    );
  };
  const client = async (): Promise<readonly string[]> => {
    const answers: string[] = [];
    for (let times = 0; times < 8; times++) answers.push(await ask());
    return answers;
  };
  const answers = new Set((await Promise.all(Array.from({ length: 12 }, client))).flat());
  expect(answers).toEqual(new Set(['own', 'lost']));
});
