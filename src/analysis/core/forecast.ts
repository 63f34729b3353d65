import type { MetricFigures, MetricState } from './metric-judge.ts';
import { canaryShareOfBad } from './mixture.ts';
import type { Thresholds } from './policy.ts';
import { gainBelow } from './share-test.ts';

/** A mixture spends some of its evidence on ratios that are not the true one: about half as many requests again. */
const MIXTURE_COST = 1.5;

/**
 * About how many more canary requests a `pass` needs at the rates seen so far; null when more of the same would not bring one. The
 * shorter of two ways: the comparison needs `dispersion (threshold - evidence) / D` more bad requests with the expected gain
 * `D = z ln(z/z_m) + (1-z) ln((1-z)/(1-z_m))` of each, the share test `(threshold - evidence) / gain` more requests.
 */
export function requestsNeeded(
  { policy, scatter: { dispersion }, seen }: MetricState,
  { e }: MetricFigures,
  thresholds: Thresholds,
): number | null {
  const ways = [byComparison(), byShare()].filter((way) => way !== null);
  return ways.length === 0 ? null : Math.ceil(Math.min(...ways));

  function byComparison(): number | null {
    const { canary, stable } = seen;
    const bad = canary.bad + stable.bad;
    if (bad === 0 || canary.requests === 0 || stable.requests === 0) return null;
    const w = canary.requests / (canary.requests + stable.requests);
    const ratio = canary.bad / canary.requests / (Math.max(stable.bad, 0.5) / stable.requests);
    if (ratio >= policy.margin) return null;
    const z = canaryShareOfBad(ratio, w);
    const atMargin = canaryShareOfBad(policy.margin, w);
    const gain = (z === 0 ? 0 : z * Math.log(z / atMargin)) + (1 - z) * Math.log((1 - z) / (1 - atMargin));
    const badNeeded = (MIXTURE_COST * dispersion * Math.max(0, thresholds.good - e.good)) / gain;
    return badNeeded / (bad / canary.requests);
  }

  function byShare(): number | null {
    const share = seen.canary.requests === 0 ? 0 : seen.canary.bad / seen.canary.requests;
    const gain = gainBelow(policy.clean, share);
    // The mixture's own cost: the best of its alternatives has one part of five.
    return gain <= 0 ? null : (dispersion * Math.max(0, thresholds.good + Math.log(5) - Math.max(0, e.clean))) / gain;
  }
}
