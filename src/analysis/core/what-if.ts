import type { Duration } from '../../kernel/pure.ts';
import { factsWanted, type JudgePolicy } from './judge.ts';
import type { Plot } from './plot.ts';
import type { BakeShape } from './policy.ts';
import { seededRandom } from './sample.ts';
import { alikeFacts } from './sample-facts.ts';
import { steadyWorld, summaryOf, type SimulationSummary } from './simulate-many.ts';
import { longestTickMs } from './tick-length.ts';
import { simulateBake, type Bake, type BakeOutcome, type ScheduledWeight, type World } from './simulate.ts';
import type { Dispersions } from './tick.ts';

/** What is asked before a release: would this policy notice, on this traffic, how soon, and at what cost. */
export interface WhatIf {
  readonly policy: JudgePolicy;
  readonly schedule: readonly ScheduledWeight[];
  /** When the question ends, whatever the canary is at. */
  readonly withinMs: Duration;
  /** Time between two readings. */
  readonly everyMs: Duration;
  /** As alpha is split for the release itself. */
  readonly shape: BakeShape;
  /** Requests per minute to both versions together. */
  readonly perMinute: number;
  /** Share of the stable version's requests that are bad, 0 to 1. */
  readonly baseline: number;
  /** The canary turns bad so long after its first request. */
  readonly onsetMs: Duration;
  readonly dispersions: Dispersions;
  readonly seed: number;
  readonly runs: number;
}

/** How one canary of the question did, in so many runs. `errors` is its share of bad requests; null for one that is as good as the stable version. */
export interface WhatIfAnswer extends SimulationSummary {
  readonly errors: number | null;
  /** Time after the onset until it was failed, each run that was, ascending. */
  readonly caughtMs: readonly Duration[];
  /** Of the runs failed, how large their true share could be (95 %): 0 of 100 is not never. */
  readonly failedAtMost: number;
}

/** About 1 % of the stable version's requests are slow, by what slow means; so are the canary's in all that is asked. */
const SLOW = 0.01;
/** Ticks of an old weight, by its age: what takes hours need not be told in seconds. A young one has those of the release itself. */
const TICKS: readonly (readonly [from: Duration, tickMs: Duration])[] = [
  [3_600_000, 60_000],
  [1_800_000, 30_000],
  [600_000, 20_000],
];

/** Runs that take a few seconds: a day has more ticks than an hour. */
export function usualRuns(what: Pick<WhatIf, 'schedule' | 'withinMs' | 'policy' | 'everyMs'>): number {
  const { schedule, withinMs } = what;
  const planned = lengthOf(schedule);
  const ticks = schedule.reduce((sum, weight) => sum + ticksIn(what, weight), ticksIn(what, { forMs: Math.max(0, withinMs - planned) }));
  return Math.min(500, Math.max(60, Math.round(100_000 / Math.max(1, ticks) / 10) * 10));
}

function lengthOf(schedule: readonly ScheduledWeight[]): Duration {
  return schedule.reduce((sum, { forMs }) => sum + forMs, 0);
}

function ticksIn(what: Pick<WhatIf, 'policy' | 'everyMs'>, weight: Pick<ScheduledWeight, 'forMs'>): number {
  let [at, ticks] = [0, 0];
  for (; at < weight.forMs; ticks++) at += tickAt(what, weight, at);
  return ticks;
}

function tickAt(
  { policy, everyMs }: Pick<WhatIf, 'policy' | 'everyMs'>,
  { forMs }: Pick<ScheduledWeight, 'forMs'>,
  ageMs: Duration,
): Duration {
  const old = TICKS.find(([from]) => ageMs >= from)?.[1];
  // A tick ends at a reading.
  const tickMs = old ?? Math.ceil(longestTickMs(policy, { everyMs, forMs, ageMs }) / everyMs) * everyMs;
  // And a weight exactly after its time, or a schedule would last longer than it says.
  return ageMs < forMs ? Math.min(tickMs, forMs - ageMs) : tickMs;
}

