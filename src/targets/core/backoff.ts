import type { Duration } from '../../kernel/pure.ts';

const BASE_MS = 250;
const CAP_MS = 30_000;

/**
 * How long to wait before the next start after `tries` starts that did not last: 0 for none (a long-running process
 * is restarted at once), then 250 ms doubling up to 30 s. Without jitter: instances of one machine don't stampede.
 */
export function backoffMs(tries: number): Duration {
  if (tries <= 0) return 0;
  // The exponent is bounded first: 2 ** 1100 is Infinity, and Infinity - Infinity is no delay.
  return Math.min(CAP_MS, BASE_MS * 2 ** Math.min(tries - 1, 16));
}
