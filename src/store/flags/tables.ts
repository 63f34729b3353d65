/**
 * Tables of flags: what is (`flag`, `flag_segment`), what happened (`flag_change`), who may ask (`token`), what was served
 * (`flag_count`) and how far a change got (`flag_reach`). Definitions are `json`, which keeps them as they were written.
 */
export const FLAG_TABLES = `
create table slipway.flag_environment (
  name text primary key,
  seq integer not null,
  at timestamptz not null
);

create table slipway.flag (
  environment text not null references slipway.flag_environment (name),
  key text not null,
  revision integer not null,
  definition json not null,
  primary key (environment, key)
);

create table slipway.flag_segment (
  environment text not null references slipway.flag_environment (name),
  key text not null,
  revision integer not null,
  definition json not null,
  primary key (environment, key)
);

create table slipway.flag_change (
  environment text not null references slipway.flag_environment (name),
  seq integer not null,
  at timestamptz not null,
  actor text not null,
  reason text not null,
  action text not null,
  acknowledge boolean not null,
  writes json not null,
  keys text[] not null,
  attempt text not null,
  primary key (environment, seq)
);

create index flag_change_of on slipway.flag_change using gin (keys);

create table slipway.token (
  id text primary key,
  secret_sha256 text not null,
  environment text not null,
  scopes text[] not null,
  description text not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create table slipway.flag_count (
  environment text not null,
  flag text not null,
  variant text not null,
  hour timestamptz not null,
  count bigint not null,
  primary key (environment, flag, variant, hour)
);

create index flag_count_hour on slipway.flag_count (hour);

create table slipway.flag_reach (
  environment text not null,
  process text not null,
  seen_at timestamptz not null,
  reach json not null,
  primary key (environment, process)
)
`;

/** Who may answer (`flag_server`): one row for each process, whatever environments it has been asked for. */
export const FLAG_SERVER_TABLES = `
create table slipway.flag_server (
  process text primary key,
  host text not null,
  pid integer not null,
  start_ticks bigint,
  place text not null,
  limit_ms bigint not null,
  seen_at timestamptz not null
)
`;

/**
 * Who was connected to a process that was told to end (`listed`: it said so), and has not come to another one yet. Nothing is left of it
 * when the process is forgotten.
 */
export const FLAG_LEFT_TABLE = `
alter table slipway.flag_server add column listed boolean not null default false;

create table slipway.flag_left (
  process text not null references slipway.flag_server (process) on delete cascade,
  environment text not null,
  client text not null,
  acknowledged boolean not null,
  streams integer not null,
  primary key (process, environment, client)
)
`;

/** Acknowledgements on their way from the process that heard them to the one that waits for them. */
export const FLAG_ACKNOWLEDGEMENT_TABLE = `
create table slipway.flag_acknowledgement (
  process text not null,
  environment text not null,
  client text not null,
  history text not null,
  seq integer not null,
  at timestamptz not null,
  primary key (process, environment, client)
)
`;
