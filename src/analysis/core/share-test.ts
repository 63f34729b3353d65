import type { Arm } from './counts.ts';
import { logMeanExp } from './mixture.ts';

/** Alternatives to a limit, as multiples of it (below) or as steps of the way from it to 1 (above). */
const BELOW = [0.001, 0.1, 0.25, 0.5, 0.75] as const;
const ABOVE = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7] as const;

/** ln of the e-value against "at least `limit` of the requests are bad"; large when clearly fewer are. Depends on the totals alone. */
export function evidenceBelow(limit: number, arm: Arm, dispersion: number): number {
  return logMeanExp(BELOW.map((part) => logShareEvidence(part * limit, limit, arm) / dispersion));
}

/** ln of the e-value against "at most `limit` of the requests are bad"; large when clearly more are. */
export function evidenceAbove(limit: number, arm: Arm, dispersion: number): number {
  return logMeanExp(ABOVE.map((step) => logShareEvidence(limit + step * (1 - limit), limit, arm) / dispersion));
}

/** The most that one request is expected to add to {@link evidenceBelow} when `share` of them are bad; not above 0 where it never will. */
export function gainBelow(limit: number, share: number): number {
  return Math.max(...BELOW.map((part) => share * Math.log(part) + (1 - share) * Math.log((1 - part * limit) / (1 - limit))));
}

/** ln of the likelihood ratio of two shares (binomial). */
function logShareEvidence(share: number, limit: number, { requests, bad }: Arm): number {
  return bad * Math.log(share / limit) + (requests - bad) * Math.log((1 - share) / (1 - limit));
}
