import type { Duration } from '../../../kernel/pure.ts';

/** What a row cost in each of the last batches, in milliseconds, the newest last. */
export type Costs = readonly Duration[];

/** Long enough to hold batches that nothing got in the way of, short enough to follow rows that become wider. */
const REMEMBERED = 32;
/** The fourth cheapest of 32: batches that had a core to themselves, and not the one that was luckiest. */
const UNDISTURBED = 1 / 8;
/** Of a batch that took far longer than its rows cost, this share counts all the same: whoever waits for its rows waits for all of it. */
const LEAST_SHARE = 1 / 2;

/** Less than this no clock here tells reliably. */
const LEAST_MS = 0.01;

export const NO_COSTS: Costs = [];

/** What a batch takes however many rows it has. */
export interface Fixed {
  /** As measured here. */
  readonly tookMs: Duration;
  /** What of it the server had: plans, and the way through the partitions. */
  readonly serverMs: Duration;
}

/**
 * @param emptyMs what one of no rows takes
 * @param exchanges with the server in one with rows, and in one without
 */
export function fixedOf(
  emptyMs: Duration,
  { answerMs, exchanges, empty }: { readonly answerMs: Duration; readonly exchanges: number; readonly empty: number },
): Fixed {
  return { tookMs: emptyMs + (exchanges - empty) * answerMs, serverMs: Math.max(0, emptyMs - empty * answerMs) };
}

/**
 * What of a time that was measured here went by for the rows. Exchanges with the server, and plans of a table of many partitions, take
 * as long for one row as for a thousand: a size found by them would shrink to nothing.
 * @param fixedMs what it would have taken for no row
 */
export function servedOf(tookMs: Duration, fixedMs: Duration): Duration {
  return Math.max(LEAST_MS, tookMs - fixedMs);
}

/** @param servedMs of a batch that looked at `rows` rows, as `servedOf` has it */
export function withBatch(costs: Costs, rows: number, servedMs: Duration): Costs {
  return [...costs, servedMs / rows].slice(-REMEMBERED);
}

/**
 * What a batch worked for its rows, rather than waited for a core or the disk among others. On a full server nearly all of its time is
 * such a wait: a size found by it would shrink to nothing, and a pause by it would give way twice, as the wait already did. What it takes
 * for no row waits as its rows do.
 * @param costs with this batch
 * @returns at most what `servedOf` says
 */
export function workedOf(costs: Costs, rows: number, tookMs: Duration, fixedMs: Duration): Duration {
  const servedMs = servedOf(tookMs, fixedMs);
  const sorted = costs.toSorted((a, b) => a - b);
  const perRow = sorted[Math.floor(sorted.length * UNDISTURBED)];
  if (perRow === undefined) return servedMs;
  const undisturbedMs = fixedMs + perRow * rows;
  return Math.min(servedMs, Math.max(tookMs * LEAST_SHARE, undisturbedMs) * ((perRow * rows) / undisturbedMs));
}
