import type { Arm } from '../../src/analysis/index.ts';
import { sampleBinomial, samplePoisson, type Random } from '../../src/analysis/core/sample.ts';
import type { World } from '../../src/analysis/core/simulate.ts';

/** Instances of the stable version. The canary and the equal-size baseline, which some rivals need, are one more each. */
export const PODS = 9;
export const CANARY = 100;
export const BASELINE = 101;
const HISTORY_MINUTES = 30;

/** What is true of one run of a scenario. Shares are of requests, 0 to 1. */
export interface Truth {
  /** Requests per minute of the canary, and of each stable pod, at a minute of the bake. */
  readonly perMinute: (minute: number) => number;
  /** Share of bad requests without the canary's fault and without what makes a pod differ. */
  readonly base: Readonly<Record<Metric, (minute: number) => number>>;
  /** The same for the canary. */
  readonly canary: Readonly<Record<Metric, (minute: number) => number>>;
  /** By how much a pod's share differs from the base, at a whole minute. */
  readonly factor: (pod: number, minute: number, metric: Metric) => number;
  readonly silent: (minute: number) => boolean;
}

export type Metric = 'errors' | 'latency';
export const METRICS: readonly Metric[] = ['errors', 'latency'];

/** The share of bad requests of one pod. */
export function shareOf(truth: Truth, pod: number, minute: number, metric: Metric): number {
  const base = pod === CANARY ? truth.canary[metric](minute) : truth.base[metric](minute);
  return Math.min(1, base * truth.factor(pod, Math.floor(minute), metric));
}

/** The stable pods together: each request goes to one of them by chance, so their mean share is that of the pool. */
export function stableShare(truth: Truth, minute: number, metric: Metric): number {
  let sum = 0;
  for (let pod = 0; pod < PODS; pod++) sum += shareOf(truth, pod, minute, metric);
  return sum / PODS;
}

/** The truth as the product's simulation wants it. With a schedule the canary's share follows it, otherwise it is one pod of ten. */
export function worldOf(truth: Truth): World {
  const stable = new Map<string, number>();
  return (at, share) => {
    const minute = at / 60_000;
    const total = truth.perMinute(minute) * (PODS + 1);
    const shares = (metric: Metric): { canary: number; stable: number } => ({
      canary: shareOf(truth, CANARY, minute, metric),
      stable: remembered(`${metric}${truth.base[metric](minute)}/${Math.floor(minute)}`, () => stableShare(truth, minute, metric)),
    });
    return {
      perMinute: { canary: total * share, stable: total * (1 - share) },
      metrics: { errors: shares('errors'), latency: shares('latency') },
      silent: truth.silent(minute),
    };
  };

  function remembered(key: string, compute: () => number): number {
    const known = stable.get(key);
    if (known !== undefined) return known;
    // One minute is asked for many times in a row, and never again.
    stable.clear();
    const value = compute();
    stable.set(key, value);
    return value;
  }
}

/** What the product knows of the stable version before the canary begins: per pod, minute by minute. */
export function historyOf(truth: Truth, metric: Metric, random: Random): readonly (readonly Arm[])[] {
  return Array.from({ length: PODS }, (_pod, pod) =>
    Array.from({ length: HISTORY_MINUTES }, (_minute, index) => {
      const minute = index - HISTORY_MINUTES;
      const requests = samplePoisson(truth.perMinute(minute), random);
      return { requests, bad: sampleBinomial(requests, shareOf(truth, pod, minute, metric), random) };
    }),
  );
}
