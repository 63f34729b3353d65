import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { FlagChange } from '../../flags/index.ts';
import { guardKey } from '../rows.ts';
import type { Session, Trx } from '../session.ts';
import type { FlagChangeTable } from './schema.ts';

/**
 * Runs `write` in a transaction, as the only one who writes in the environment. When the answer to a commit was lost, the next try finds what
 * that one recorded under `attempt`, and nothing is written twice.
 */
export async function writeOnce(
  session: Session,
  environment: string,
  write: (trx: Trx, attempt: string) => Promise<FlagChange | null>,
): Promise<FlagChange | null> {
  const attempt = randomUUID();
  let tries = 0;
  return session.transact(async (trx) => {
    tries += 1;
    await guardKey(trx, `flags ${environment}`);
    const earlier = tries === 1 ? null : await recorded(trx, environment, attempt);
    return earlier ?? write(trx, attempt);
  });
}

/** What an earlier try of the same call recorded. */
export async function recorded(trx: Trx, environment: string, attempt: string): Promise<FlagChange | null> {
  const row = await trx
    .selectFrom('flag_change')
    .selectAll()
    .where('environment', '=', environment)
    .where('attempt', '=', attempt)
    .executeTakeFirst();
  return row === undefined ? null : changeOf(row);
}

/** A change as its row tells it. */
export function changeOf(row: Selectable<FlagChangeTable>): FlagChange {
  const { environment, seq, at, actor, reason, action, acknowledge, writes } = row;
  return { environment, seq, at: at.getTime(), actor, reason, action, acknowledge, writes };
}
