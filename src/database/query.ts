import type { Duration } from '../kernel/index.ts';
import { withClient } from './access.ts';
import type { DatabaseAccess } from './ports.ts';

/**
 * Runs one query of a smoke check in a read-only transaction; rows as objects.
 * @throws SlipwayError `database_unreachable`, `database_refused` (it writes, takes longer than `timeoutMs`, is more than one statement)
 */
export async function queryRows(
  access: DatabaseAccess,
  query: string,
  timeoutMs: Duration,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return withClient(access, 'running a check', async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.round(timeoutMs))}`);
    // As a prepared statement: the server then refuses a second one behind it, which could end the transaction and write.
    const { rows } = await client.query<Record<string, unknown>>({ name: 'check', text: query });
    await client.query('ROLLBACK');
    return rows;
  });
}
