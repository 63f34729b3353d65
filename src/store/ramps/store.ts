import { randomUUID } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { SlipwayError } from '../../kernel/index.ts';
import type { NewRampEvent, RampClaim, RampEvent, RampPlan, RampStore } from '../../release/index.ts';
import type { Context } from '../context.ts';
import type { Trx } from '../session.ts';
import type { RampTable } from './schema.ts';

/** Ramps in PostgreSQL. */
export function createRampStore(context: Context): RampStore {
  return {
    start: (plan) => start(context, plan),
    load: (ramp) => load(context, ramp),
    take: (node) => take(context, node),
    renew: (claim) => renew(context, claim),
    append: (claim, event, expectedSize) => append(context, claim, { event, expectedSize }),
    park: (claim, expectedSize, wakeAt) => park(context, claim, { expectedSize, wakeAt }),
    request: (ramp, actor, event) => request(context, ramp, { actor, event }),
    list: (filter) => list(context, filter),
  };
}

const DRIVER = 'slipway';

/** All that is compared with each other is by this clock; events have milliseconds. */
const NOW = sql<Date>`date_trunc('milliseconds', clock_timestamp())`;

async function start({ session }: Context, plan: RampPlan): Promise<void> {
  const { ramp: id, environment, flag, node, startedBy } = plan;
  await session.transact(async (trx) => {
    const made = await trx
      .insertInto('ramp')
      .values({ id, environment, flag, node, size: 1, last_at: NOW, wake_at: NOW, outcome: null })
      .onConflict((already) => already.doNothing())
      .returning('last_at')
      .executeTakeFirst();
    if (made === undefined) return refuseSecond(trx, plan);
    const event = { type: 'ramp.started', data: { plan } } as const;
    await insert(trx, { ramp: id, seq: 0, at: made.last_at, actor: startedBy, event, attempt: id });
  });
}

/** A repeated call whose first COMMIT had arrived finds itself. */
async function refuseSecond(trx: Trx, { ramp, environment, flag }: RampPlan): Promise<void> {
  const other = await trx
    .selectFrom('ramp')
    .select('id')
    .where('environment', '=', environment)
    .where('flag', '=', flag)
    .where('outcome', 'is', null)
    .executeTakeFirst();
  if (other?.id === ramp) return;
  throw new SlipwayError('ramp_under_way', `${flag} in ${environment} has a ramp under way: ${other?.id ?? ramp}`);
}

async function load({ session }: Context, ramp: string): Promise<readonly RampEvent[]> {
  const rows = await session.again(() => session.db.selectFrom('ramp_event').selectAll().where('ramp', '=', ramp).orderBy('seq').execute());
  if (rows.length === 0)
    throw new SlipwayError('not_found', `There is no ramp ${ramp}`, { hint: 'Run `slipway ramp status` to see them.' });
  // What the columns hold was written from an event of this type.
  return rows.map(({ seq, at, actor, type, data }) => ({ seq, time: at.getTime(), actor, type, data }) as RampEvent);
}

async function take({ session, lease }: Context, node: string): Promise<RampClaim | null> {
  const query = sql<{ readonly id: string; readonly fence: string }>`
    update slipway.ramp set
      fence = nextval('slipway.fence'),
      lease_until = clock_timestamp() + ${lease.leaseMs} * interval '1 millisecond'
    where id = (
      select id from slipway.ramp
      where node = ${node} and outcome is null and wake_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
      order by wake_at limit 1 for update skip locked
    )
    returning id, fence`;
  const { rows } = await session.again(() => query.execute(session.db));
  const [row] = rows;
  return row === undefined ? null : { ramp: row.id, fence: Number(row.fence) };
}

async function renew({ session, lease }: Context, { ramp, fence }: RampClaim): Promise<boolean> {
  const query = sql`
    update slipway.ramp set lease_until = clock_timestamp() + ${lease.leaseMs} * interval '1 millisecond'
    where id = ${ramp} and fence = ${fence} and lease_until is not null`;
  const { numAffectedRows } = await session.again(() => query.execute(session.db));
  return numAffectedRows === 1n;
}

interface Wanted {
  readonly event: NewRampEvent;
  readonly expectedSize: number;
}

