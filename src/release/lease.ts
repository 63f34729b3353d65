import { SlipwayError, type Clock, type Duration } from '../kernel/index.ts';
import type { Claim, LeaseTerms } from './ports.ts';

/** The right to act, kept alive while it is open. */
export interface Lease {
  /** Aborted as soon as the lease is lost or may have been lost. */
  readonly signal: AbortSignal;
  /** @throws SlipwayError `fenced` when the lease may have ended, e.g. after this process was frozen */
  check(): void;
  stop(): Promise<void>;
}

/** How a claim is renewed, and since when it is certain to be held: the moment before it was asked for. */
export interface Renewal {
  readonly clock: Clock;
  readonly renew: (claim: Claim) => Promise<boolean>;
  readonly since: Duration;
}

/**
 * Renews a claim until stopped. A worker fences itself: when the monotonic clock says that the last renewal is older
 * than the lease less a margin, it stops acting at once, whether or not it can still reach the store.
 */
export function keepLease(claim: Claim, terms: LeaseTerms, { clock, renew, since }: Renewal): Lease {
  const lost = new AbortController();
  const stopped = new AbortController();
  let renewedAt = since;

  const left = (): Duration => terms.leaseMs - terms.marginMs - (clock.monotonic() - renewedAt);
  const lose = (): void => {
    if (!lost.signal.aborted) lost.abort(new SlipwayError('fenced', `The lease of release ${claim.release} ended`));
  };
  const renewOnce = async (): Promise<void> => {
    // The lease counts from when the renewal was asked for, not from when the answer came.
    const askedAt = clock.monotonic();
    const kept = await renew(claim).catch(() => null);
    if (kept === false) lose();
    if (kept === true) renewedAt = askedAt;
  };
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(Math.max(0, Math.min(terms.renewMs, left())), stopped.signal);
      if (stopped.signal.aborted) return;
      if (left() <= 0) return lose();
      // A store that does not answer must not keep us from noticing that time is up.
      const answered = new AbortController();
      void renewOnce().finally(() => answered.abort());
      await clock.sleep(left(), AbortSignal.any([answered.signal, stopped.signal]));
      if (left() <= 0) lose();
    }
  };
  const done = loop();
  return {
    signal: lost.signal,
    check: () => {
      if (left() <= 0) lose();
      lost.signal.throwIfAborted();
    },
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}
