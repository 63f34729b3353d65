import { withClient } from './access.ts';
import type { DatabaseAccess } from './ports.ts';

/** Runs one query of a smoke check in a read-only transaction; rows as objects. @throws SlipwayError `database_unreachable`, `database_refused` */
export async function queryRows(access: DatabaseAccess, query: string, timeoutMs: number): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return withClient(access, 'run a check', async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.round(timeoutMs))}`);
    const { rows } = await client.query<Record<string, unknown>>(query);
    await client.query('ROLLBACK');
    return rows;
  });
}
