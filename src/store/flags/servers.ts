import { sql } from 'kysely';
import type { FlagServer, FlagTelemetry, Reach, ServerReach, StaleClient } from '../../flags/index.ts';
import type { Driver } from '../../release/index.ts';
import { thisDriver, thisPlace } from '../process.ts';
import type { Session } from '../session.ts';
import { HISTORY } from './histories.ts';

/**
 * Which processes may answer with flags (docs/decisions/0021-who-may-still-answer.md). Times are the database's. A row is left out when its
 * process cannot answer any more, and never because nothing was heard of it for a while. One that had clients stays for a minute more:
 * they answer by themselves what they knew, until they have come back.
 */

export type IsAlive = (driver: Driver) => boolean;

/** A process that said nothing for so long is silent: it says something every few seconds. */
export const SILENT = sql`interval '10 seconds'`;

/**
 * How long those that were connected to a process that ended are waited for: clients of `@slipway/flags` notice a stream that went silent
 * after 45 s at most, and come back within 10 s.
 */
export const COMING_BACK = sql`interval '1 minute'`;

/** When a process has stopped answering by its own limit; a little later, for its clock need not run as fast as this one. */
export const endOf = (seen: ReturnType<typeof sql>, limit: ReturnType<typeof sql>) =>
  sql`${seen} + (${limit} * 1.01 + 10000) * interval '1 millisecond'`;

/** When a process counts no more, nor do those that were connected to it: whoever can come back has. */
const OVER = sql`coalesce(s.ended_at + ${COMING_BACK}, ${endOf(sql`s.seen_at`, sql`s.limit_ms`)})`;

const CLIENTS = sql`(r.reach->>'connected')::int`;

/**
 * A kill that stands, made before a process was over, which clients of it may be without as far as is known: they are told for as long as it
 * does. A process that had it in memory, and counts nobody any more, says nothing against anybody. Kills are few, and found by their index.
 */
const MISSED_A_KILL = sql`exists (
  select from slipway.flag_reach r
  join slipway.flag_change c on c.environment = r.environment and c.action = 'kill' and c.at <= ${OVER}
  join slipway.flag f on f.environment = c.environment and f.key = any(c.keys) and f.definition->>'enabled' = 'false'
  left join lateral (
    select count(*) as clients, count(*) filter (where not acknowledged) as without
    from slipway.flag_left where process = s.process and environment = r.environment
  ) l on s.listed
  where r.process = s.process
    and case when (r.reach->>'seq')::int >= c.seq then coalesce(l.without, ${CLIENTS} - (r.reach->>'acknowledged')::int) > 0
      else (r.reach->>'inMemory')::int < c.seq and coalesce(l.clients, ${CLIENTS}) > 0 end
    and not exists (
      select from slipway.flag_change u
      where u.environment = c.environment and u.seq > c.seq and u.action = 'undo-kill' and f.key = any(u.keys)
    )
)`;

export async function present(
  session: Session,
  isAlive: IsAlive,
  { process, limitMs, keys }: Parameters<FlagTelemetry['present']>[0],
): ReturnType<FlagTelemetry['present']> {
  const { host, pid, startTicks } = thisDriver(process);
  const query = sql<{ readonly at: Date; readonly registered: Date }>`
    with now as materialized (
      select clock_timestamp() as at
    ), past as (
      delete from slipway.flag_server s where process <> ${process} and ${OVER} < clock_timestamp() and not ${MISSED_A_KILL} returning process
    ), said as (
      delete from slipway.flag_reach where process in (select process from past)
    )
    insert into slipway.flag_server (process, host, pid, start_ticks, place, limit_ms, seen_at, registered_at, signing_keys)
    select ${process}::text, ${host}::text, ${pid}::integer, ${startTicks}::bigint, ${thisPlace()}::text, ${limitMs}::bigint, at, at, ${keys ?? null}::text[] from now
    on conflict (process) do update set limit_ms = excluded.limit_ms, seen_at = excluded.seen_at, ended_at = null, signing_keys = excluded.signing_keys,
      registered_at = case when flag_server.ended_at is null and ${endOf(sql`flag_server.seen_at`, sql`flag_server.limit_ms`)} >= excluded.seen_at
        then flag_server.registered_at else excluded.registered_at end
    returning seen_at as at, registered_at as registered`;
  const { rows } = await session.again(() => query.execute(session.db));
  const [row] = rows;
  if (row === undefined) throw new Error('A row that was written comes back');
  const [at, registered] = [row.at.getTime(), row.registered.getTime()];
  // Who begins in the place of one that was killed takes its name off the list.
  if (at === registered) await forgetEnded(session, isAlive);
  return { at, registered };
}

/** Marks those of this place that are seen to have ended. */
export async function forgetEnded(session: Session, isAlive: IsAlive): Promise<void> {
  const query = sql<Place>`select process, host, pid, start_ticks as "startTicks", place from slipway.flag_server s
    where place = ${thisPlace()} and ended_at is null and ${OVER} >= clock_timestamp()`;
  const { rows } = await session.again(() => query.execute(session.db));
  for (const row of rows) if (hasEnded(row, isAlive)) await leave(session, row.process);
}

export async function leave({ db, again }: Session, process: string): Promise<void> {
  await again(() => leaving(process).execute(db));
}

