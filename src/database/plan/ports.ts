import type { FilePhase, PhasedStatement, SplitFile } from '../core/plan/phase.ts';
import type { NotLookedAt, Refusal } from '../core/plan/refused.ts';
import type { Ledger } from '../core/plan/ledger.ts';
import type { RollbackClass } from '../core/types.ts';

/** What would happen to the database and the old version, file by file; nothing is changed. */
export interface MigrationPlan {
  readonly files: readonly PlannedFile[];
  /** False when the database was not asked: then counts, sizes and dependants are not known, and all files count as pending. */
  readonly asked: boolean;
  readonly drift: readonly string[];
  /** What the files take away, or give another name; whether anybody still needs it is what the gate of the contraction asks. */
  readonly takenAway: readonly TakenAway[];
}

export interface TakenAway {
  readonly file: string;
  /** In words: `customers.name`, `table customers (renamed)`. */
  readonly what: readonly string[];
}

export interface PlannedFile extends FilePhase {
  readonly name: string;
  readonly rollbackClass: RollbackClass;
  /** Why this class. */
  readonly classBecause: string;
  readonly transactional: boolean;
  readonly hasDown: boolean;
  readonly statements: readonly PhasedStatement[];
  /** A mixed file in parts; null when it is not mixed or cannot be split. */
  readonly split: readonly SplitFile[] | null;
  readonly losses: readonly CountedLoss[];
  /** Statements that the server refuses whatever rows there are, as its catalog says; none where no database was asked. */
  readonly refusals: readonly Refusal[];
  /** From where on nobody can tell whether the server refuses it, and why; null where all of it was looked at, or no database asked. */
  readonly notLookedAt: NotLookedAt | null;
  readonly tables: readonly TouchedTable[];
  /** What must be known of it before it is applied; what nobody knows is to be declared in the file. */
  readonly ledger: Ledger;
}

export interface CountedLoss {
  readonly line: number;
  /** `lost`: goes for good. `refused`: stands in the way, the statement is going to fail. */
  readonly kind: 'lost' | 'refused';
  readonly what: string;
  /** Null: not counted, and why. */
  readonly rows: number | null;
  readonly because: string | null;
  /** The query that counts it, which must answer 0 for `refused`; null where none is known. */
  readonly query: string | null;
}

/** A table that was there before and that a file works on. */
export interface TouchedTable {
  readonly name: string;
  readonly rows: number | null;
  readonly bytes: number | null;
  /** Views and functions that use it. */
  readonly dependants: readonly string[] | null;
}
