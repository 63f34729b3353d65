import { sql, type RawBuilder } from 'kysely';
import type { Instant } from '../kernel/index.ts';
import type { Claim, Driver } from '../release/index.ts';
import type { Context } from './context.ts';
import { record } from './record.ts';
import { findRow, holds, lockClaimed, lockRow, type ReleaseRow } from './rows.ts';
import type { Trx } from './session.ts';

/** The end of a lease that begins now, by the database's clock: the only one all workers share. */
function leaseEnd(context: Context): RawBuilder<Date> {
  return sql<Date>`clock_timestamp() + ${context.lease.leaseMs} * interval '1 millisecond'`;
}

/** Columns of a release nobody drives. */
const NO_DRIVER = { driver_id: null, driver_host: null, driver_pid: null, driver_start_ticks: null, lease_until: null } as const;

/**
 * Takes a release for a driver; null when a live driver has it or nothing is left to do (finished and sealed).
 * A finished release that is not sealed can be claimed, but its ledger is closed: no `driver.claimed` is recorded.
 */
export async function claim(context: Context, release: string, driver: Driver): Promise<Claim | null> {
  let tried: number | null = null;
  return context.session.transact(async (trx) => {
    const row = await lockRow(trx, release);
    if (tried !== null && holds(row, { release, driver: driver.id, fence: tried })) return { release, driver: driver.id, fence: tried };
    if (row.sealed !== null || (await isDriven(trx, context, row, driver))) return null;
    const { rows } = await sql<{ readonly fence: string }>`select nextval('slipway.fence') as fence`.execute(trx);
    const fence = Number(rows[0]?.fence);
    tried = fence;
    await trx
      .updateTable('release')
      .set({
        fence,
        driver_id: driver.id,
        driver_host: driver.host,
        driver_pid: driver.pid,
        driver_start_ticks: driver.startTicks,
        lease_until: leaseEnd(context),
        wake_at: null,
      })
      .where('id', '=', release)
      .execute();
    if (row.outcome === null) {
      const data = { driver: driver.id, fence, takeover: row.driver_id !== null };
      await record(trx, context.clock, row, { actor: driver.id, events: [{ type: 'driver.claimed', data }] });
    }
    return { release, driver: driver.id, fence };
  });
}

/** Has a driver it whose lease runs and whose process, where we can see it, lives? */
async function isDriven(trx: Trx, context: Context, row: ReleaseRow, candidate: Driver): Promise<boolean> {
  const driver = driverOf(row);
  if (driver === null) return false;
  if (driver.host === candidate.host && !context.isAlive(driver)) return false;
  const { rows } = await sql<{ readonly runs: boolean }>`select ${row.lease_until}::timestamptz > clock_timestamp() as runs`.execute(trx);
  return rows[0]?.runs === true;
}

/** The driver named in a row; null when there is none. */
export function driverOf(row: Pick<ReleaseRow, 'driver_id' | 'driver_host' | 'driver_pid' | 'driver_start_ticks'>): Driver | null {
  if (row.driver_id === null) return null;
  const startTicks = row.driver_start_ticks === null ? null : Number(row.driver_start_ticks);
  return { id: row.driver_id, host: row.driver_host ?? '', pid: row.driver_pid ?? 0, startTicks };
}

/** Extends the lease; false when it was taken over or given back. An expired lease that nobody took may be renewed: nothing happened meanwhile. */
export async function renew(context: Context, { release, driver, fence }: Claim): Promise<boolean> {
  const { numUpdatedRows } = await context.session.again(() =>
    context.session.db
      .updateTable('release')
      .set({ lease_until: leaseEnd(context) })
      .where('id', '=', release)
      .where('fence', '=', String(fence))
      .where('driver_id', '=', driver)
      .executeTakeFirst(),
  );
  return numUpdatedRows > 0n;
}

/**
 * Gives the claim back until `wakeAt`. Refused when the ledger grew since the driver looked: the wake-up of that event may
 * already have been spent on finding this driver busy.
 */
export async function park(context: Context, mine: Claim, expectedSize: number, wakeAt: Instant | null): Promise<'parked' | 'changed'> {
  const { node } = await context.session.again(() => findRow(context.session.db, mine.release));
  await context.session.again(() => context.wakes.prepare(node));
  let tried = false;
  return context.session.transact(async (trx) => {
    if (tried && isParked(await lockRow(trx, mine.release), mine)) return 'parked';
    const row = await lockClaimed(trx, mine);
    if (row.size !== expectedSize) return 'changed';
    tried = true;
    await trx
      .updateTable('release')
      .set({ ...NO_DRIVER, wake_at: wakeAt === null ? null : new Date(wakeAt) })
      .where('id', '=', mine.release)
      .execute();
    if (wakeAt !== null)
      await context.wakes.send(trx, { release: mine.release, node: row.node, reason: `parked ${mine.fence}`, at: wakeAt });
    return 'parked';
  });
}

function isParked(row: ReleaseRow, mine: Claim): boolean {
  return Number(row.fence) === mine.fence && row.driver_id === null;
}

/** Notes the checkpoint of the finished release's pack and gives the claim back; nothing is left to do. */
export async function seal(context: Context, mine: Claim, checkpoint: string): Promise<void> {
  await context.session.transact(async (trx) => {
    if ((await lockRow(trx, mine.release)).sealed === checkpoint) return;
    const row = await lockClaimed(trx, mine);
    if (row.outcome === null) throw new Error(`Release ${mine.release} is not finished; it cannot be sealed`);
    await trx
      .updateTable('release')
      .set({ ...NO_DRIVER, wake_at: null, sealed: checkpoint, unsealed_because: null })
      .where('id', '=', mine.release)
      .execute();
  });
}

/** Notes why the pack could not be written and gives the claim back until then. */
export async function postponeSeal(context: Context, mine: Claim, reason: string, until: Instant): Promise<void> {
  const { node } = await context.session.again(() => findRow(context.session.db, mine.release));
  await context.session.again(() => context.wakes.prepare(node));
  let tried = false;
  await context.session.transact(async (trx) => {
    if (tried && isParked(await lockRow(trx, mine.release), mine)) return;
    const row = await lockClaimed(trx, mine);
    if (row.outcome === null) throw new Error(`Release ${mine.release} is not finished; there is nothing to seal yet`);
    tried = true;
    await trx
      .updateTable('release')
      .set({ ...NO_DRIVER, wake_at: new Date(until), unsealed_because: reason })
      .where('id', '=', mine.release)
      .execute();
    await context.wakes.send(trx, { release: mine.release, node, reason: `unsealed ${mine.fence}`, at: until });
  });
}
