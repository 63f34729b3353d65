import type { Duration } from '../../../kernel/pure.ts';

/** What a row cost in each of the last batches, in milliseconds, the newest last. */
export type Costs = readonly Duration[];

/** Long enough to hold batches that nothing got in the way of, short enough to follow rows that become wider. */
const REMEMBERED = 32;
/** The fourth cheapest of 32: batches that had a core to themselves, and not the one that was luckiest. */
const UNDISTURBED = 1 / 8;
/** Of a batch that took far longer than its rows cost, this share counts all the same: whoever waits for its rows waits for all of it. */
const LEAST_SHARE = 1 / 2;

export const NO_COSTS: Costs = [];

/** @param tookMs of a batch that looked at `rows` rows */
export function withBatch(costs: Costs, rows: number, tookMs: Duration): Costs {
  return [...costs, tookMs / rows].slice(-REMEMBERED);
}

/**
 * What of the time a batch took it worked, rather than waited for a core or the disk among others. On a full server nearly all of it is
 * such a wait: a size found by it would shrink to nothing, and a pause by it would give way twice, as the wait already did.
 * @param costs with this batch
 * @returns at most `tookMs`
 */
export function workedOf(costs: Costs, rows: number, tookMs: Duration): Duration {
  const sorted = costs.toSorted((a, b) => a - b);
  const perRow = sorted[Math.floor(sorted.length * UNDISTURBED)];
  if (perRow === undefined) return tookMs;
  return Math.min(tookMs, Math.max(tookMs * LEAST_SHARE, perRow * rows));
}
