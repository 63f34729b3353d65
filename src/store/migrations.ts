import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { addHistories } from './flags/histories.ts';
import { FLAG_NOTICE_TABLE } from './flags/notices.ts';
import { keepReasons } from './flags/reasons-kept.ts';
import { FLAG_ACKNOWLEDGEMENT_TABLE, FLAG_LEFT_TABLE, FLAG_SERVER_TABLES, FLAG_TABLES } from './flags/tables.ts';
import { RAMP_TABLES } from './ramps/tables.ts';

/**
 * The oldest version whose builds may still use the tables. A migration that only adds leaves it; one that changes or removes
 * something raises it, and older workers refuse with `store_version` instead of writing what newer ones misread.
 */
export const READABLE_FROM = 1;

/** Named so that their alphabetical order is their order. Never edit one that was released. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001_ledger': { up: createLedger },
  '0002_unsealed': { up: addUnsealed },
  '0003_flags': { up: (db) => runAll(db, FLAG_TABLES) },
  '0004_ramps': { up: (db) => runAll(db, RAMP_TABLES) },
  '0005_flag_histories': { up: addHistories },
  '0006_flag_notices': { up: (db) => runAll(db, FLAG_NOTICE_TABLE) },
  '0007_flag_servers': { up: (db) => runAll(db, FLAG_SERVER_TABLES) },
  '0008_flag_server_ends': { up: addEnds },
  '0009_flag_acknowledgements': { up: (db) => runAll(db, FLAG_ACKNOWLEDGEMENT_TABLE) },
  '0010_flag_server_registrations': { up: addRegistrations },
  '0011_flag_clients_left': { up: (db) => runAll(db, FLAG_LEFT_TABLE) },
  '0012_flag_kills': { up: addKills },
  '0013_flag_server_keys': { up: addKeys },
  '0014_flag_reasons': { up: addReasons },
  '0015_flag_reasons_kept': { up: keepReasons },
};

/** Version of the tables this build writes. Counted, because a store of before is brought up to it and no further. */
export const SCHEMA_VERSION = Object.keys(MIGRATIONS).length;

async function createLedger(db: Kysely<unknown>): Promise<void> {
  await runAll(db, LEDGER);
}

async function runAll(db: Kysely<unknown>, statements: string): Promise<void> {
  for (const statement of statements.split(';')) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

/** Why the pack of a finished release could not be written at the last try. */
async function addUnsealed(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.release add column unsealed_because text`.execute(db);
}

/** When a process ended that clients were connected to. */
async function addEnds(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.flag_server add column ended_at timestamptz`.execute(db);
}

/** Since when a process is known without a break: it may have been taken off the list, and come back. */
async function addRegistrations(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.flag_server add column registered_at timestamptz`.execute(db);
}

/** Kills are few among the changes, and asked for every few seconds while some client missed one. */
async function addKills(db: Kysely<unknown>): Promise<void> {
  await sql`create index flag_change_kills on slipway.flag_change (environment, seq) where action = 'kill'`.execute(db);
}

/** Which keys a process signs flags with, the first, and tells clients; null for one of an older build. */
async function addKeys(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.flag_server add column signing_keys text[]`.execute(db);
}

/** Environments in which each change must say why; and who revoked a token, and why. */
async function addReasons(db: Kysely<unknown>): Promise<void> {
  await sql`alter table slipway.flag_environment add column reasons_required boolean not null default false`.execute(db);
  await sql`alter table slipway.token add column revoked_by text, add column revoke_reason text`.execute(db);
}

const LEDGER = `
create sequence slipway.fence as bigint;

create table slipway.release (
  id text primary key,
  number bigint generated always as identity unique,
  kind text not null,
  service text not null,
  environment text not null,
  version text not null,
  node text not null,
  size integer not null,
  head text not null,
  last_at timestamptz not null,
  progress jsonb not null,
  outcome text,
  requested_by text not null,
  requested_at timestamptz not null,
  finished_at timestamptz,
  fence bigint not null default 0,
  driver_id text,
  driver_host text,
  driver_pid integer,
  driver_start_ticks bigint,
  lease_until timestamptz,
  wake_at timestamptz,
  sealed text
);

create index release_of on slipway.release (service, environment, number);
create index release_waiting on slipway.release (service, environment, number) where outcome is null;
create index release_driven on slipway.release (node) where driver_id is not null;
create index release_due on slipway.release (node, wake_at) where driver_id is null and sealed is null and wake_at is not null;
create index release_unsealed on slipway.release (node) where outcome is not null and sealed is null;

create table slipway.event (
  release text not null references slipway.release (id),
  seq integer not null,
  line text not null,
  hash text not null,
  primary key (release, seq)
);

create table slipway.lock (
  key text primary key,
  release text not null unique references slipway.release (id),
  owner text not null,
  host text not null,
  since timestamptz not null
)
`;
