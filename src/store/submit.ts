import { SlipwayError } from '../kernel/index.ts';
import type { EventData, LockOwner, Plan } from '../release/index.ts';
import type { Context } from './context.ts';
import { NO_PROGRESS } from './core/status.ts';
import { isRecorded, record, type Attempt } from './record.ts';
import { findRow, guardKey, lockKey, ownerOf, takeKey } from './rows.ts';
import type { Trx } from './session.ts';

export interface Submission {
  readonly plan: Plan;
  readonly actor: string;
  readonly wait: boolean;
}

/**
 * Records releases, all or none, and wakes workers of their nodes. A free service + environment is held for its release from this
 * moment, so of two requests that do not wait exactly one is accepted.
 * @throws SlipwayError `locked`, naming the owner
 */
export async function submit(context: Context, requests: readonly Submission[]): Promise<void> {
  for (const node of new Set(requests.map(({ plan }) => plan.node))) await context.session.again(() => context.wakes.prepare(node));
  const attempts = requests.map((): Attempt => ({ entries: [] }));
  await context.session.transact(async (trx) => {
    // In one order, so that two sets of the same services do not wait for each other.
    for (const key of requests.map(({ plan }) => lockKey(plan)).toSorted()) await guardKey(trx, key);
    for (const [index, request] of requests.entries()) await submitIn(trx, context, request, attempts[index] ?? { entries: [] });
  });
}

async function submitIn(trx: Trx, context: Context, { plan, actor, wait }: Submission, attempt: Attempt): Promise<void> {
  const key = lockKey(plan);
  if (await isRecorded(trx, plan.release, attempt)) return;
  const owner = await ownerOf(trx, key);
  if (owner !== null && !wait) {
    const since = new Date(owner.since).toISOString();
    throw new SlipwayError(
      'locked',
      `${plan.service} in ${plan.environment} is being released by ${owner.owner} on ${owner.host} since ${since}: version ${owner.version}, release ${owner.release}, ${owner.status}`,
      hintFor(owner),
    );
  }
  const data: EventData['release.requested'] = { plan, wait, previousLedger: await previousLedger(trx, plan) };
  await insertRelease(trx, plan, actor, context.clock.now());
  await record(trx, context.clock, await findRow(trx, plan.release), { actor, events: [{ type: 'release.requested', data }], attempt });
  if (owner === null)
    await takeKey(trx, { key, release: plan.release, owner: actor, host: hostOf(plan.node), since: new Date(context.clock.now()) });
  await context.wakes.send(trx, { release: plan.release, node: plan.node, reason: 'submitted', at: null });
}

/** One that waits for a person waits for ever, and so would whoever queues behind it. */
function hintFor({ status, release }: LockOwner): { readonly hint?: string } {
  if (status === 'stuck')
    return {
      hint: `It waits for a person. \`slipway show ${release}\` says why; \`slipway abort ${release} --accept REASON\` closes it as it stands.`,
    };
  return status === 'paused'
    ? { hint: `It is paused: \`slipway resume ${release}\` lets it go on, \`slipway abort ${release}\` ends it.` }
    : {};
}

async function insertRelease(trx: Trx, plan: Plan, actor: string, now: number): Promise<void> {
  const at = new Date(now);
  const { kind, service, environment, version, node } = plan;
  await trx
    .insertInto('release')
    .values({
      id: plan.release,
      kind,
      service,
      environment,
      version,
      node,
      size: 0,
      head: '',
      last_at: at,
      progress: JSON.stringify(NO_PROGRESS),
      requested_by: actor,
      requested_at: at,
      wake_at: at,
    })
    .execute();
}

/** Ties a ledger to the one before it, so that leaving a whole release out is seen. */
async function previousLedger(trx: Trx, plan: Plan): Promise<EventData['release.requested']['previousLedger']> {
  const last = await trx
    .selectFrom('release')
    .select(['id', 'size', 'head'])
    .where('service', '=', plan.service)
    .where('environment', '=', plan.environment)
    .where('outcome', 'is not', null)
    .orderBy('finished_at', 'desc')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last === undefined ? null : { release: last.id, size: last.size, head: last.head };
}

/** A node is `host:state directory`. */
function hostOf(node: string): string {
  return node.split(':')[0] ?? node;
}
