import { SlipwayError, type Duration } from '../kernel/index.ts';
import type { LeaseTerms } from '../release/index.ts';

/** The worker's own lease, and how long its commands outlive its silence. */
export interface WorkerTerms extends LeaseTerms {
  readonly deadManMs: Duration;
}

/** Length of a lease in milliseconds: how long a worker may say nothing before another takes its releases over. */
const VARIABLE = 'SLIPWAY_LEASE_MS';
const DEFAULT_MS: Duration = 15_000;
const SHORTEST_MS: Duration = 1_000;
const LONGEST_MS: Duration = 600_000;

/**
 * Everything follows from the length of the lease, so that it always fits together. After its last renewal a worker is
 * certain of its lease for 11/15 of it. A command of a worker that stands still is ended after 0.45 of it, and gone for certain at
 * 0.72: before the lease that was renewed a fifth earlier ends and somebody else begins.
 * @throws SlipwayError `usage`
 */
export function leaseTerms(environment: Readonly<Record<string, string | undefined>>): WorkerTerms {
  const given = environment[VARIABLE];
  const leaseMs = given === undefined || given === '' ? DEFAULT_MS : Number(given);
  if (!Number.isSafeInteger(leaseMs) || leaseMs < SHORTEST_MS || leaseMs > LONGEST_MS) {
    throw new SlipwayError('usage', `${VARIABLE} is "${given}"; it takes milliseconds from ${SHORTEST_MS} to ${LONGEST_MS}`, {
      hint: 'Leave it out: 15000 suits nearly everybody.',
    });
  }
  return { leaseMs, renewMs: leaseMs / 5, marginMs: (leaseMs * 4) / 15, deadManMs: Math.floor(leaseMs * 0.45) };
}
