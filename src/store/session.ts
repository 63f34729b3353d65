import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Pool, type PoolConfig } from 'pg';
import { createRedactor, messageOf, SlipwayError, type Clock, type Duration, type Log } from '../kernel/index.ts';
import { boundedPool } from './bounded.ts';
import { classify, isRefused } from './failures.ts';
import { SCHEMA, type Tables } from './schema.ts';

export type Db = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** A pool with the patience to outlive a restart of its server. */
export interface Session {
  readonly db: Db;
  readonly pool: Pool;
  /**
   * One more connection, for statements that a library sends on its own while a transaction of ours is open: from `pool` they
   * would wait for connections that are held by transactions waiting for them.
   */
  readonly side: Pool;
  /** Runs an operation that may be repeated; waits out lost connections, restarts, deadlocks. */
  again<T>(operation: () => Promise<T>): Promise<T>;
  /**
   * Runs one transaction, repeated like {@link Session.again}. A connection lost during COMMIT leaves open whether it
   * happened, so `work` must recognise what an earlier try of the same call may have recorded.
   */
  transact<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long an operation keeps trying before it gives up with `store_unreachable`. */
  readonly patienceMs: Duration;
  /** False: one that refuses the first connection of all is not waited for, unless it can be revived. */
  readonly waitsForRefusing: boolean;
  /**
   * How long one statement may take; null: as long as it takes. With a limit a dead connection is noticed within it, and a transaction
   * whose process cannot be reached any more is ended by the server.
   */
  readonly limitMs: Duration | null;
  /** Called after a lost connection, before the next try: brings the embedded server back. */
  readonly revive: (() => Promise<void>) | null;
}

const POOL: PoolConfig = {
  max: 8,
  connectionTimeoutMillis: 10_000,
  idleTimeoutMillis: 10_000,
  keepAlive: true,
  application_name: 'slipway',
};

/** Opens nothing yet: the first operation connects. */
export function createSession(options: SessionOptions): Session {
  const { limitMs, clock } = options;
  const pool = createPool(options, limitMs === null ? {} : { connectionTimeoutMillis: limitMs });
  const side = createPool(options, { max: 1, idleTimeoutMillis: 1_000 });
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: limitMs === null ? pool : boundedPool(pool, limitMs, clock) }),
  }).withSchema(SCHEMA);
  let isReached = options.waitsForRefusing || options.revive !== null;
  pool.on('connect', () => (isReached = true));
  const again = <T>(operation: () => Promise<T>): Promise<T> => persist(options, operation, (error) => isReached || !isRefused(error));
  return {
    db,
    pool,
    side,
    again,
    transact: (work) =>
      again(() =>
        db.transaction().execute(async (trx) => {
          if (limitMs !== null) await endWhenAlone(trx, 2 * limitMs);
          return work(trx);
        }),
      ),
    close: async () => void (await Promise.all([pool.end(), side.end()])),
  };
}

/** What a process that was cut off holds, it must not hold for hours: others wait for it. */
async function endWhenAlone(trx: Trx, afterMs: Duration): Promise<void> {
  await sql`select set_config('idle_in_transaction_session_timeout', ${String(afterMs)}, true)`.execute(trx);
}

function createPool(options: SessionOptions, changes: PoolConfig): Pool {
  const pool = new Pool({ ...POOL, connectionString: options.url, allowExitOnIdle: true, ...changes });
  // An idle connection that breaks is no news: the next operation takes another.
  const lost = (error: Error): void => options.log('debug', `store connection lost: ${messageOf(error)}`);
  pool.on('error', lost);
  // The pool stops listening while a client is in use; one that breaks between two statements would end the process.
  pool.on('connect', (client) => client.on('error', lost));
  return pool;
}

async function persist<T>(options: SessionOptions, operation: () => Promise<T>, isWorthWaiting: (error: unknown) => boolean): Promise<T> {
  const deadline = options.clock.monotonic() + options.patienceMs;
  for (let wait = 10; ; wait = Math.min(wait * 2, 500)) {
    try {
      return await operation();
    } catch (error) {
      const failure = classify(error);
      if (failure === null) throw error;
      if (failure !== 'transient') throw failure;
      if (options.clock.monotonic() + wait > deadline || !isWorthWaiting(error)) {
        throw new SlipwayError('store_unreachable', `The store did not answer: ${createRedactor()(messageOf(error))}`, { cause: error });
      }
    }
    await options.clock.sleep(wait);
    await options.revive?.();
  }
}
