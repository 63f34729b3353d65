import { SlipwayError } from '../kernel/index.ts';
import type { Claim, LockOwner, NewEvent } from '../release/index.ts';
import type { Context } from './context.ts';
import { isRecorded, record, type Attempt } from './record.ts';
import { findRow, guardKey, lockClaimed, lockKey, lockRow, ownerOf, takeKey, type ReleaseRow } from './rows.ts';
import type { Trx } from './session.ts';

/** Records a driver's events; `release.finished` also hands the service + environment to whoever waited longest. */
export async function append(
  context: Context,
  mine: Claim,
  events: readonly NewEvent[],
  expectedSize?: number,
): Promise<'recorded' | 'changed'> {
  const attempt: Attempt = { entries: [] };
  const place = finishes(events) ? await context.session.again(() => findRow(context.session.db, mine.release)) : null;
  return context.session.transact(async (trx) => {
    if (place !== null) await guardKey(trx, lockKey(place));
    if (await isRecorded(trx, mine.release, attempt)) return 'recorded';
    const row = await lockClaimed(trx, mine);
    if (expectedSize !== undefined && row.size !== expectedSize) return 'changed';
    await record(trx, context.clock, row, { actor: mine.driver, events, attempt });
    if (place !== null) await passOn(trx, context, row, mine.driver);
    return 'recorded';
  });
}

function finishes(events: readonly NewEvent[]): boolean {
  return events.some(({ type }) => type === 'release.finished');
}

/** Frees the key of a finished release, or hands it to the oldest one that waits, in the same transaction. */
async function passOn(trx: Trx, context: Context, finished: ReleaseRow, actor: string): Promise<void> {
  const key = lockKey(finished);
  const { numDeletedRows } = await trx.deleteFrom('lock').where('key', '=', key).where('release', '=', finished.id).executeTakeFirst();
  if (numDeletedRows === 0n) return;
  const next = await trx
    .selectFrom('release')
    .select('id')
    .where('service', '=', finished.service)
    .where('environment', '=', finished.environment)
    .where('outcome', 'is', null)
    .orderBy('number')
    .limit(1)
    .executeTakeFirst();
  if (next === undefined) return;
  const row = await lockRow(trx, next.id);
  await hold(trx, context, row, row.driver_host ?? row.node.split(':')[0] ?? row.node);
  // In its ledger, so a driver that is about to park sees that something happened.
  const { size } = await record(trx, context.clock, row, { actor, events: [{ type: 'lock.acquired', data: { key, from: finished.id } }] });
  await wakeNow(trx, context, row, size);
}

async function hold(trx: Trx, context: Context, row: ReleaseRow, host: string): Promise<void> {
  await takeKey(trx, { key: lockKey(row), release: row.id, owner: row.requested_by, host, since: new Date(context.clock.now()) });
}

/** Due at once, with the wake-up that says so. */
async function wakeNow(trx: Trx, context: Context, row: ReleaseRow, size: number): Promise<void> {
  await trx
    .updateTable('release')
    .set({ wake_at: new Date(context.clock.now()) })
    .where('id', '=', row.id)
    .execute();
  await context.wakes.send(trx, { release: row.id, node: row.node, reason: `event ${size}`, at: null });
}

/** Takes the service + environment and records it once, or records once that it waits. */
export async function acquireLock(
  context: Context,
  mine: Claim,
): Promise<{ readonly acquired: boolean; readonly owner: LockOwner | null }> {
  const place = await context.session.again(() => findRow(context.session.db, mine.release));
  const key = lockKey(place);
  return context.session.transact(async (trx) => {
    await guardKey(trx, key);
    const row = await lockClaimed(trx, mine);
    const owner = await ownerOf(trx, key);
    const acquired = owner === null || owner.release === mine.release;
    if (owner === null) await hold(trx, context, row, row.driver_host ?? '');
    const event: NewEvent = acquired ? { type: 'lock.acquired', data: { key } } : { type: 'lock.waiting', data: { owner: owner.release } };
    const known = row.progress.lock === (acquired ? 'held' : 'waiting');
    if (!known) await record(trx, context.clock, row, { actor: mine.driver, events: [event] });
    return { acquired, owner: await ownerOf(trx, key) };
  });
}

/**
 * Records what a person asked for and wakes the driver.
 * @throws SlipwayError `not_found`, or `not_possible_now` for a finished release
 */
export async function request(context: Context, release: string, actor: string, event: NewEvent): Promise<void> {
  const { node } = await context.session.again(() => findRow(context.session.db, release));
  await context.session.again(() => context.wakes.prepare(node));
  const attempt: Attempt = { entries: [] };
  await context.session.transact(async (trx) => {
    if (await isRecorded(trx, release, attempt)) return;
    const row = await lockRow(trx, release);
    if (row.outcome !== null)
      throw new SlipwayError('not_possible_now', `Release ${release} has ended (${row.outcome}); nothing more can be asked of it`);
    const { size } = await record(trx, context.clock, row, { actor, events: [event], attempt });
    await wakeNow(trx, context, row, size);
  });
}
