import type { Durations } from '../../src/analysis/core/documented-facts.ts';
import { sampleBinomial, sampleGamma, type Random } from '../../src/analysis/core/sample.ts';

/** The stable version's latencies, some of them much later, or all a little. */
export type LatencyKind = 'same' | 'tail' | 'shifted';

/** Latency in ms: lognormal, its 99th percentile is 407. */
const MEDIAN = 80;
const SIGMA = 0.7;
/** The stable version's 99th percentile: what is slower counts as slow. */
const SLOW = 407;
/** L1: this part of the canary's requests takes that much longer. */
const TAIL = { share: 0.02, ms: 1_500 } as const;

/** Share of requests that are slow when all take `factor` times as long. */
export function slowShare(factor: number): number {
  return 1 - cumulative(SLOW / factor);
}

/** Share of slow requests in L1; each request of the tail is slow. */
export const L1_SHARE = TAIL.share + (1 - TAIL.share) * 0.01;

/** The measured 99th percentile of `requests` latencies: the order statistic, which is beta distributed, through the quantile function. */
export function sampleP99(kind: LatencyKind, requests: number, random: Random): number {
  if (requests === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(0.99 * requests));
  const one = sampleGamma(rank, random);
  const share = one / (one + sampleGamma(requests + 1 - rank, random));
  return quantile(share, distributionOf(kind));
}

function distributionOf(kind: LatencyKind): (ms: number) => number {
  if (kind === 'shifted') return (ms) => cumulative(ms / 1.15);
  return kind === 'same' ? cumulative : (ms) => (1 - TAIL.share) * cumulative(ms) + TAIL.share * cumulative(ms - TAIL.ms);
}

function cumulative(ms: number): number {
  return ms <= 0 ? 0 : normalCumulative(Math.log(ms / MEDIAN) / SIGMA);
}

function quantile(share: number, distribution: (ms: number) => number): number {
  let [low, high] = [0, 20_000];
  for (let n = 0; n < 40; n++) {
    const middle = (low + high) / 2;
    if (distribution(middle) < share) low = middle;
    else high = middle;
  }
  return high;
}

/** Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalCumulative(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z));
  const tail =
    ((((1.330_274_429 * t - 1.821_255_978) * t + 1.781_477_937) * t - 0.356_563_782) * t + 0.319_381_53) *
    t *
    Math.exp((-z * z) / 2) *
    0.398_942_280_4;
  return z < 0 ? tail : 1 - tail;
}

const BOUNDS: readonly number[] = Array.from({ length: 24 }, (_bound, index) => Math.round(20 * 1.25 ** index));

/** Requests by duration, as a histogram with buckets a quarter apart has them. */
export function sampleDurations(kind: LatencyKind, requests: number, random: Random): Durations {
  const below = distributionOf(kind);
  const counts: number[] = [];
  let [left, passed] = [requests, 0];
  for (const bound of BOUNDS) {
    const share = below(bound);
    const inside = passed >= 1 ? 0 : sampleBinomial(left, Math.min(1, (share - passed) / (1 - passed)), random);
    counts.push(inside);
    left -= inside;
    passed = share;
  }
  return { bounds: BOUNDS, counts: [...counts, left] };
}
