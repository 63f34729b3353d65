import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { createSession, type Session } from '../../src/store/session.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const LIMIT_MS = 400;

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
  expect(limit).toBe('800ms');
});