/** Takes a process off the list; where it had clients, it stays marked for those. */
export function leaving(process: string) {
  return sql`
    with had as (
      select process from slipway.flag_server s where process = ${process} and case when listed
        then exists (select from slipway.flag_left l where l.process = s.process)
        else exists (select from slipway.flag_reach r where r.process = s.process and ${CLIENTS} > 0) end
    ), ended as (
      update slipway.flag_server set ended_at = clock_timestamp()
      where process = ${process} and ended_at is null and exists (select from had)
    ), said as (
      delete from slipway.flag_reach where process = ${process} and not exists (select from had)
    )
    delete from slipway.flag_server where process = ${process} and not exists (select from had)`;
}

/** Where a process was when it registered; nulls for one of an older build. */
interface Place {
  readonly process: string;
  readonly host: string | null;
  readonly pid: number | null;
  readonly startTicks: string | null;
  readonly place: string | null;
}

interface Row extends Place {
  readonly silentSince: Date | null;
  readonly until: Date;
  readonly endedAt: Date | null;
  readonly backBy: Date | null;
  readonly isOver: boolean;
  readonly reach: Reach | null;
  readonly history: string | null;
  /** Of an ended process that named its clients: how many have not come back, and how many of these had acknowledged. */
  readonly left: number | null;
  readonly leftAcknowledged: number | null;
}

/** An hour for what an older build said, which makes no promise. */
const LIMIT = sql`coalesce(s.limit_ms, 3600000)`;
const SEEN = sql`coalesce(s.seen_at, r.seen_at)`;

export async function reachOf(session: Session, isAlive: IsAlive, environment: string): Promise<readonly ServerReach[]> {
  const rows = await rowsOf(session, environment);
  const ended = rows.filter((row) => row.endedAt === null && hasEnded(row, isAlive));
  for (const { process } of ended) await leave(session, process);
  // Once more, for what those had connected, and when they were seen to have ended, by the store's clock.
  const known = ended.length === 0 ? rows : await rowsOf(session, environment);
  return known.map((row) => seen(environment, row));
}

async function rowsOf(session: Session, environment: string): Promise<readonly Row[]> {
  const query = sql<Row>`
    select coalesce(s.process, r.process) as process, s.host, s.pid, s.start_ticks as "startTicks", s.place, r.reach,
      case when clock_timestamp() - ${SEEN} > ${SILENT} then ${SEEN} end as "silentSince", ${endOf(SEEN, LIMIT)} as until,
      case when s.ended_at is not null or o.gone then coalesce(s.ended_at, ${OVER}) end as "endedAt",
      case when s.ended_at is not null or o.gone then ${OVER} end as "backBy", o.gone as "isOver",
      case when e.name is not null then ${HISTORY} end as history, l.clients as left, l.acknowledged as "leftAcknowledged"
    from slipway.flag_server s
    full join (select * from slipway.flag_reach where environment = ${environment}) r on r.process = s.process
    left join slipway.flag_environment e on e.name = ${environment}
    cross join lateral (select ${OVER} < clock_timestamp() and s.process is not null as gone) o
    left join lateral (
      select count(*)::int as clients, (count(*) filter (where acknowledged))::int as acknowledged
      from slipway.flag_left where process = s.process and environment = ${environment}
    ) l on s.listed and (s.ended_at is not null or o.gone)
    where case when s.ended_at is null and not o.gone then ${endOf(SEEN, LIMIT)} >= clock_timestamp()
      else coalesce(l.clients, ${CLIENTS}) > 0 end
    order by 1`;
  return (await session.again(() => query.execute(session.db))).rows;
}

/** Seen from here, where its id means something, there is no such process any more. */
function hasEnded({ process, host, pid, startTicks, place }: Place, isAlive: IsAlive): boolean {
  if (host === null || pid === null || place !== thisPlace()) return false;
  return !isAlive({ id: process, host, pid, startTicks: startTicks === null ? null : Number(startTicks) });
}

export type Standing = Pick<Row, 'silentSince' | 'until' | 'endedAt' | 'backBy'>;

/** What is known of a process that does not say that it is well. */
export function standingOf({ silentSince, until, endedAt, backBy }: Standing): Pick<FlagServer, 'silent' | 'ended'> {
  const ended = endedAt === null || backBy === null ? null : { at: endedAt.getTime(), until: backBy.getTime() };
  const silent = silentSince === null || ended !== null ? null : { since: silentSince.getTime(), until: until.getTime() };
  return { silent, ended };
}

function seen(environment: string, { process, host, pid, reach, history, left, leftAcknowledged, ...standing }: Row): ServerReach {
  const told = reach ?? { ...NOTHING, environment, process };
  // What was counted in another past says nothing of this one.
  const counts = told.history === (history ?? '') ? {} : { inMemory: 0, seq: 0, acknowledged: 0 };
  // A process of an older build does not say where they are.
  const stale = told.stale.map((one) => ({ ...one, from: (one as Partial<StaleClient>).from ?? null }));
  const named = left === null ? {} : { connected: left, acknowledged: leftAcknowledged ?? 0 };
  const { silent, ended } = standingOf(standing);
  const end = ended && { ...ended, isOver: standing.isOver, named: left !== null };
  return { ...told, ...named, ...counts, stale, host, pid, silent, ended: end };
}

const NOTHING = { history: '', inMemory: 0, connected: 0, seq: 0, acknowledged: 0, p50Ms: null, p99Ms: null, lastMs: null, stale: [] };
