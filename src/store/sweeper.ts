import { sql } from 'kysely';
import type { Duration } from '../kernel/index.ts';
import { driverOf } from './claims.ts';
import type { Context } from './context.ts';

/** At most one repeated wake-up per release in this time. */
const REPEAT_MS = 10_000;

const BATCH = 500;

/**
 * Finds this node's releases that nobody will look at by themselves and wakes them: the driver is dead or its lease ran out;
 * the time to wake passed without anybody coming; it ended but its pack is not sealed. Costs two index look-ups when all is well.
 * @param graceMs how late a wake-up may be before it counts as lost
 * @returns how many releases were woken
 */
export async function sweep(context: Context, node: string, host: string, graceMs: Duration): Promise<number> {
  const { session } = context;
  const [driven, due] = await session.again(
    async () => [await drivenReleases(context, node), await dueReleases(context, node, graceMs)] as const,
  );
  const orphans = driven.filter((row) => {
    const driver = driverOf(row);
    return row.expired || (driver !== null && driver.host === host && !context.isAlive(driver));
  });
  const lost = [...orphans, ...due];
  if (lost.length === 0) return 0;
  await session.again(() => context.wakes.prepare(node));
  const period = Math.floor(context.clock.now() / REPEAT_MS);
  await session.transact(async (trx) => {
    for (const { id, fence } of lost) {
      await context.wakes.send(trx, { release: id, node, reason: `swept ${fence} ${period}`, at: null });
    }
  });
  return lost.length;
}

async function drivenReleases(context: Context, node: string) {
  return context.session.db
    .selectFrom('release')
    .select(['id', 'fence', 'driver_id', 'driver_host', 'driver_pid', 'driver_start_ticks'])
    .select(sql<boolean>`lease_until < clock_timestamp()`.as('expired'))
    .where('node', '=', node)
    .where('driver_id', 'is not', null)
    .execute();
}

async function dueReleases(context: Context, node: string, graceMs: Duration) {
  const late = sql<Date>`clock_timestamp() - ${graceMs} * interval '1 millisecond'`;
  const due = context.session.db
    .selectFrom('release')
    .select(['id', 'fence'])
    .where('node', '=', node)
    .where('driver_id', 'is', null)
    .where('sealed', 'is', null)
    .where('wake_at', '<=', late)
    .limit(BATCH)
    .execute();
  const unsealed = context.session.db
    .selectFrom('release')
    .select(['id', 'fence'])
    .where('node', '=', node)
    .where('outcome', 'is not', null)
    .where('sealed', 'is', null)
    .where('driver_id', 'is', null)
    .where('wake_at', 'is', null)
    .limit(BATCH)
    .execute();
  return [...(await due), ...(await unsealed)];
}
