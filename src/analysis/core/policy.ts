import type { Duration } from '../../kernel/pure.ts';

/** What is tolerated of one metric, said before the canary starts. Shares are of requests, 0 to 1. */
export interface MetricPolicy {
  readonly name: string;
  /** The canary's rate may be this many times the stable one's. */
  readonly margin: number;
  /** A canary whose rate is below this passes without a comparison: there may be too little that is bad to compare. */
  readonly clean: number;
  /** Above this, and above the stable rate, it fails whatever the margin; null for no such limit. */
  readonly limit: number | null;
  /** Bad canary requests before it may fail: one client that retries makes several. */
  readonly leastBad: number;
  /** Ticks that held one, before it may fail; a single tick brings no more than its part of the evidence. */
  readonly leastTicks: number;
  /** The margin holds only this long after the canary took its first request: stable instances are older, with warm caches. */
  readonly warmupMs: Duration;
  /** What is tolerated before that, as {@link margin}; null: anything. */
  readonly warmupMargin: number | null;
}

/** How one canary is judged: the sequential policy. */
export interface SequentialPolicy {
  readonly kind: 'sequential';
  /** The chance, over the whole rollout and all metrics, of failing a canary that is within the margin. */
  readonly alpha: number;
  /** The chance, at each checkpoint and metric, of passing one that is not. */
  readonly passAlpha: number;
  readonly metrics: readonly MetricPolicy[];
}

/** How often the judge is asked over one bake; each question costs some of alpha. */
export interface BakeShape {
  readonly checkpoints: number;
  /** Whole bake in periods of {@link PERIOD_MS}. */
  readonly periods: number;
}

/** A change is looked for from each of these on. */
export const PERIOD_MS: Duration = 10_000;

/** A canary that fails more than every second request is bad, unless the stable version does so too. */
export const CATASTROPHIC = 0.5;

/** How alpha is shared among the tests of one metric; together 1. */
const PART = { checkpoint: 0.4, change: 0.4, guards: 0.2 } as const;

/** ln of what an e-value must reach. */
export interface Thresholds {
  readonly bad: number;
  readonly change: number;
  readonly guard: number;
  readonly good: number;
}

/** Splits alpha evenly over the metrics, then over the tests, then over the checkpoints at which a test begins anew (union bound). */
export function thresholdsOf({ alpha, passAlpha, metrics }: SequentialPolicy, { checkpoints, periods }: BakeShape): Thresholds {
  const each = alpha / Math.max(1, metrics.length);
  // The test begins anew once more when the canary is warm.
  const tests = checkpoints + (metrics.some(({ warmupMs }) => warmupMs > 0) ? 1 : 0);
  return {
    bad: Math.log(tests / (each * PART.checkpoint)),
    change: Math.log(periods / (each * PART.change)),
    // The limit and the catastrophe, at each checkpoint.
    guard: Math.log((2 * tests) / (each * PART.guards)),
    good: Math.log(1 / passAlpha),
  };
}

/** Failed requests, as the router counts them. */
export const ERRORS: MetricPolicy = {
  name: 'errors',
  margin: 1.5,
  clean: 0.001,
  limit: 0.05,
  leastBad: 5,
  leastTicks: 2,
  warmupMs: 60_000,
  warmupMargin: 4,
};

/**
 * Requests slower than what 99 of 100 of the stable version's need. About 1 % of the stable ones are, by that definition, so the limit of
 * "clean" is twice that; too few of the canary's are known for a percentile, but a count is a count.
 */
export const LATENCY: MetricPolicy = {
  name: 'latency',
  margin: 1.5,
  clean: 0.02,
  limit: null,
  leastBad: 20,
  leastTicks: 5,
  warmupMs: 60_000,
  warmupMargin: null,
};

export const DEFAULT_POLICY: SequentialPolicy = { kind: 'sequential', alpha: 0.01, passAlpha: 0.05, metrics: [ERRORS, LATENCY] };
