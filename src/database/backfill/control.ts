import { SlipwayError } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { DatabaseAccess } from '../ports.ts';
import { estimateRows } from './dry-run.ts';
import { findWalk } from './key.ts';
import { isBackfillRunning } from './lock.ts';
import { askBackfill, forgetBackfill, readBackfill, releaseQuarantine, type BackfillState } from './state.ts';

/** What a person may ask of a backfill; `restart` and `retry` are for one that does not run. */
export type BackfillControl = 'pause' | 'resume' | 'stop' | 'restart' | 'retry';

const CUT_OFF = { status: 'stopped', because: 'it was cut off without a word; run it again to go on' } as const;

/**
 * Where a backfill stands (null: it never ran here) and how many rows its table has.
 * @throws SlipwayError `database_unreachable`, `database_refused`, `config_invalid` (no such table, no usable key)
 */
export async function lookAtBackfill(
  access: DatabaseAccess,
  definition: BackfillDefinition,
): Promise<{ readonly state: BackfillState | null; readonly rows: number }> {
  return withClient(access, 'looking at a backfill', async (client) => {
    const walk = await findWalk(client, definition.table, definition.key);
    const state = await readBackfill(client, definition.name);
    const cut = state?.status === 'running' && !(await isBackfillRunning(client, definition.name));
    return { state: state === null || !cut ? state : { ...state, ...CUT_OFF }, rows: await estimateRows(client, walk) };
  });
}

/**
 * Asks a running backfill to pause, go on or stop, which it hears before its next batch; or makes one that does not run begin
 * again (`restart`) or try the rows that were set aside (`retry`).
 * @returns whether it runs, and so hears it
 * @throws SlipwayError `not_found` when it never ran here, `locked` when it runs and must not
 */
export async function controlBackfill(access: DatabaseAccess, name: string, control: BackfillControl): Promise<boolean> {
  return withClient(access, 'controlling a backfill', async (client) => {
    if ((await readBackfill(client, name)) === null) throw new SlipwayError('not_found', `The backfill ${name} never ran in this database`);
    const running = await isBackfillRunning(client, name);
    if (control !== 'restart' && control !== 'retry') {
      await askBackfill(client, name, control === 'resume' ? 'run' : control);
      return running;
    }
    if (running) throw new SlipwayError('locked', `The backfill ${name} runs; stop it first`);
    if (control === 'restart') await forgetBackfill(client, name);
    else await releaseQuarantine(client, name);
    return false;
  });
}
