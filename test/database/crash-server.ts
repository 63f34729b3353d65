import { expect } from 'vitest';
import type { TestPostgres } from '../support/postgres.ts';

/** Takes the whole server through its crash recovery, by killing one of its processes, and waits until it answers again. */
export async function crashServer(server: TestPostgres): Promise<void> {
  const checkpointer = async (): Promise<number> => {
    const [row] = await server.query('postgres', `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`);
    return Number(row?.['pid'] ?? 0);
  };
  const killed = await checkpointer();
  process.kill(killed, 'SIGKILL');
  // Until the server has noticed, it goes on answering.
  const isBack = (): Promise<boolean> =>
    checkpointer().then(
      (pid) => pid !== 0 && pid !== killed,
      () => false,
    );
  await expect.poll(isBack, { timeout: 30_000, interval: 50 }).toBe(true);
}
