import type pg from 'pg';
import { withClient } from '../access.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { Walk } from '../core/backfill/sql.ts';
import { asOwn } from '../core/own.ts';
import type { DatabaseAccess } from '../ports.ts';
import { checkSql } from './check.ts';
import { findWalk } from './key.ts';
import { readBackfill, type BackfillState } from './state.ts';
import { countLeft, countWrong } from './verify.ts';

/** Where a backfill stands (null: it never ran here), and how many rows its verification finds wrong now. */
export interface VerifiedBackfill {
  readonly state: BackfillState | null;
  readonly wrong: number;
  /** Its table has no row. */
  readonly empty: boolean;
}

/**
 * Asks the verification query of a backfill now, whatever its last run said.
 * @throws SlipwayError `config_invalid`, `database_unreachable`, `database_refused`
 */
export async function verifyBackfill(access: DatabaseAccess, definition: BackfillDefinition): Promise<VerifiedBackfill> {
  await checkSql(definition);
  return withClient(access, `verifying the backfill ${definition.name}`, async (client) => {
    const walk = await findWalk(client, definition.table, definition.key);
    const state = await readBackfill(client, definition.name);
    const { rows } = await client.query<{ empty: boolean }>(asOwn(`SELECT NOT EXISTS (SELECT FROM ${walk.table}) AS empty`));
    return { state, wrong: await wrongRows(client, { definition, walk, ran: state !== null }), empty: rows[0]?.empty === true };
  });
}

async function wrongRows(
  client: pg.Client,
  { definition, walk, ran }: { readonly definition: BackfillDefinition; readonly walk: Walk; readonly ran: boolean },
): Promise<number> {
  const { name, verify, where } = definition;
  if (verify !== null) return countWrong(client, name, verify);
  // Before its first run there is no quarantine to tell them apart.
  if (!ran) {
    const { rows } = await client.query<{ wrong: number }>(asOwn(`SELECT count(*)::float8 AS wrong FROM ${walk.table} WHERE (${where})`));
    return rows[0]?.wrong ?? 0;
  }
  const { open, aside } = await countLeft(client, definition, walk);
  return open + aside;
}
