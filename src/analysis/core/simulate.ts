import type { Duration, Verdict } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import { addTick, atCheckpoint, startJudge, verdictOf, type Judge, type JudgePolicy } from './judge.ts';
import { PERIOD_MS, type BakeShape } from './policy.ts';
import type { TickFacts } from './documented-facts.ts';
import { sampleBinomial, samplePoisson, type Random } from './sample.ts';
import type { Dispersions, Tick } from './tick.ts';

/** The true shares of bad requests of one metric at one moment, which no judge ever sees. */
export interface TrueShares {
  readonly canary: number;
  readonly stable: number;
}

/** What is true at one moment of a simulated bake. */
export interface Moment {
  /** Requests per minute, expected. */
  readonly perMinute: { readonly canary: number; readonly stable: number };
  readonly metrics: Readonly<Record<string, TrueShares>>;
  /** What is told beside counts, for so many requests of each version. */
  readonly facts?: (requests: { readonly canary: number; readonly stable: number }, random: Random) => TickFacts;
  /** The metric source gives nothing at this moment. */
  readonly silent?: boolean;
}

/** The truth over time, for the share of traffic that the canary has at that time. */
export type World = (at: Duration, canaryShare: number) => Moment;

/** One step of the schedule: the canary's share of the traffic, and how long it keeps it at least. */
export interface ScheduledWeight {
  readonly share: number;
  readonly forMs: Duration;
}

/** A bake to play through. */
export interface Bake {
  readonly policy: JudgePolicy;
  readonly schedule: readonly ScheduledWeight[];
  /** Length and number of checkpoints that alpha is split for, where they are not those of the schedule. */
  readonly shape?: BakeShape;
  readonly dispersions?: Dispersions;
  /** Length of a tick, or what it is at a time after the weight began. */
  readonly tickMs: Duration | ((sinceWeight: Duration, weight: ScheduledWeight) => Duration);
  /** The next weight waits for a pass, at most this long after the schedule would be over (below 0: before that); null keeps to the schedule whatever the verdict. */
  readonly patienceMs: Duration | null;
  readonly world: World;
}

/** How one simulated bake ended. */
export interface BakeOutcome {
  /** `pass`: each weight was held for its time and passed. `unknown`: the last question was still open. */
  readonly verdict: Verdict;
  readonly endedAt: Duration;
  /** Per weight, when it was passed for the first time; null for never. */
  readonly passedAt: readonly (Duration | null)[];
  /** Requests that went bad because they reached the canary instead of the stable version, expected, over all metrics. */
  readonly harmed: number;
}

/** The shape of a schedule, as alpha is split for it. */
export function shapeOf(schedule: readonly ScheduledWeight[]): BakeShape {
  const length = schedule.reduce((sum, { forMs }) => sum + forMs, 0);
  return { checkpoints: schedule.length, periods: Math.max(1, Math.ceil(length / PERIOD_MS)) };
}

interface Course {
  readonly judge: Judge;
  readonly verdict: Verdict;
  readonly at: Duration;
  readonly step: number;
  readonly stepSince: Duration;
  readonly passedAt: readonly (Duration | null)[];
  readonly harmed: number;
}

/** Plays one bake tick by tick through the judge itself. The last tick of each weight decides whether the next one begins. */
export function simulateBake(bake: Bake, random: Random): BakeOutcome {
  const until = bake.schedule.reduce((sum, { forMs }) => sum + forMs, 0) + (bake.patienceMs ?? 0);
  let course: Course = {
    judge: startJudge(bake.policy, bake.shape ?? shapeOf(bake.schedule), bake.dispersions ?? {}),
    verdict: 'unknown',
    at: 0,
    step: 0,
    stepSince: 0,
    passedAt: bake.schedule.map(() => null),
    harmed: 0,
  };
  while (course.verdict !== 'fail' && course.step < bake.schedule.length && course.at < until) course = advance(bake, course, random);
  const { at: endedAt, passedAt, harmed } = course;
  // Who waits for a pass at each weight has not passed before the last one is over.
  const open = course.verdict === 'pass' && bake.patienceMs !== null && course.step < bake.schedule.length;
  return { verdict: open ? 'unknown' : course.verdict, endedAt, passedAt, harmed };
}

function advance(bake: Bake, course: Course, random: Random): Course {
  const weight = bake.schedule[course.step];
  if (weight === undefined) throw new Error('A step of the schedule exists');
  const tickMs = typeof bake.tickMs === 'number' ? bake.tickMs : bake.tickMs(course.at - course.stepSince, weight);
  const at = course.at + tickMs;
  const moment = bake.world(course.at, weight.share);
  const { tick, harmed } = drawTick(moment, at, tickMs, random);
  const judge = addTick(course.judge, tick);
  const verdict = verdictOf(judge);
  const passed = verdict === 'pass' && course.passedAt[course.step] === null;
  const next = {
    ...course,
    judge,
    verdict,
    at,
    passedAt: passed ? course.passedAt.with(course.step, at) : course.passedAt,
    harmed: course.harmed + harmed,
  };
  const due = at - course.stepSince >= weight.forMs && (verdict === 'pass' || bake.patienceMs === null);
  if (!due || verdict === 'fail') return next;
  return { ...next, judge: atCheckpoint(judge, at), step: course.step + 1, stepSince: at };
}

/** The counts of one tick; requests arrive as a Poisson process, each is bad by its version's chance. */
export function drawTick(
  { perMinute, metrics, silent, facts }: Moment,
  at: Duration,
  tickMs: Duration,
  random: Random,
): { readonly tick: Tick; readonly harmed: number } {
  const minutes = tickMs / 60_000;
  const canary = samplePoisson(perMinute.canary * minutes, random);
  const stable = samplePoisson(perMinute.stable * minutes, random);
  const counts: Record<string, Pair | null> = {};
  let harmed = 0;
  for (const [name, shares] of Object.entries(metrics)) {
    harmed += canary * Math.max(0, shares.canary - shares.stable);
    counts[name] =
      silent === true
        ? null
        : {
            canary: { requests: canary, bad: sampleBinomial(canary, shares.canary, random) },
            stable: { requests: stable, bad: sampleBinomial(stable, shares.stable, random) },
          };
  }
  const told = facts === undefined || silent === true ? undefined : facts({ canary, stable }, random);
  return { tick: { at, metrics: counts, facts: told }, harmed };
}
