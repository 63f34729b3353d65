import { expect } from 'vitest';
import type { TestPostgres } from '../support/postgres.ts';
import { signalOne } from '../support/signal.ts';

/** Takes the whole server through its crash recovery, by killing one of its processes, and waits until it answers again. */
export async function crashServer(server: TestPostgres): Promise<void> {
  /** Null: none has begun. */
  const checkpointer = async (): Promise<number | null> => {
    const [row] = await server.query('postgres', `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`);
    return row === undefined ? null : Number(row['pid']);
  };
  const killed = await checkpointer();
  signalOne(killed);
  // Until the server has noticed, it goes on answering.
  const isBack = (): Promise<boolean> =>
    checkpointer().then(
      (pid) => pid !== null && pid !== killed,
      () => false,
    );
  await expect.poll(isBack).toBe(true);
}
