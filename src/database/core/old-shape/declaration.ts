import type { Duration, Template } from '../../../kernel/pure.ts';
import type { MismatchDefinition } from './facts.ts';
import type { Allowed } from './judge.ts';
import type { OldShape } from './shape.ts';

/** What is going to be contracted, as it is declared: what goes, what came instead, and how it is seen that nobody needs it any more. */
export interface ContractDefinition {
  readonly name: string;
  readonly drops: readonly OldShape[];
  /** What takes its place, for people; null where nothing does. */
  readonly replacedBy: string | null;
  /** First version that does without the old shape; null: a proof must tell. */
  readonly since: string | null;
  /** For how long no version that needs it may have run. */
  readonly windowMs: Duration;
  /** Why the window is shorter than a day; null when it is not. */
  readonly because: string | null;
  /** The backfill that filled the new shape; null where there was nothing to fill. */
  readonly backfill: string | null;
  readonly mismatch: MismatchDefinition | null;
  readonly fallback: FallbackCounter | null;
  readonly allow: readonly Allowed[];
}

/** Where it is counted how many reads fell back to the old shape; null: none can. */
export type FallbackCounter =
  /** A query with one row of one number. */
  | { readonly kind: 'sql'; readonly query: string }
  /** What the service's own instances show under `/metrics`. */
  | { readonly kind: 'instances'; readonly counter: string }
  | { readonly kind: 'prometheus'; readonly url: Template; readonly token: Template | null; readonly counter: string };

const DAY_MS = 86_400_000;

/** A week sees every day of a team, and most jobs. */
export const USUAL_WINDOW_MS: Duration = 7 * DAY_MS;
/** A window below a day misses what runs at night, so it has to be explained. */
export const SHORTEST_UNEXPLAINED_WINDOW_MS: Duration = DAY_MS;
