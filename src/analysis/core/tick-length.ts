import type { Duration } from '../../kernel/pure.ts';
import type { JudgePolicy } from './judge.ts';

/** Readings with the usual share of bad requests are put together up to this long. */
const LONGEST_MS: Duration = 10_000;
/** And up to this part of a time: a checkpoint of 5 s is not judged once in 10 s. */
const PART = 1 / 5;

/** Where a checkpoint is, and how it is read. */
export interface Pace {
  /** Time between two readings. */
  readonly everyMs: Duration;
  /** How long the checkpoint lasts at least; 0 where nobody said. */
  readonly forMs: Duration;
  /** Since it began. */
  readonly ageMs: Duration;
}

/**
 * How long readings are put together before they are judged. A young checkpoint is judged often, so that it can say something and may
 * be over when its time is; putting readings together only keeps the ledger of a long one small. The other judges measure what
 * is in their window at the first tick, so only a short checkpoint shortens theirs.
 */
export function longestTickMs({ kind }: Pick<JudgePolicy, 'kind'>, { everyMs, forMs, ageMs }: Pace): Duration {
  const time = kind === 'sequential' ? ageMs : forMs === 0 ? Number.POSITIVE_INFINITY : forMs;
  return Math.min(LONGEST_MS, Math.max(everyMs, time * PART));
}
