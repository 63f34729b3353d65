import { formatDuration, type Instant } from '../../kernel/pure.ts';
import type { RollbackTime } from './events.ts';
import type { ReleaseState } from './state.ts';

/**
 * How long users waited for the old version, against the target that was declared before: from the order, or from the failure that
 * began it, to the end of the last undo step; of a rollback that is a release of its own, to the step that gave them the old version.
 * Null for a release that does not go back.
 */
export function rollbackTimeOf(state: ReleaseState, now: Instant): RollbackTime | null {
  const span = state.undo === null ? spanOfRelease(state) : { from: startOfUndo(state, now), to: now };
  if (span === null) return null;
  const { targetMs } = state.plan.rollback;
  const tookMs = Math.max(0, span.to - span.from);
  return { tookMs, targetMs, verdict: tookMs <= targetMs ? 'pass' : 'fail' };
}

/** `3s, within the target of 2m`, the same wherever it is said. */
export function rollbackTimeText({ tookMs, targetMs, verdict }: RollbackTime): string {
  return `${formatDuration(tookMs)}, which ${verdict === 'pass' ? 'is within' : 'misses'} the target of ${formatDuration(targetMs)}`;
}

function startOfUndo({ undoStartedAt, orderedBackAt }: ReleaseState, now: Instant): Instant {
  const started = undoStartedAt ?? now;
  return orderedBackAt === null ? started : Math.min(orderedBackAt, started);
}

/** A rollback of its own begins when it is asked for; where another release was at work, when that one was over. */
function spanOfRelease(state: ReleaseState): { readonly from: Instant; readonly to: Instant } | null {
  const { plan, steps, begunAt } = state;
  if (plan.kind !== 'rollback') return null;
  const moved = plan.steps.findLast((step) => step.kind === 'route') ?? plan.steps.find(({ id }) => id === 'deploy.start');
  const to = moved === undefined ? null : (steps[moved.id]?.finishedAt ?? null);
  return to === null ? null : { from: begunAt, to };
}