async function append({ session, lease }: Context, claim: RampClaim, { event, expectedSize }: Wanted): Promise<'recorded' | 'changed'> {
  const attempt = randomUUID();
  return session.transact(async (trx) => {
    const row = await lockClaimed(trx, claim);
    if (await wasRecorded(trx, claim.ramp, attempt)) return 'recorded';
    if (row.size !== expectedSize) return 'changed';
    const outcome = event.type === 'ramp.ended' ? event.data.outcome : null;
    const changes = {
      outcome,
      lease_until: sql<Date>`clock_timestamp() + ${lease.leaseMs} * interval '1 millisecond'`,
    };
    await grow(trx, row, { actor: DRIVER, event, attempt });
    await trx.updateTable('ramp').set(changes).where('id', '=', row.id).execute();
    return 'recorded';
  });
}

interface Parking {
  readonly expectedSize: number;
  readonly wakeAt: number | null;
}

async function park({ session }: Context, claim: RampClaim, { expectedSize, wakeAt }: Parking): Promise<'parked' | 'changed'> {
  return session.transact(async (trx) => {
    const row = await trx.selectFrom('ramp').selectAll().where('id', '=', claim.ramp).forUpdate().executeTakeFirstOrThrow();
    // A repeated call whose first COMMIT had arrived has nothing left to give back.
    if (Number(row.fence) === claim.fence && row.lease_until === null) return 'parked';
    refuseFenced(row, claim);
    if (row.size !== expectedSize) return 'changed';
    const changes = { lease_until: null, wake_at: wakeAt === null ? null : new Date(wakeAt) };
    await trx.updateTable('ramp').set(changes).where('id', '=', row.id).execute();
    return 'parked';
  });
}

async function request({ session }: Context, ramp: string, { actor, event }: { readonly actor: string; readonly event: NewRampEvent }) {
  const attempt = randomUUID();
  await session.transact(async (trx) => {
    const row = await trx.selectFrom('ramp').selectAll().where('id', '=', ramp).forUpdate().executeTakeFirst();
    if (row === undefined) throw new SlipwayError('not_found', `There is no ramp ${ramp}`);
    if (await wasRecorded(trx, ramp, attempt)) return;
    if (row.outcome !== null)
      throw new SlipwayError('not_possible_now', `Ramp ${ramp} is over (${row.outcome})`, { hint: 'Start another one.' });
    await grow(trx, row, { actor, event, attempt });
    await trx.updateTable('ramp').set({ wake_at: NOW }).where('id', '=', ramp).execute();
  });
}

async function list({ session }: Context, { environment, flag, limit }: Parameters<RampStore['list']>[0]): Promise<readonly string[]> {
  let query = session.db.selectFrom('ramp').select('id');
  if (environment !== undefined) query = query.where('environment', '=', environment);
  if (flag !== undefined) query = query.where('flag', '=', flag);
  const rows = await session.again(() => query.orderBy('number', 'desc').limit(limit).execute());
  return rows.map(({ id }) => id);
}

type Row = Selectable<RampTable>;

async function lockClaimed(trx: Trx, claim: RampClaim): Promise<Row> {
  const row = await trx.selectFrom('ramp').selectAll().where('id', '=', claim.ramp).forUpdate().executeTakeFirstOrThrow();
  refuseFenced(row, claim);
  return row;
}

function refuseFenced(row: Row, claim: RampClaim): void {
  if (Number(row.fence) !== claim.fence || row.lease_until === null)
    throw new SlipwayError('fenced', `Ramp ${claim.ramp} is driven by somebody else now`);
}

async function wasRecorded(trx: Trx, ramp: string, attempt: string): Promise<boolean> {
  const found = await trx.selectFrom('ramp_event').select('seq').where('ramp', '=', ramp).where('attempt', '=', attempt).executeTakeFirst();
  return found !== undefined;
}

interface Growth {
  readonly actor: string;
  readonly event: NewRampEvent;
  readonly attempt: string;
}

/** An event is never earlier than the one before it, whatever the database's clock does. */
async function grow(trx: Trx, row: Row, { actor, event, attempt }: Growth): Promise<void> {
  const { last_at: at } = await trx
    .updateTable('ramp')
    .set({ size: row.size + 1, last_at: sql<Date>`greatest(last_at, ${NOW})` })
    .where('id', '=', row.id)
    .returning('last_at')
    .executeTakeFirstOrThrow();
  await insert(trx, { ramp: row.id, seq: row.size, at, actor, event, attempt });
}

interface Line {
  readonly ramp: string;
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly event: NewRampEvent;
  readonly attempt: string;
}

async function insert(trx: Trx, { event: { type, data }, ...line }: Line): Promise<void> {
  await trx
    .insertInto('ramp_event')
    .values({ ...line, type, data: JSON.stringify(data) })
    .execute();
}
