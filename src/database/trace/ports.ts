import type { Duration, Verdict } from '../../kernel/index.ts';
import type { Difference, Observed } from '../core/trace/compare.ts';

/** One statement as it ran on the shadow database. */
export interface TracedStatement extends Observed, Difference {
  readonly line: number;
  readonly text: string;
  readonly tookMs: Duration;
  /** False for a statement outside a transaction that was over before another session could see its locks. */
  readonly locksSeen: boolean;
}

/** One file as it ran. `fail`: the server refused it. `unknown`: it could not be tried, or it did what lint knows nothing of. */
export interface TracedFile {
  readonly name: string;
  readonly verdict: Verdict;
  /** Why it is not `pass`; empty when it is. */
  readonly reason: string;
  /** To its end. */
  readonly ran: boolean;
  readonly tookMs: Duration;
  readonly statements: readonly TracedStatement[];
}
