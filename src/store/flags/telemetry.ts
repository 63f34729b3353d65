import { sql } from 'kysely';
import type { FlagCount, FlagTelemetry, Reach } from '../../flags/index.ts';
import type { Instant } from '../../kernel/index.ts';
import type { Driver } from '../../release/index.ts';
import type { Session } from '../session.ts';
import { awaited, handOver } from './left.ts';
import { relay, relayed } from './relay.ts';
import { forget, listServers } from './known-servers.ts';
import { leave, present, reachOf } from './servers.ts';

/** Counts are kept so long: enough to see that nobody asks for a flag any more. */
const KEPT_DAYS = 90;

/** What server processes tell each other, in PostgreSQL. Times are the database's. */
export function createFlagTelemetry(session: Session, isAlive: (driver: Driver) => boolean): FlagTelemetry {
  return {
    count: (counts) => count(session, counts),
    counted: (environment, since) => counted(session, environment, since),
    report: (reach, back) => report(session, reach, back ?? []),
    handOver: (process, clients) => handOver(session, process, clients),
    awaited: (process) => awaited(session, process),
    present: (server) => present(session, isAlive, server),
    leave: (process) => leave(session, process),
    servers: () => listServers(session, isAlive),
    forget: (process, by) => forget(session, process, by),
    relay: (told) => relay(session, told),
    relayed: (process) => relayed(session, process),
    reach: (environment) => reachOf(session, isAlive, environment),
  };
}

/** A connection that is lost within the commit may count these twice; nothing is decided by a few more. */
async function count({ db, again }: Session, counts: readonly FlagCount[]): Promise<void> {
  const rows = merged(counts);
  if (rows.length === 0) return;
  await again(() =>
    db
      .with('old', (also) =>
        also.deleteFrom('flag_count').where('hour', '<', sql<Date>`clock_timestamp() - ${KEPT_DAYS} * interval '1 day'`),
      )
      .insertInto('flag_count')
      .values(rows)
      .onConflict((already) =>
        already.columns(['environment', 'flag', 'variant', 'hour']).doUpdateSet({ count: sql`flag_count.count + excluded.count` }),
      )
      .execute(),
  );
}

async function counted({ db, again }: Session, environment: string, since: Instant): ReturnType<FlagTelemetry['counted']> {
  const rows = await again(() =>
    db
      .selectFrom('flag_count')
      .select(['flag', 'variant'])
      .select(sql<string>`sum(count)`.as('count'))
      .select(sql<Date>`max(hour)`.as('last'))
      .where('environment', '=', environment)
      .where('hour', '>=', new Date(since))
      .groupBy(['flag', 'variant'])
      .orderBy('flag')
      .orderBy('variant')
      .execute(),
  );
  return rows.map(({ flag, variant, count: sum, last }) => ({ flag, variant, count: Number(sum), lastAt: last.getTime() }));
}

/**
 * A report that arrives after its process has left says nothing, and takes nobody off a list. One statement: whoever looks finds a client
 * on a list, or in this report.
 */
async function report({ db, again }: Session, reach: Reach, back: readonly string[]): Promise<void> {
  const { environment, process } = reach;
  const query = sql`
    with told as (
      insert into slipway.flag_reach (environment, process, seen_at, reach)
      select ${environment}, process, clock_timestamp(), ${JSON.stringify(reach)}::json from slipway.flag_server
      where process = ${process} and ended_at is null
      on conflict (environment, process) do update set seen_at = excluded.seen_at, reach = excluded.reach
      returning process
    )
    delete from slipway.flag_left l using told
    where l.environment = ${environment} and l.client = any(${back}::text[]) and l.process <> told.process and l.streams = 1`;
  await again(() => query.execute(db));
}

/** One row per key, in one order for everybody: two processes that count at once must not wait for each other. */
function merged(counts: readonly FlagCount[]): readonly (Omit<FlagCount, 'hour'> & { readonly hour: Date })[] {
  const sums = new Map<string, FlagCount>();
  for (const one of counts) {
    const name = JSON.stringify([one.environment, one.flag, one.variant, one.hour]);
    sums.set(name, { ...one, count: one.count + (sums.get(name)?.count ?? 0) });
  }
  return [...sums.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => ({ ...one, hour: new Date(one.hour) }));
}
