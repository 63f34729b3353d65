import { sql, type Kysely } from 'kysely';

/** What the store calls a refusal of ours, for whoever is told by PostgreSQL. */
export const REASON_MISSING = 'reason_missing';

/**
 * Where an environment needs a reason for each change, none is written without, whoever writes: a process of a build that knows nothing of
 * that, during an upgrade, is refused by the store. As for a lack of privilege, which every build takes for what it is: a refusal with
 * these words, not a fault of its own, and nothing to try again.
 */
export async function keepReasons(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function slipway.refuse_unexplained() returns trigger language plpgsql as $$
    declare
      said text;
    begin
      if tg_table_name = 'flag_change' then said := new.reason;
      elsif tg_op = 'INSERT' then said := new.description;
      else said := new.revoke_reason;
      end if;
      if coalesce(said, '') ~ '\\S' or not exists (select from slipway.flag_environment where name = new.environment and reasons_required) then
        return new;
      end if;
      raise exception using errcode = 'insufficient_privilege', constraint = ${sql.lit(REASON_MISSING)},
        message = format('Each change in %s needs a reason', new.environment);
    end $$`.execute(db);
  await sql`create trigger explained before insert on slipway.flag_change for each row execute function slipway.refuse_unexplained()`.execute(
    db,
  );
  await sql`create trigger explained before insert on slipway.token for each row execute function slipway.refuse_unexplained()`.execute(db);
  await sql`
    create trigger revoked_explained before update of revoked_at on slipway.token for each row
    when (old.revoked_at is null and new.revoked_at is not null) execute function slipway.refuse_unexplained()`.execute(db);
}
