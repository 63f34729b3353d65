import type { Durations, TickFacts } from './documented-facts.ts';
import { sampleBinomial, type Random } from './sample.ts';

/** Upper bounds in ms, a quarter apart. */
const BOUNDS: readonly number[] = Array.from({ length: 24 }, (_bound, index) => Math.round(20 * 1.25 ** index));
/** A service whose median is 80 ms and whose 99th percentile is about 400: lognormal, close enough to the logistic that needs no series. */
const [MEDIAN, SPREAD] = [80, 0.7] as const;
const SHARES: readonly number[] = BOUNDS.map((bound) => 1 / (1 + Math.exp((-1.702 * Math.log(bound / MEDIAN)) / SPREAD)));

/** What a judge is told of two versions that are alike in everything but what they fail. */
export function alikeFacts(requests: { readonly canary: number; readonly stable: number }, random: Random): TickFacts {
  const alike = { canary: 1, stable: 1 };
  return {
    durations: { canary: sampleDurations(requests.canary, random), stable: sampleDurations(requests.stable, random) },
    cpu: alike,
    memory: alike,
    memoryOfLimit: 0.5,
    restarts: 0,
    probes: { failing: 0, all: 1 },
    breakersOpen: false,
    corrupted: false,
  };
}

/** Requests by duration, bucket after bucket. */
function sampleDurations(requests: number, random: Random): Durations {
  const counts: number[] = [];
  let [left, below] = [requests, 0];
  for (const share of SHARES) {
    const inside = sampleBinomial(left, Math.min(1, (share - below) / (1 - below)), random);
    counts.push(inside);
    left -= inside;
    below = share;
  }
  return { bounds: BOUNDS, counts: [...counts, left] };
}
