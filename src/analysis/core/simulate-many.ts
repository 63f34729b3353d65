import type { Duration } from '../../kernel/pure.ts';
import { seededRandom } from './sample.ts';
import { simulateBake, type Bake, type BakeOutcome, type Moment, type World } from './simulate.ts';

/** One metric of a service as a person describes it, and what the canary does to it. Shares are of requests, 0 to 1. */
export interface Effect {
  readonly stable: number;
  /** The canary's share from `onsetMs` on; before, it is as good as the stable version. */
  readonly canary: number;
  readonly onsetMs: Duration;
}

/** A world of steady traffic in which the canary has one effect per metric. */
export function steadyWorld(requestsPerMinute: number, effects: Readonly<Record<string, Effect>>): World {
  return (at, share): Moment => ({
    perMinute: { canary: requestsPerMinute * share, stable: requestsPerMinute * (1 - share) },
    metrics: Object.fromEntries(
      Object.entries(effects).map(([name, { stable, canary, onsetMs }]) => [name, { stable, canary: at < onsetMs ? stable : canary }]),
    ),
  });
}

/** What many simulated bakes say together. Shares are of the runs; times are null when no run got there. */
export interface SimulationSummary {
  readonly runs: number;
  readonly seed: number;
  /** Runs in which the canary was failed: the chance of catching a bad one, or of rolling back a good one. */
  readonly failed: number;
  readonly passed: number;
  readonly unknown: number;
  readonly failMs: { readonly median: Duration | null; readonly p95: Duration | null };
  /** Until the whole schedule was passed. */
  readonly passMs: { readonly median: Duration | null; readonly p95: Duration | null };
  /** Requests users lost per bake, on average, whatever its end. */
  readonly harmed: number;
}

/** Plays a bake `runs` times; `bakeOf` may draw what differs from run to run (which instances are slow) from the run's own seed. */
export function simulateMany(
  bakeOf: (run: number) => Bake,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): SimulationSummary {
  const outcomes = Array.from({ length: runs }, (_run, run) => simulateBake(bakeOf(run), seededRandom(seed + run)));
  return { seed, ...summaryOf(outcomes) };
}

export function summaryOf(outcomes: readonly BakeOutcome[]): Omit<SimulationSummary, 'seed'> {
  const runs = outcomes.length;
  const ended = (verdict: BakeOutcome['verdict']): readonly BakeOutcome[] => outcomes.filter((one) => one.verdict === verdict);
  const share = (some: readonly BakeOutcome[]): number => (runs === 0 ? Number.NaN : some.length / runs);
  const times = (some: readonly BakeOutcome[]): SimulationSummary['failMs'] => ({
    median: quantile(some, 0.5),
    p95: quantile(some, 0.95),
  });
  return {
    runs,
    failed: share(ended('fail')),
    passed: share(ended('pass')),
    unknown: share(ended('unknown')),
    failMs: times(ended('fail')),
    passMs: times(ended('pass')),
    harmed: outcomes.reduce((sum, { harmed }) => sum + harmed, 0) / runs,
  };
}

/** The smallest time that `part` of the bakes did not exceed. */
function quantile(outcomes: readonly BakeOutcome[], part: number): Duration | null {
  const sorted = outcomes.map(({ endedAt }) => endedAt).toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;
}
