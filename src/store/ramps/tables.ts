/** Tables of ramps. A flag has one ramp under way at most, which the first index keeps. */
export const RAMP_TABLES = `
create table slipway.ramp (
  id text primary key,
  number bigint generated always as identity unique,
  environment text not null,
  flag text not null,
  node text not null,
  size integer not null,
  last_at timestamptz not null,
  fence bigint not null default 0,
  lease_until timestamptz,
  wake_at timestamptz,
  outcome text
);

create unique index ramp_of_flag on slipway.ramp (environment, flag) where outcome is null;
create index ramp_due on slipway.ramp (node, wake_at) where outcome is null;

create table slipway.ramp_event (
  ramp text not null references slipway.ramp (id),
  seq integer not null,
  at timestamptz not null,
  actor text not null,
  type text not null,
  data json not null,
  attempt text not null,
  primary key (ramp, seq)
)
`;
