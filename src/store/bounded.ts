import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { within, type Clock, type Duration } from '../kernel/index.ts';

/** Counts as a lost connection (see `classify`): what was asked may be asked again, on another one. */
class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(limitMs: Duration) {
    super(`the database did not answer within ${limitMs} ms`);
  }
}

/**
 * The clients of a pool, but for statements that end within a limit: a network that drops packets without a word, or a machine that
 * froze, is not noticed by TCP for minutes. A client that did not answer is destroyed, never given back: an answer that comes after all
 * would be taken for that of the next statement. Clients that were silent for as long are as likely dead, so they are not tried.
 */
export function boundedPool(pool: Pool, limitMs: Duration, clock: Pick<Clock, 'monotonic' | 'sleep'>): PostgresPool {
  const answeredAt = new WeakMap<PoolClient, Duration>();
  let silentSince: Duration = -Infinity;

  const bounded = (client: PoolClient): PostgresPoolClient => {
    let isDead = false;
    const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
      if (isDead) throw new NoAnswer(limitMs);
      const asked = clock.monotonic();
      try {
        const answer = await within(client.query(text, [...values]), limitMs, clock);
        if (answer !== null) return answer;
      } finally {
        // A refusal is an answer.
        answeredAt.set(client, clock.monotonic());
      }
      isDead = true;
      silentSince = Math.max(silentSince, asked);
      // With a statement under way this closes the socket, and does not wait for a good-bye.
      client.release(true);
      throw new NoAnswer(limitMs);
    };
    return {
      query: query as PostgresPoolClient['query'],
      release: (discard?: boolean) => void (isDead || client.release(discard)),
    };
  };

  return {
    connect: async () => {
      for (;;) {
        const client = await pool.connect();
        if ((answeredAt.get(client) ?? Infinity) >= silentSince) return bounded(client);
        // A statement under way, for the same reason.
        client.query('select').catch(() => undefined);
        client.release(true);
      }
    },
    end: () => pool.end(),
    options: pool.options,
  };
}
