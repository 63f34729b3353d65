import type { Tick } from '../../analysis/pure.ts';
import { isJsonObject, type Instant, type JsonObject, type Verdict } from '../../kernel/pure.ts';
import type { CanaryInput, LookRecord } from './canary.ts';
import type { ReleaseEvent } from './events.ts';
import type { Plan } from './plan.ts';

/** One checkpoint of a canary as its ledger tells it, all looks together. */
export interface JudgedCheckpoint {
  readonly step: string;
  readonly input: CanaryInput;
  readonly startedAt: Instant;
  readonly scatter: LookRecord['scatter'];
  readonly ticks: readonly Tick[];
  /** The newest look: what the judge said, and when the step said it. */
  readonly decidedAt: Instant;
  readonly verdict: Verdict;
  readonly reason: string;
  /** As `recordOf` wrote it. */
  readonly judgement: JsonObject;
}

/** The checkpoints that were judged, in their order; none of a release without a canary. */
export function judgedCheckpoints(plan: Plan, events: readonly ReleaseEvent[]): readonly JudgedCheckpoint[] {
  const found = new Map<string, JudgedCheckpoint>();
  for (const event of events) {
    if (event.type !== 'step.finished') continue;
    const { look, judgement } = event.data.facts;
    const step = plan.steps.find(({ id }) => id === event.data.step);
    if (!isJsonObject(look) || !isJsonObject(judgement) || step?.kind !== 'judge') continue;
    const record = look as unknown as LookRecord;
    const before = found.get(step.id);
    found.set(step.id, {
      step: step.id,
      input: step.input as unknown as CanaryInput,
      startedAt: before?.startedAt ?? record.startedAt,
      scatter: record.scatter,
      ticks: [...(before?.ticks ?? []), ...record.ticks],
      decidedAt: event.time,
      verdict: event.data.verdict,
      reason: event.data.reason,
      judgement,
    });
  }
  return [...found.values()];
}
