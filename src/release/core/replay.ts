import { judgementOf, verdictOf, type Judge, type Judgement, type JudgePolicy } from '../../analysis/pure.ts';
import type { Instant, Verdict } from '../../kernel/pure.ts';
import { foldLooks, startFold, type CanaryInput, type LookRecord, type Stop } from './canary.ts';
import type { ReleaseEvent } from './events.ts';
import type { Plan } from './plan.ts';

/** One recorded look at a canary, judged again from the counts it saw. */
export interface ReplayedLook {
  readonly step: string;
  readonly weight: number;
  readonly at: Instant;
  /** What was recorded then. */
  readonly recorded: Verdict;
  readonly judgement: Judgement;
  /** False when the same counts give another verdict by the policy they were judged by: the record and the judge disagree. */
  readonly same: boolean;
}

/** What a policy would have said, tick by tick; without a `fail` it ends with the verdict on everything. */
export interface Hypothesis {
  readonly verdict: Verdict;
  readonly because: string;
  /** When it would have failed, and what the canary had failed until then; null when it would not have. */
  readonly failed: { readonly step: string; readonly weight: number; readonly at: Instant; readonly badRequests: number } | null;
}

/** Everything a canary's ledger says, judged again. */
export interface Replay {
  readonly looks: readonly ReplayedLook[];
  /** True when every look was given its recorded verdict again. */
  readonly identical: boolean;
  /** The canary's bad requests in all that was recorded, by metric. */
  readonly badRequests: Readonly<Record<string, number>>;
}

interface Recorded extends LookRecord {
  readonly input: CanaryInput;
  readonly verdict: Verdict;
  readonly at: Instant;
}

/** Judges every look of a release again, by the policy it had. A look that a check of the instances ended is compared by the judge's own verdict. */
export function replay(plan: Plan, events: readonly ReleaseEvent[]): Replay {
  const recorded = recordedLooks(plan, events);
  const looks = [...stops(recorded, null)].filter(({ isLast }) => isLast).map(({ fold, look }) => replayed(look, judgementOf(fold.judge)));
  return { looks, identical: looks.every(({ same }) => same), badRequests: badIn(recorded) };
}

function replayed({ step, input, at, verdict }: Recorded, judgement: Judgement): ReplayedLook {
  return { step, weight: input.weight, at, recorded: verdict, judgement, same: judgement.verdict === verdict };
}

/** What another policy would have decided on the same counts, at the first tick at which it would have failed. */
export function hypothesis(plan: Plan, events: readonly ReleaseEvent[], policy: JudgePolicy): Hypothesis | null {
  const recorded = recordedLooks(plan, events);
  let bad = 0;
  let judge = null;
  for (const { fold, look, tick } of stops(recorded, policy)) {
    bad += Math.max(0, ...Object.values(tick?.metrics ?? {}).map((pair) => pair?.canary.bad ?? 0));
    judge = fold.judge;
    if (verdictOf(judge) === 'fail')
      return { ...answerOf(judge), failed: { step: look.step, weight: look.input.weight, at: tick?.at ?? look.at, badRequests: bad } };
  }
  return judge === null ? null : { ...answerOf(judge), failed: null };
}

function answerOf(judge: Judge): Pick<Hypothesis, 'verdict' | 'because'> {
  const { verdict, because } = judgementOf(judge);
  return { verdict, because };
}

/** The recorded ticks through the judge they were judged by, or through another policy. */
function stops(recorded: readonly Recorded[], other: JudgePolicy | null): Iterable<Stop<Recorded>> {
  const [first] = recorded;
  return first === undefined ? [] : foldLooks(startFold({ policy: other ?? first.input.policy, shape: first.input.shape }), recorded);
}

function recordedLooks(plan: Plan, events: readonly ReleaseEvent[]): readonly Recorded[] {
  return events.flatMap((event) => {
    if (event.type !== 'step.finished') return [];
    const { look, judgement } = event.data.facts;
    const step = plan.steps.find(({ id }) => id === event.data.step);
    if (look === undefined || judgement === undefined || step?.kind !== 'judge') return [];
    const { verdict } = judgement as { readonly verdict: Verdict };
    return [{ ...(look as unknown as LookRecord), input: step.input as unknown as CanaryInput, verdict, at: event.time }];
  });
}

function badIn(recorded: readonly Recorded[]): Readonly<Record<string, number>> {
  const bad: Record<string, number> = {};
  for (const { ticks } of recorded)
    for (const { metrics } of ticks)
      for (const [name, pair] of Object.entries(metrics)) bad[name] = (bad[name] ?? 0) + (pair?.canary.bad ?? 0);
  return bad;
}
