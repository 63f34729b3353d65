import type { Duration } from '../../../kernel/pure.ts';

/** A change of many rows, as it is declared: which rows, what becomes of them, and what is true of them afterwards. */
export interface BackfillDefinition {
  readonly name: string;
  /** As SQL names it: `customers`, `billing.customers`. */
  readonly table: string;
  /** Columns of a unique index, in its order; null takes the primary key. */
  readonly key: readonly string[] | null;
  /** SQL condition over the table's columns, true of rows that still need work. */
  readonly where: string;
  readonly change: BackfillChange;
  /** A query with one row of one number: how many rows are wrong. Null counts the rows for which `where` is still true. */
  readonly verify: string | null;
  readonly limits: BackfillLimits;
  /** The version that declares it relies on it: its release is refused until it is done and verified. */
  readonly required: boolean;
}

/** What becomes of a batch of rows. */
export type BackfillChange =
  | { readonly kind: 'set'; readonly columns: Readonly<Record<string, string>> }
  /** A whole statement in which `${batch}` stands for a subquery of the keys: `... WHERE o.id IN (${batch})`. */
  | { readonly kind: 'statement'; readonly sql: string }
  /** Path of a module whose default export maps rows to rows. */
  | { readonly kind: 'function'; readonly file: string };

/** How gentle it is. Everything is a bound: reaching one slows down, pauses or stops, and is said. */
export interface BackfillLimits {
  /** How long one transaction is meant to take; the size of a batch follows from it. */
  readonly transactionMs: Duration;
  readonly mostRowsPerBatch: number;
  /** Pause after a batch as a multiple of the time it took, and as much again for each session of others that is at work: see `pauseAfter`. */
  readonly nice: number;
  /** Rows that cannot be changed and are set aside before it gives up. */
  readonly mostQuarantined: number;
  readonly lockTimeoutMs: Duration;
  /** Longest run of one call; null: no bound. */
  readonly mostMs: Duration | null;
  readonly health: HealthLimits;
}

/** Beyond one of these it waits. */
export interface HealthLimits {
  /** Sessions of others that wait for a lock. */
  readonly lockWaiters: number;
  /** Sessions of others that run a query. */
  readonly activeSessions: number;
  readonly replicaLagMs: Duration;
  readonly replicaLagBytes: number;
  /** WAL that a replication slot keeps, or that waits for the archive. */
  readonly keptWalBytes: number;
  /** Dead rows of the table, as a multiple of its live ones. */
  readonly deadRows: number;
  /** Answer time of a point read, as a multiple of what it was before the first batch. */
  readonly latency: number;
  /** Free space on the server's disk, where it can be seen. */
  readonly freeDiskBytes: number;
  /** Transactions until the oldest ones must be frozen. */
  readonly transactionAge: number;
}

const MIB = 1024 ** 2;

export const DEFAULT_LIMITS: BackfillLimits = {
  transactionMs: 1,
  mostRowsPerBatch: 20_000,
  nice: 1.5,
  mostQuarantined: 100,
  lockTimeoutMs: 100,
  mostMs: null,
  health: {
    lockWaiters: 3,
    activeSessions: 16,
    replicaLagMs: 2_000,
    replicaLagBytes: 64 * MIB,
    keptWalBytes: 1024 * MIB,
    deadRows: 1.5,
    latency: 4,
    freeDiskBytes: 2048 * MIB,
    transactionAge: 1_500_000_000,
  },
};
