import { expect } from 'vitest';
import type { TestPostgres } from '../support/postgres.ts';

/** Takes the whole server through its crash recovery, by killing one of its processes, and waits until it answers again. */
export async function crashServer(server: TestPostgres): Promise<void> {
  const [row] = await server.query('postgres', `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`);
  process.kill(Number(row?.['pid']), 'SIGKILL');
  await expect
    .poll(() => server.query('postgres', 'SELECT 1 AS up').catch(() => null), { timeout: 30_000, interval: 50 })
    .toEqual([{ up: 1 }]);
}
