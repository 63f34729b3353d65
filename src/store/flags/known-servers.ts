import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { FlagServer, FlagTelemetry } from '../../flags/index.ts';
import { toIso } from '../../kernel/index.ts';
import { guardKey } from '../rows.ts';
import type { Session, Trx } from '../session.ts';
import { advance, record } from './commit.ts';
import { recorded } from './once.ts';
import { COMING_BACK, endOf, forgetEnded, leaving, SILENT, standingOf, type IsAlive, type Standing } from './servers.ts';

/** What people see of the processes that may answer, and what they may say of one. */

interface Row extends Standing, Pick<FlagServer, 'process' | 'host' | 'pid' | 'clients' | 'keys'> {
  readonly heardAt: Date;
}

export async function listServers(session: Session, isAlive: IsAlive): Promise<readonly FlagServer[]> {
  await forgetEnded(session, isAlive);
  const end = endOf(sql`seen_at`, sql`limit_ms`);
  const query = sql<Row>`
    select process, host, pid, signing_keys as keys, seen_at as "heardAt", ${end} as until, ended_at as "endedAt", ended_at + ${COMING_BACK} as "backBy",
      case when clock_timestamp() - seen_at > ${SILENT} then seen_at end as "silentSince",
      case when ended_at is not null and listed then (select count(*)::int from slipway.flag_left l where l.process = s.process)
        else (select coalesce(sum((r.reach->>'connected')::int), 0)::int from slipway.flag_reach r where r.process = s.process) end as clients
    from slipway.flag_server s
    where coalesce(ended_at + ${COMING_BACK}, ${end}) >= clock_timestamp()
    order by registered_at, process`;
  const { rows } = await session.again(() => query.execute(session.db));
  return rows.map(({ process, host, pid, clients, keys, heardAt, ...standing }) => ({
    process,
    host,
    pid,
    clients,
    keys,
    heardAt: heardAt.getTime(),
    ...standingOf(standing),
  }));
}

export async function forget(
  session: Session,
  process: string,
  { actor, reason }: Parameters<FlagTelemetry['forget']>[1],
): ReturnType<FlagTelemetry['forget']> {
  const attempt = randomUUID();
  let tries = 0;
  return session.transact(async (trx) => {
    tries += 1;
    const environments = await guardAll(trx);
    const [first] = environments;
    if (tries > 1 && first !== undefined && (await recorded(trx, first, attempt)) !== null) return 'forgotten';
    // Locked: whoever says at this moment that it is there either is heard first, or finds that it is not on the list any more.
    const query = sql<{ readonly host: string; readonly pid: number; readonly at: Date; readonly isSilent: boolean }>`
      select host, pid, seen_at as at, clock_timestamp() - seen_at > ${SILENT} as "isSilent" from slipway.flag_server
      where process = ${process} and ended_at is null for update`;
    const [row] = (await query.execute(trx)).rows;
    if (row === undefined) return 'ended';
    if (!row.isSilent) return 'heard';
    await leaving(process).execute(trx);
    const why = `the server process ${row.pid} on ${row.host}, silent since ${toIso(row.at.getTime())}: ${reason}`;
    const change = { actor, reason: why, action: 'server-gone', acknowledge: false, writes: [], attempt } as const;
    for (const environment of environments) await record(trx, { ...change, environment, ...(await advance(trx, environment)) });
    return 'forgotten';
  });
}

/** Locks every environment, in one order for everybody. */
async function guardAll(trx: Trx): Promise<readonly string[]> {
  const rows = await trx.selectFrom('flag_environment').select('name').orderBy('name').execute();
  for (const { name } of rows) await guardKey(trx, `flags ${name}`);
  return rows.map(({ name }) => name);
}
