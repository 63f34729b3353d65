import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Progress } from './core/status.ts';
import type { FlagTables } from './flags/schema.ts';
import type { RampTables } from './ramps/schema.ts';

export const SCHEMA = 'slipway';

type Time = ColumnType<Date, Date, Date>;
type TimeOrNull = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** One row per release: its identity, the head of its ledger, its driver and when to look at it next. */
export interface ReleaseTable {
  readonly id: string;
  /** Order of submission, which no clock can disturb: the queue for the lock follows it. */
  readonly number: Generated<string>;
  readonly kind: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly node: string;
  readonly size: number;
  readonly head: string;
  readonly last_at: Time;
  readonly progress: JSONColumnType<Progress>;
  readonly outcome: string | null;
  readonly requested_by: string;
  readonly requested_at: Time;
  readonly finished_at: TimeOrNull;
  readonly fence: ColumnType<string, number | undefined, number | string>;
  readonly driver_id: string | null;
  readonly driver_host: string | null;
  readonly driver_pid: number | null;
  readonly driver_start_ticks: ColumnType<string | null, number | null, number | null>;
  /** By the database's clock. */
  readonly lease_until: TimeOrNull;
  /** When to look at it although nobody has it; null: when an event comes. */
  readonly wake_at: TimeOrNull;
  readonly sealed: string | null;
  /** Why sealing failed the last time it was tried; null once it worked. */
  readonly unsealed_because: string | null;
}

/** The ledger: one canonical line per event. */
export interface EventTable {
  readonly release: string;
  readonly seq: number;
  readonly line: string;
  readonly hash: string;
}

/** Who holds a service + environment. */
export interface LockTable {
  readonly key: string;
  readonly release: string;
  readonly owner: string;
  readonly host: string;
  readonly since: Time;
}

export interface MetaTable {
  readonly name: string;
  readonly value: string;
}

export interface Tables extends FlagTables, RampTables {
  readonly release: ReleaseTable;
  readonly event: EventTable;
  readonly lock: LockTable;
  readonly meta: MetaTable;
}
