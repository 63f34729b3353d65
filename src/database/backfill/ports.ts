import type { Duration, Verdict } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { Key } from '../core/backfill/sql.ts';
import type { DatabaseAccess, DatabaseEffects } from '../ports.ts';

export interface BackfillRequest {
  readonly access: DatabaseAccess;
  readonly definition: BackfillDefinition;
  /** Where the module of a `function` change is found. */
  readonly folder: string;
  /** Parts of the table that are walked at once; decided when a backfill begins, later calls keep it. */
  readonly workers: number;
  readonly effects: DatabaseEffects;
  readonly signal?: AbortSignal;
  /** Each batch, whatever became of it. */
  readonly onBatch?: (record: BatchRecord) => void;
  /** Why it waits now; null when it goes on. Told again and again. */
  readonly onWait?: (why: string | null) => void;
  /** Each wait when it is over. */
  readonly onWaited?: (record: WaitRecord) => void;
  /** One redacted line for a person who watches. */
  readonly onProgress?: (line: string) => void;
}

/** What is kept of a batch as evidence. */
export interface BatchRecord {
  /** Which walk over the table it belongs to, from 1; a resumed backfill goes on counting. */
  readonly walk: number;
  readonly range: number;
  /** How many it set out to look at. */
  readonly rows: number;
  readonly tookMs: Duration;
  readonly outcome: 'done' | 'refused' | 'undecided' | 'conflict' | 'endless' | 'lost';
  readonly scanned: number;
  readonly changed: number;
  /** Last key of the batch. */
  readonly cursor: Key | null;
}

/** What is kept of a wait as evidence. */
export interface WaitRecord {
  readonly walk: number;
  readonly range: number;
  /** What it began with. */
  readonly because: string;
  readonly tookMs: Duration;
}

/** How a run ended. `pass` says that the verification query found no row left; `unknown` that it was stopped before it could say. */
export interface BackfillResult {
  readonly verdict: Verdict;
  readonly reason: string;
  /** Of all runs together. */
  readonly scanned: number;
  readonly changed: number;
  readonly batches: number;
  readonly passes: number;
  readonly quarantined: number;
  /** What the verification query answered last; null when it was not asked. */
  readonly wrong: number | null;
  readonly durationMs: Duration;
}
