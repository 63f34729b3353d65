import { sql } from 'kysely';
import type { FlagChange } from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import type { Session } from '../session.ts';
import { record } from './commit.ts';
import { writeOnce } from './once.ts';

/** More than anybody changes between a backup and its restore. */
const FAR = 1_000_000;
const LAST_SEQ = 2_147_483_647;

interface Restored {
  readonly environment: string;
  readonly actor: string;
  readonly reason: string;
}

/** Raises the number of an environment and ends its history, with a record of who did. @throws SlipwayError `not_possible_now` */
export async function beginHistory(session: Session, { environment, actor, reason }: Restored): Promise<FlagChange | null> {
  return writeOnce(session, environment, async (trx, attempt) => {
    const now = await trx.selectFrom('flag_environment').select('seq').where('name', '=', environment).executeTakeFirst();
    if (now === undefined) return null;
    if (now.seq > LAST_SEQ - 2 * FAR)
      throw new SlipwayError('not_possible_now', `The numbers of ${environment} are used up`, { hint: 'Use another environment.' });
    const { seq, at } = await trx
      .updateTable('flag_environment')
      .set({ seq: now.seq + FAR, history: sql<string>`gen_random_uuid()::text`, at: sql<Date>`greatest(at, clock_timestamp())` })
      .where('name', '=', environment)
      .returning(['seq', 'at'])
      .executeTakeFirstOrThrow();
    const change = { environment, seq, at, actor, reason, action: 'restore', acknowledge: false, writes: [] } as const;
    await record(trx, { ...change, attempt });
    return { ...change, at: at.getTime() };
  });
}
