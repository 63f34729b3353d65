import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Flag, FlagAction, FlagWrite, LeftClient, Reach, Scope, Segment } from '../../flags/index.ts';

/** The channel on which every change of flags is told; its payload is the environment. */
export const FLAG_CHANNEL = 'slipway_flag';

type Time = ColumnType<Date, Date, Date>;
type TimeOrNull = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** One row per environment that has, or had, flags: its newest change. */
export interface FlagEnvironmentTable {
  readonly name: string;
  readonly seq: number;
  readonly at: Time;
  /** Random; another one ends what numbers meant before. */
  readonly history: Generated<string>;
  /** Each change must say why. */
  readonly reasons_required: Generated<boolean>;
}

/** A flag or a segment as it is; `revision` is the `seq` of the change that made it so. */
interface DefinitionTable<T extends object> {
  readonly environment: string;
  readonly key: string;
  readonly revision: number;
  readonly definition: JSONColumnType<T>;
}

/** The history, never changed. */
export interface FlagChangeTable {
  readonly environment: string;
  readonly seq: number;
  readonly at: Time;
  readonly actor: string;
  readonly reason: string;
  readonly action: FlagAction;
  readonly acknowledge: boolean;
  readonly writes: JSONColumnType<readonly FlagWrite[]>;
  /** Of what was written, to find it by. */
  readonly keys: readonly string[];
  /** Random, one for each call: tells a repeated call that it had happened. */
  readonly attempt: string;
}

export interface TokenTable {
  readonly id: string;
  readonly secret_sha256: string;
  readonly environment: string;
  readonly scopes: readonly Scope[];
  readonly description: string;
  readonly created_by: string;
  readonly created_at: Time;
  readonly expires_at: TimeOrNull;
  readonly revoked_at: TimeOrNull;
  /** Null also for one that an older build revoked. */
  readonly revoked_by: ColumnType<string | null, string | null | undefined, string | null>;
  readonly revoke_reason: ColumnType<string | null, string | null | undefined, string | null>;
  readonly last_used_at: TimeOrNull;
}

export interface FlagCountTable {
  readonly environment: string;
  readonly flag: string;
  readonly variant: string;
  readonly hour: Time;
  readonly count: ColumnType<string, number, number>;
}

/** What owners were told of flags that expire. */
export interface FlagNoticeTable {
  readonly environment: string;
  readonly flag: string;
  readonly expires_at: Time;
  readonly threshold: string;
  readonly claimed_until: Time;
  readonly sent_at: TimeOrNull;
}

/** A process of `slipway serve`: it has a row before it answers anything, until it has answered everything, and its clients are elsewhere. */
export interface FlagServerTable {
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  readonly start_ticks: ColumnType<string | null, number | null, number | null>;
  /** Where its pid means something. */
  readonly place: string;
  readonly limit_ms: ColumnType<string, number, number>;
  readonly seen_at: Time;
  /** Since when it is known without a break; null for one of an older build. */
  readonly registered_at: TimeOrNull;
  /** It answers no more; kept while its clients may not be heard elsewhere yet. */
  readonly ended_at: TimeOrNull;
  /** What it signs flags with, the first, and tells clients; null for one of an older build. */
  readonly signing_keys: readonly string[] | null;
  /** It named its clients. */
  readonly listed: Generated<boolean>;
}

export interface FlagReachTable {
  readonly environment: string;
  readonly process: string;
  readonly seen_at: Time;
  readonly reach: JSONColumnType<Reach>;
}

export interface FlagLeftTable extends LeftClient {
  readonly process: string;
}

export interface FlagAcknowledgementTable {
  readonly process: string;
  readonly environment: string;
  readonly client: string;
  readonly history: string;
  readonly seq: number;
  readonly at: Time;
}

export interface FlagTables {
  readonly flag_environment: FlagEnvironmentTable;
  readonly flag: DefinitionTable<Flag>;
  readonly flag_segment: DefinitionTable<Segment>;
  readonly flag_change: FlagChangeTable;
  readonly token: TokenTable;
  readonly flag_count: FlagCountTable;
  readonly flag_server: FlagServerTable;
  readonly flag_reach: FlagReachTable;
  readonly flag_left: FlagLeftTable;
  readonly flag_acknowledgement: FlagAcknowledgementTable;
  readonly flag_notice: FlagNoticeTable;
}
