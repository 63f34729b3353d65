import type { Clock } from '../kernel/index.ts';
import { SlipwayError } from '../kernel/index.ts';
import type { Claim, LeaseTerms } from './ports.ts';

/** The right to act, kept alive while it is open. */
export interface Lease {
  /** Aborted as soon as the lease is lost or may have been lost. */
  readonly signal: AbortSignal;
  /** @throws SlipwayError `fenced` when the lease may have ended, e.g. after this process was frozen */
  check(): void;
  stop(): Promise<void>;
}

/**
 * Renews a claim until stopped. A worker fences itself: when the monotonic clock says that the last renewal is older
 * than the lease less a margin, it stops acting at once, whether or not it can still reach the store.
 */
export function keepLease(claim: Claim, terms: LeaseTerms, clock: Clock, renew: (claim: Claim) => Promise<boolean>): Lease {
  const lost = new AbortController();
  const stopped = new AbortController();
  let renewedAt = clock.monotonic();

  const overdue = (): boolean => clock.monotonic() - renewedAt > terms.leaseMs - terms.marginMs;
  const lose = (): void => {
    if (!lost.signal.aborted) lost.abort(new SlipwayError('fenced', `The lease of release ${claim.release} ended`));
  };
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(terms.renewMs, stopped.signal);
      if (stopped.signal.aborted) return;
      if (overdue()) return lose();
      // The lease counts from when the renewal was asked for, not from when the answer came.
      const askedAt = clock.monotonic();
      const kept = await renew(claim).catch(() => null);
      if (kept === false) return lose();
      if (kept === true) renewedAt = askedAt;
    }
  };
  const done = loop();
  return {
    signal: lost.signal,
    check: () => {
      if (overdue()) lose();
      lost.signal.throwIfAborted();
    },
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}
