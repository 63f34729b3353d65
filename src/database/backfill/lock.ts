import { createHash } from 'node:crypto';
import type pg from 'pg';
import { SlipwayError, type Clock } from '../../kernel/index.ts';

const keyOf = (name: string): string => createHash('sha256').update(`slipway backfill ${name}`).digest().readBigInt64BE(0).toString();

/** A server finds out within a second that the one who held the lock was killed, when it was in the middle of a statement. */
const GONE_WITHIN_MS = 1_500;
const LOOK_MS = 100;
/** And within half a minute that the machine, or the network to it, is gone, instead of in hours. */
const ALIVE = 'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

/**
 * One run of one backfill at a time; the server gives the lock back when the session that holds it is gone.
 * @throws SlipwayError `locked`
 */
export async function takeBackfillLock(control: pg.Client, name: string, clock: Clock): Promise<void> {
  await control.query(ALIVE);
  for (const since = clock.monotonic(); ;) {
    const { rows } = await control.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [keyOf(name)]);
    if (rows[0]?.taken === true) return;
    if (clock.monotonic() - since > GONE_WITHIN_MS) break;
    await clock.sleep(LOOK_MS);
  }
  throw new SlipwayError('locked', `The backfill ${name} runs already`, {
    hint: `Look at it with slipway db backfill ${name} --status, or stop it with --stop.`,
  });
}

/** Does it run? What is recorded cannot say: whoever is killed records nothing. */
export async function isBackfillRunning(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32 | objid::bigint) = $1::bigint) AS held`,
    [keyOf(name)],
  );
  return rows[0]?.held === true;
}