/** Plays run number `run` of a canary with the given share of bad requests. A canary is held at each weight until it passes. */
export function playOnce(what: WhatIf, errors: number | null, run: number): BakeOutcome {
  const effect = { stable: what.baseline, canary: errors ?? what.baseline, onsetMs: what.onsetMs };
  const slow = { stable: SLOW, canary: SLOW, onsetMs: 0 };
  const bake: Bake = {
    policy: what.policy,
    schedule: what.schedule,
    shape: what.shape,
    dispersions: what.dispersions,
    tickMs: (sinceWeight, weight) => tickAt(what, weight, sinceWeight),
    patienceMs: what.withinMs - lengthOf(what.schedule),
    world: worldOf(what, { errors: effect, latency: slow }),
  };
  // Each canary has numbers of its own: the same ones would make rows look more alike than they are.
  return simulateBake(bake, seededRandom(what.seed + run + Math.round((errors ?? 0) * 1e6) * 7_919));
}

/** Durations, CPU and memory are alike for both, where the judge wants to know them. */
function worldOf({ perMinute, policy }: WhatIf, effects: Parameters<typeof steadyWorld>[1]): World {
  const steady = steadyWorld(perMinute, effects);
  const { durations, instances } = factsWanted(policy);
  return durations || instances ? (at, share) => ({ ...steady(at, share), facts: alikeFacts }) : steady;
}

export function answerOf(what: WhatIf, errors: number | null, outcomes: readonly BakeOutcome[]): WhatIfAnswer {
  const summary = summaryOf(outcomes);
  // What was failed before it was bad was not caught.
  const caught = outcomes.filter(({ verdict, endedAt }) => verdict === 'fail' && endedAt > (errors === null ? 0 : what.onsetMs));
  const caughtMs = caught.map(({ endedAt }) => endedAt - (errors === null ? 0 : what.onsetMs)).toSorted((a, b) => a - b);
  const times = { median: quantileOf(caughtMs, 0.5), p95: quantileOf(caughtMs, 0.95) };
  const failed = caughtMs.length / Math.max(1, summary.runs);
  return { ...summary, seed: what.seed, errors, failed, failMs: times, caughtMs, failedAtMost: upperBound(caughtMs.length, summary.runs) };
}

function quantileOf(ascending: readonly number[], part: number): number | null {
  return ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)] ?? null;
}

/** Upper end of a share's one-sided 95 % interval (Clopper and Pearson 1934), by bisection of the binomial's lower tail. */
export function upperBound(successes: number, trials: number): number {
  if (trials === 0 || successes >= trials) return 1;
  let [low, high] = [successes / trials, 1];
  for (let n = 0; n < 50; n++) {
    const middle = (low + high) / 2;
    if (atMost(successes, trials, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

function atMost(successes: number, trials: number, share: number): number {
  let log = trials * Math.log1p(-share);
  let sum = Math.exp(log);
  for (let k = 1; k <= successes; k++) {
    log += Math.log((trials - k + 1) / k) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(log);
  }
  return sum;
}

/** The share of runs that were failed within a time, by that time: one stair per canary. */
export function catchPlot(what: WhatIf, answers: readonly WhatIfAnswer[]): Plot {
  const to = Math.max(60_000, what.withinMs - what.onsetMs);
  return {
    title: 'Caught by that time',
    x: { label: 'time since it turned bad', from: 10_000, to, log: true, unit: 'time' },
    y: { label: 'share of the runs', from: 0, to: 1, unit: 'share' },
    lines: answers.map(({ errors, caughtMs, runs }) => ({
      name: errors === null ? 'no worse' : `${Number((errors * 100).toPrecision(3))} %`,
      points: [{ x: 0, y: 0 }, ...caughtMs.map((x, index) => ({ x, y: (index + 1) / runs }))],
    })),
    marks: [],
  };
}
