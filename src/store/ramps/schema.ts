import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { NewRampEvent, RampOutcome } from '../../release/index.ts';

type Time = ColumnType<Date, Date, Date>;
type TimeOrNull = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** One row per ramp: what it is about, who has it, and when to look at it next. */
export interface RampTable {
  readonly id: string;
  readonly number: Generated<string>;
  readonly environment: string;
  readonly flag: string;
  readonly node: string;
  readonly size: number;
  readonly last_at: Time;
  readonly fence: ColumnType<string, number | undefined, number | string>;
  /** By the database's clock; null: nobody has it. */
  readonly lease_until: TimeOrNull;
  readonly wake_at: TimeOrNull;
  readonly outcome: RampOutcome | null;
}

/** What happened to it, only ever added to. */
export interface RampEventTable {
  readonly ramp: string;
  readonly seq: number;
  readonly at: Time;
  readonly actor: string;
  readonly type: string;
  readonly data: JSONColumnType<NewRampEvent['data']>;
  /** Random, one for each call: tells a repeated call that it had happened. */
  readonly attempt: string;
}

export interface RampTables {
  readonly ramp: RampTable;
  readonly ramp_event: RampEventTable;
}
