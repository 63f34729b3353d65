import { sql } from 'kysely';
import type { FlagTelemetry, LeftClient } from '../../flags/index.ts';
import type { Session } from '../session.ts';

/** One statement for all of them. Whoever was forgotten meanwhile names nobody. */
export async function handOver({ db, again }: Session, process: string, clients: readonly LeftClient[]): Promise<void> {
  const column = (key: keyof LeftClient) => clients.map((client) => client[key]);
  const query = sql`
    with ending as (
      update slipway.flag_server set listed = true where process = ${process} and ended_at is null returning process
    )
    insert into slipway.flag_left (process, environment, client, acknowledged, streams)
    select ending.process, t.environment, t.client, t.acknowledged, t.streams
    from ending, unnest(${column('environment')}::text[], ${column('client')}::text[], ${column('acknowledged')}::boolean[],
      ${column('streams')}::integer[]) as t (environment, client, acknowledged, streams)
    on conflict do nothing`;
  await again(() => query.execute(db));
}

export async function awaited({ db, again }: Session, process: string): ReturnType<FlagTelemetry['awaited']> {
  return again(() =>
    db.selectFrom('flag_left').select(['environment', 'client']).where('process', '<>', process).where('streams', '=', 1).execute(),
  );
}
