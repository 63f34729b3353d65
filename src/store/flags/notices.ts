import { sql } from 'kysely';
import type { NoticeStore } from '../../flags/index.ts';
import type { Session } from '../session.ts';

/** What owners were told, or are being told: one row per notice. */
export const FLAG_NOTICE_TABLE = `
create table slipway.flag_notice (
  environment text not null,
  flag text not null,
  expires_at timestamptz not null,
  threshold text not null,
  claimed_until timestamptz not null,
  sent_at timestamptz,
  primary key (environment, flag, expires_at, threshold)
)
`;

/** Longer than telling may take; after it, whoever claimed it is taken to be gone. */
const CLAIM_S = 60;

/** Notices in PostgreSQL. Times are the database's. */
export function createNoticeStore({ db, again }: Session): NoticeStore {
  return {
    claim: async ({ environment, flag, expiresAt, threshold }) => {
      const claimed_until = sql<Date>`clock_timestamp() + ${CLAIM_S} * interval '1 second'`;
      const row = await again(() =>
        db
          .insertInto('flag_notice')
          .values({ environment, flag, expires_at: new Date(expiresAt), threshold, claimed_until })
          .onConflict((already) =>
            already
              .columns(['environment', 'flag', 'expires_at', 'threshold'])
              .doUpdateSet({ claimed_until })
              .where('flag_notice.sent_at', 'is', null)
              .where('flag_notice.claimed_until', '<', sql<Date>`clock_timestamp()`),
          )
          .returning('flag')
          .executeTakeFirst(),
      );
      return row !== undefined;
    },
    sent: async ({ environment, flag, expiresAt, threshold }) => {
      await again(() =>
        db
          .updateTable('flag_notice')
          .set({ sent_at: sql<Date>`clock_timestamp()` })
          .where('environment', '=', environment)
          .where('flag', '=', flag)
          .where('expires_at', '=', new Date(expiresAt))
          .where('threshold', '=', threshold)
          .execute(),
      );
    },
  };
}
