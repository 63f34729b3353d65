import type { Instant, Verdict } from '../../kernel/pure.ts';
import { DOCUMENTED_RULES, type DocumentedPolicy, type DocumentedState } from './documented-judge.ts';
import type { Judgement } from './judgement.ts';
import { MANN_WHITNEY_RULES, type MannWhitneyState } from './kayenta-judge.ts';
import type { KayentaPolicy } from './kayenta.ts';
import type { BakeShape, SequentialPolicy } from './policy.ts';
import { SEQUENTIAL_RULES, type SequentialJudge } from './sequential.ts';
import { THRESHOLD_RULES, type ThresholdPolicy, type ThresholdRun } from './threshold-judge.ts';
import type { Dispersions, Tick } from './tick.ts';

/** How a canary is judged: which judge, and what it is told. Plain data, recorded with the release. */
export type JudgePolicy = SequentialPolicy | DocumentedPolicy | ThresholdPolicy | KayentaPolicy;

/** The judge of one canary: a fold over ticks and checkpoints, so recorded ticks give the recorded decisions again. */
export type Judge = SequentialJudge | DocumentedState | ThresholdRun | MannWhitneyState;

/** What every judge does. All of it is pure. */
export interface JudgeRules<Policy, State> {
  /** @throws Error for a policy without metrics: nothing judged must not look like something judged */
  readonly start: (policy: Policy, shape: BakeShape, dispersions: Dispersions) => State;
  /** A new weight: a pass must be earned anew. */
  readonly checkpoint: (state: State, at: Instant, dispersions: Dispersions) => State;
  readonly tick: (state: State, tick: Tick) => State;
  readonly judgement: (state: State) => Judgement;
  /** The verdict of the judgement alone, for when it is asked millions of times. */
  readonly verdict: (state: State) => Verdict;
}

type Kind = JudgePolicy['kind'];

const JUDGES: { readonly [K in Kind]: JudgeRules<Extract<JudgePolicy, { kind: K }>, Extract<Judge, { kind: K }>> } = {
  sequential: SEQUENTIAL_RULES,
  documented: DOCUMENTED_RULES,
  threshold: THRESHOLD_RULES,
  'mann-whitney': MANN_WHITNEY_RULES,
};

/** Policy and state carry the kind their rules were found by; types cannot say that of a union. */
function rulesOf(kind: Kind): JudgeRules<JudgePolicy, Judge> {
  const rules = JUDGES[kind] as unknown as JudgeRules<JudgePolicy, Judge> | undefined;
  if (rules === undefined) throw new Error(`This build has no judge "${kind}"`);
  return rules;
}

/** Begins to judge a canary. */
export function startJudge(policy: JudgePolicy, shape: BakeShape, dispersions: Dispersions = {}): Judge {
  return rulesOf(policy.kind).start(policy, shape, dispersions);
}

/** A new weight: each metric must pass anew. */
export function atCheckpoint(judge: Judge, at: Instant, dispersions: Dispersions = {}): Judge {
  return rulesOf(judge.kind).checkpoint(judge, at, dispersions);
}

/** One tick added. A tick of before the newest one (a clock that jumped back) counts as of that time. */
export function addTick(judge: Judge, tick: Tick): Judge {
  const at = Math.max(tick.at, judge.lastAt ?? tick.at);
  return rulesOf(judge.kind).tick(judge, at === tick.at ? tick : { ...tick, at });
}

/** What the ticks so far say. `pass` only when every metric passed. */
export function judgementOf(judge: Judge): Judgement {
  return rulesOf(judge.kind).judgement(judge);
}

/** The verdict of {@link judgementOf} alone. */
export function verdictOf(judge: Judge): Verdict {
  return rulesOf(judge.kind).verdict(judge);
}

/** What a policy wants to know beside counts. */
export function factsWanted(policy: JudgePolicy): { readonly durations: boolean; readonly instances: boolean } {
  const durations =
    policy.kind === 'documented' || (policy.kind === 'threshold' && policy.metrics.some(({ value }) => value === 'p50' || value === 'p99'));
  return { durations, instances: policy.kind === 'documented' };
}
