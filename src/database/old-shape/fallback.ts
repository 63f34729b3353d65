import { SlipwayError, type Instant } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import type { Watched } from '../core/old-shape/watch.ts';
import type { DatabaseAccess } from '../ports.ts';
import { asOwn } from '../core/own.ts';
import { serverNow, watchCounters } from './watch.ts';

const WITHIN_MS = 30_000;

/**
 * Reads the counter of reads that fell back to an old shape, and says since when it stands still.
 * @returns `watched` null when nothing may be remembered in the database; `now` by the server's clock, as what is watched
 * @throws SlipwayError `config_invalid` when the query does not answer one row with one number
 */
export async function readFallback(
  access: DatabaseAccess,
  { name, query, remember }: { readonly name: string; readonly query: string; readonly remember: boolean },
): Promise<{ readonly watched: Watched | null; readonly now: Instant }> {
  return withClient(access, `reading the fallback counter of ${name}`, async (client) => {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${WITHIN_MS}`);
    // As a prepared statement: the server then refuses a second one behind it, which could end the transaction and write.
    const { rows, fields } = await client.query<unknown[]>({ name: 'fallback', text: asOwn(query), rowMode: 'array' });
    await client.query('ROLLBACK');
    const value = rows[0]?.[0] === null ? Number.NaN : Number(rows[0]?.[0]);
    if (rows.length !== 1 || fields.length !== 1 || !Number.isFinite(value))
      throw new SlipwayError('config_invalid', `\`fallback\` of the contract ${name} must answer one row with one number`, {
        hint: 'Count the reads that fell back: SELECT coalesce(sum(times), 0) FROM ...',
      });
    const looked = await watchCounters(client, {
      subject: `fallback of ${name}`,
      counters: new Map([['reads', value]]),
      epoch: null,
      remember,
    });
    return { watched: looked?.get('reads') ?? null, now: await serverNow(client) };
  });
}
