/** Bounds of the time before a try: they double from the first to the last, so however long a server was away, all have come back 10 s after it. */
const FIRST_MS = 1_000;
export const LAST_MS = 10_000;

/**
 * How long to wait before opening a connection again: drawn evenly between nothing and a bound that doubles with every failure in a row
 * ("full jitter", M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that clients that lost one server together
 * do not come back together.
 * @param failures in a row so far, 0 after a connection that worked
 * @param random in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  return Math.floor(random * Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures, 10)));
}
