import { withClient } from '../access.ts';
import type { DatabaseAccess } from '../ports.ts';

/** Runs a file of sample data in one transaction. @throws SlipwayError `database_refused` with the server's words */
export async function loadSample(access: DatabaseAccess, sql: string): Promise<void> {
  // Several statements sent as one text are one transaction.
  await withClient(access, 'loading the sample data', async (client) => void (await client.query(sql)));
}
