import { sql } from 'kysely';
import type { Acknowledgement } from '../../flags/index.ts';
import type { Session } from '../session.ts';

/** Written in one order by everybody, so that two processes never wait for each other. What nobody will fetch any more is taken away. */
export async function relay({ db, again }: Session, told: readonly Acknowledgement[]): Promise<void> {
  const newest = new Map<string, Acknowledgement>();
  for (const one of told) newest.set(JSON.stringify([one.process, one.environment, one.client]), one);
  const rows = [...newest.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  const column = (key: keyof Acknowledgement) => rows.map((row) => row[key]);
  const query = sql`
    with nobodys as (
      delete from slipway.flag_acknowledgement a
      where not exists (select from slipway.flag_server s where s.process = a.process and s.ended_at is null)
    )
    insert into slipway.flag_acknowledgement (process, environment, client, history, seq, at)
    select t.process, t.environment, t.client, t.history, t.seq, to_timestamp(t.at / 1000)
    from unnest(${column('process')}::text[], ${column('environment')}::text[], ${column('client')}::text[], ${column('history')}::text[],
      ${column('seq')}::int[], ${column('at')}::float8[]) as t (process, environment, client, history, seq, at)
    join slipway.flag_server s on s.process = t.process and s.ended_at is null
    on conflict (process, environment, client) do update set history = excluded.history, seq = excluded.seq, at = excluded.at`;
  await again(() => query.execute(db));
}

/** A connection that is lost within the commit loses what was taken; its clients stay unconfirmed, and a kill says so. */
export async function relayed({ db, again }: Session, process: string): Promise<readonly Acknowledgement[]> {
  const rows = await again(() => db.deleteFrom('flag_acknowledgement').where('process', '=', process).returningAll().execute());
  return rows.map(({ at, ...row }) => ({ ...row, at: at.getTime() }));
}
