import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/kernel/index.ts';
import { classify } from '../../src/store/failures.ts';
import { createSession, type Session } from '../../src/store/session.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** Longer than anything takes here. That it has passed for those that wait for it, a test says: see {@link pass}. */
const LIMIT_MS = 20_000;

let postgres: TestPostgres;
let url: string;
let session: Session;
const waiting = new Set<() => void>();
const clock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    ms < LIMIT_MS
      ? systemClock.sleep(ms, signal)
      : new Promise((resolve) => {
          const over = (): void => {
            waiting.delete(over);
            resolve();
          };
          waiting.add(over);
          signal?.addEventListener('abort', over);
        }),
};
const open = (limitMs: number, of: Clock = systemClock): Session =>
  createSession({ url, clock: of, log: () => undefined, patienceMs: 60_000, waitsForRefusing: true, limitMs, revive: null });

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.create('bounded');
  await postgres.query('bounded', 'create table written (number int)');
});
beforeEach(() => {
  session = open(LIMIT_MS, clock);
});
afterEach(async () => {
  await session.close();
  // They do not notice that nobody waits for them, and the next test must not take them for its own.
  await postgres.query('bounded', `select pg_terminate_backend(pid, 60000) from pg_stat_activity where wait_event = 'PgSleep'`);
});
afterAll(() => postgres.stop());

const pidOf = async (): Promise<number> =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(session.db)).rows[0]?.pid ?? 0;
const sleepFor = (seconds: number) => sql`select pg_sleep(${seconds})`.execute(session.db);

/** The limit of so many statements that do not end passes, once they have begun. */
async function pass(statements = 1): Promise<void> {
  const asleep = `select pid from pg_stat_activity where application_name = 'slipway' and wait_event = 'PgSleep'`;
  await expect.poll(async () => (await postgres.query('bounded', asleep)).length).toBeGreaterThanOrEqual(statements);
  for (const over of [...waiting]) over();
}

/** What becomes of a statement that does not end. */
async function givenUp(): Promise<unknown> {
  const [error] = await Promise.all([sleepFor(300).catch((thrown: unknown) => thrown), pass()]);
  return error;
}

it('a statement that does not end is given up, and its connection is never used again', async () => {
  const before = await pidOf();
  expect(await givenUp()).toMatchObject({ code: 'ETIMEDOUT' });
  expect(session.pool.totalCount).toBe(0);
  const after = await pidOf();
  expect(after).not.toBe(before);
  expect(await pidOf()).toBe(after);
});

it('connections that were silent for as long are not tried one after the other', async () => {
  await Promise.all([sleepFor(0.1), sleepFor(0.1), sleepFor(0.1)]);
  expect(session.pool.totalCount).toBe(3);
  const idle = await postgres.query('bounded', `select pid from pg_stat_activity where application_name = 'slipway'`);
  expect(await givenUp()).toMatchObject({ code: 'ETIMEDOUT' });
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
  const made = session.transact(async (trx) => {
    tries += 1;
    await sql`insert into written values (${tries})`.execute(trx);
    if (tries === 1) await sql`select pg_sleep(300)`.execute(trx);
  });
  await pass();
  await made;
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
  expect(limit).toBe(`${(2 * LIMIT_MS) / 1_000}s`);
});

it('who waits for a connection past the limit is told so, and takes none from those that come after', async () => {
  const { options } = session.pool;
  const { max } = options;
  const holders = await Promise.all(Array.from({ length: max }, () => session.pool.connect()));
  expect(options.connectionTimeoutMillis).toBe(LIMIT_MS);
  // No need to wait for all of it, now that they are made.
  options.connectionTimeoutMillis = 50;
  await expect(pidOf()).rejects.toThrow('timeout exceeded');
  options.connectionTimeoutMillis = LIMIT_MS;
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
  const stuck = Array.from({ length: max }, () => sleepFor(300).catch((error: { readonly code?: string }) => error.code));
  const asked = session.again(pidOf);
  await pass(max);
  expect(await asked).toBeGreaterThan(0);
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
  // A limit of the machine's time, and how it ends for each is chance.
  const limitMs = 1_000;
  const short = open(limitMs);
  let at = 0;
  const ask = async (): Promise<string> => {
    const mine = (at += 1);
    // Some end within the limit, some about at it, some are cut off by the server.
    const seconds = [0, 0.01, limitMs / 1_000, (1.5 * limitMs) / 1_000][mine % 4] ?? 0;
    const ending = mine % 7 === 0 ? sql`pg_terminate_backend(pg_backend_pid())` : sql`true`;
    const asked = sql<{ mine: number }>`select ${mine}::int as mine, pg_sleep(${seconds}), ${ending}`.execute(short.db);
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
  await short.close();
  expect(answers).toEqual(new Set(['own', 'lost']));
});
