import { sql, type Kysely } from 'kysely';

/**
 * Which past the flags of an environment have. A number of a change means the same only within one: after a backup was restored, the
 * same number is another change. What is told outside is a digest of the row's own id, which is random, and of everything that a restored
 * database has of its own: the cluster's system identifier and timeline (a recovery to a point in time, a standby that was promoted) and
 * the table's number (a dump that was read back in).
 */
export const HISTORY = sql<string>`left(md5(e.history || ' ' || e.tableoid || ' ' || slipway.lineage()), 16)`;

/** A server that does not say who it is leaves the rest. */
export async function addHistories(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.flag_environment add column history text not null default gen_random_uuid()::text`.execute(db);
  await sql`
    create function slipway.lineage() returns text language plpgsql stable as $$
    begin
      return (select s.system_identifier || ' ' || c.timeline_id from pg_control_system() s, pg_control_checkpoint() c);
    exception when insufficient_privilege or undefined_function or feature_not_supported then
      return '';
    end $$`.execute(db);
}
