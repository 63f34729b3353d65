import { SlipwayError } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { DatabaseAccess } from '../ports.ts';
import { estimateRows } from './dry-run.ts';
import { findWalk } from './key.ts';
import { askBackfill, forgetBackfill, readBackfill, releaseQuarantine, type BackfillState } from './state.ts';

/** What a person may ask of a backfill; `restart` and `retry` are for one that does not run. */
export type BackfillControl = 'pause' | 'resume' | 'stop' | 'restart' | 'retry';

/**
 * Where a backfill stands (null: it never ran here) and how many rows its table has.
 * @throws SlipwayError `database_unreachable`, `database_refused`, `config_invalid` (no such table, no usable key)
 */
export async function lookAtBackfill(
  access: DatabaseAccess,
  definition: BackfillDefinition,
): Promise<{ readonly state: BackfillState | null; readonly rows: number }> {
  return withClient(access, 'look at a backfill', async (client) => {
    const walk = await findWalk(client, definition.table, definition.key);
    return { state: await readBackfill(client, definition.name), rows: await estimateRows(client, walk) };
  });
}

/**
 * Asks a running backfill to pause, go on or stop, which it hears before its next batch; or makes one that does not run begin
 * again (`restart`) or try the rows that were set aside (`retry`).
 * @throws SlipwayError `not_found` when it never ran here, `locked` when it runs and must not
 */
export async function controlBackfill(access: DatabaseAccess, name: string, control: BackfillControl): Promise<void> {
  await withClient(access, 'control a backfill', async (client) => {
    if ((await readBackfill(client, name)) === null) throw new SlipwayError('not_found', `The backfill ${name} never ran in this database`);
    if (control !== 'restart' && control !== 'retry') {
      await askBackfill(client, name, control === 'resume' ? 'run' : control);
      return;
    }
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1', [
      `slipway backfill ${name}`.slice(0, 63),
    ]);
    if ((rows[0]?.n ?? 0) > 0) throw new SlipwayError('locked', `The backfill ${name} runs; stop it first`);
    if (control === 'restart') await forgetBackfill(client, name);
    else await releaseQuarantine(client, name);
  });
}
