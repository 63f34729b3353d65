import type { Duration } from '../../../kernel/pure.ts';

/** Shorter ones would only keep the event loop busy. */
const SHORTEST_MS = 1;

/**
 * The pause after a batch: `nice` times as long as it worked, and as much again for each session of others that is at work, so that a
 * backfill takes one share of the server among those who use it, on a server that is idle as on one that is full.
 * @param busy sessions of others that run a query, on average over the last seconds
 */
export function pauseAfter(workedMs: Duration, nice: number, busy: number): Duration {
  return Math.max(SHORTEST_MS, workedMs * nice * (1 + busy));
}
