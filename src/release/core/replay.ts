import { addTick, atCheckpoint, judgementOf, startJudge, type Judgement, type SequentialPolicy } from '../../analysis/pure.ts';
import type { Instant, Verdict } from '../../kernel/pure.ts';
import type { CanaryInput, LookRecord } from './canary.ts';
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

interface Recorded {
  readonly look: LookRecord;
  readonly input: CanaryInput;
  readonly verdict: Verdict;
  readonly at: Instant;
}

/** Judges every look of a release again, by the policy it had. A look that a check of the instances ended is compared by the judge's own verdict. */
export function replay(plan: Plan, events: readonly ReleaseEvent[]): Replay {
  const recorded = recordedLooks(plan, events);
  const looks: ReplayedLook[] = [];
  walk(recorded, null, ({ one, judgement, last }) => {
    if (last)
      looks.push({
        step: one.look.step,
        weight: one.input.weight,
        at: one.at,
        recorded: one.verdict,
        judgement,
        same: judgement.verdict === one.verdict,
      });
    return true;
  });
  return { looks, identical: looks.every(({ same }) => same), badRequests: badIn(recorded) };
}

/** What another policy would have decided on the same counts, at the first tick at which it would have failed. */
export function hypothesis(plan: Plan, events: readonly ReleaseEvent[], policy: SequentialPolicy): Hypothesis | null {
  const recorded = recordedLooks(plan, events);
  if (recorded.length === 0) return null;
  let answer: Hypothesis = { verdict: 'unknown', because: 'nothing was counted', failed: null };
  let bad = 0;
  walk(recorded, policy, ({ one, judgement, tick }) => {
    bad += Math.max(0, ...Object.values(tick?.metrics ?? {}).map((pair) => pair?.canary.bad ?? 0));
    const { verdict, because } = judgement;
    const failed = verdict === 'fail' ? { step: one.look.step, weight: one.input.weight, at: tick?.at ?? one.at, badRequests: bad } : null;
    answer = { verdict, because, failed };
    return failed === null;
  });
  return answer;
}

interface Stop {
  readonly one: Recorded;
  readonly judgement: Judgement;
  readonly tick: LookRecord['ticks'][number] | null;
  /** True after the last tick of its look. */
  readonly last: boolean;
}

/** Folds the recorded ticks through the judge and shows each stop on the way, until the visitor has seen enough. */
function walk(recorded: readonly Recorded[], other: SequentialPolicy | null, visit: (stop: Stop) => boolean): void {
  const [first] = recorded;
  if (first === undefined) return;
  let judge = startJudge(other ?? first.input.policy, first.input.shape);
  let step: string | null = null;
  for (const one of recorded) {
    if (one.look.step !== step) judge = atCheckpoint(judge, one.look.startedAt, one.look.scatter);
    step = one.look.step;
    const ticks = one.look.ticks.length === 0 ? [null] : one.look.ticks;
    for (const [index, tick] of ticks.entries()) {
      if (tick !== null) judge = addTick(judge, tick);
      if (!visit({ one, judgement: judgementOf(judge), tick, last: index === ticks.length - 1 })) return;
    }
  }
}

function recordedLooks(plan: Plan, events: readonly ReleaseEvent[]): readonly Recorded[] {
  return events.flatMap((event) => {
    if (event.type !== 'step.finished') return [];
    const { look, judgement } = event.data.facts;
    const step = plan.steps.find(({ id }) => id === event.data.step);
    if (look === undefined || judgement === undefined || step?.kind !== 'judge') return [];
    const { verdict } = judgement as { readonly verdict: Verdict };
    return [{ look: look as unknown as LookRecord, input: step.input as unknown as CanaryInput, verdict, at: event.time }];
  });
}

function badIn(recorded: readonly Recorded[]): Readonly<Record<string, number>> {
  const bad: Record<string, number> = {};
  for (const { look } of recorded)
    for (const { metrics } of look.ticks)
      for (const [name, pair] of Object.entries(metrics)) bad[name] = (bad[name] ?? 0) + (pair?.canary.bad ?? 0);
  return bad;
}
