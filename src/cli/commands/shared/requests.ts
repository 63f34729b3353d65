import { assertExhaustive, type Instant } from '../../../kernel/index.ts';
import { checkpointOf, isPastNoReturn, next, planUndo, repairForward, type NewEvent, type ReleaseState } from '../../../release/index.ts';

/** What a person may ask of a release in flight. */
export type Wish =
  | { readonly do: 'pause' | 'resume' | 'abort' | 'approve' | 'reject'; readonly reason: string }
  | { readonly do: 'accept'; readonly reason: string }
  | { readonly do: 'promote'; readonly reason: string; readonly full: boolean }
  | { readonly do: 'rollback'; readonly reason: string; readonly acceptDataLoss: boolean };

/** Why the wish makes no sense now, in words that say what does; null when it may be recorded. */
export function refusalOf(wish: Wish, state: ReleaseState, actor: string, now: Instant): string | null {
  if (state.outcome !== null) return `it has ended (${state.outcome})`;
  switch (wish.do) {
    case 'pause':
      return refusePause(state);
    case 'resume':
      return state.paused || state.stuck !== null ? null : 'it is neither paused nor stuck';
    case 'abort':
      return refuseAbort(state);
    case 'promote':
      return refusePromote(state, wish);
    case 'accept':
      return state.stuck === null ? 'only a stuck release can be accepted as it stands; this one is not stuck' : null;
    case 'approve':
    case 'reject':
      return refuseApproval(wish.do, state, actor, now);
    case 'rollback':
      return refuseRollback(state, wish.acceptDataLoss);
    default:
      return assertExhaustive(wish);
  }
}

function refusePause(state: ReleaseState): string | null {
  if (state.stuck !== null) return 'it is stuck and does nothing until a person decides';
  if (state.undo !== null) return 'it is going back, and going back is not paused: users wait for it';
  return state.paused ? 'it is paused already' : null;
}

/** Whoever goes on without a proof says why. */
function refusePromote(state: ReleaseState, { reason, full }: Extract<Wish, { readonly do: 'promote' }>): string | null {
  const atCheckpoint = checkpointOf(state);
  if (state.undo !== null) return 'it is going back';
  if (state.stuck !== null && state.stuck.step !== atCheckpoint?.id) return 'it is stuck, and not because of a checkpoint';
  const held = state.plan.steps.filter((step) => step.kind === 'judge' && state.promoted[step.id] === undefined);
  if (held.length === 0 && state.stuck === null) return 'no checkpoint of a canary is left in it';
  if (!full && atCheckpoint === undefined) return 'it is not at a checkpoint now';
  return reason.trim() === '' ? 'going on before the judge says pass needs a reason: --reason "..."' : null;
}

function refuseAbort(state: ReleaseState): string | null {
  const canGoBack = state.undo === null && planUndo(state).refused === null;
  if (state.stuck !== null && !canGoBack)
    return 'it is stuck: `slipway resume` tries again, `slipway rollback` goes back, and `slipway abort --accept REASON` closes it as it stands';
  if (state.undo !== null) return 'it is going back already';
  return state.abort === null ? null : `${state.abort.by} has aborted it already`;
}

function refuseApproval(decision: 'approve' | 'reject', state: ReleaseState, actor: string, now: Instant): string | null {
  const needed = Math.max(0, ...state.plan.steps.map((step) => step.approvals));
  const awaited = state.plan.steps.some((step) => step.approvals > 0 && state.steps[step.id] === undefined);
  if (needed === 0) return 'it needs no approval';
  if (actor === state.plan.requestedBy)
    return `${actor} requested it, and somebody else must judge it${decision === 'reject' ? '; you may `slipway abort` it' : ''}`;
  const action = next(state, now);
  if (!awaited || (state.undo !== null && action.do !== 'wait')) return 'what needed approval has begun already';
  return decision === 'approve' && state.approvals.includes(actor) ? `${actor} has approved it already` : null;
}

function refuseRollback(state: ReleaseState, acceptDataLoss: boolean): string | null {
  if (state.undo !== null)
    return state.stuck === null ? 'it is going back already' : 'it is stuck on its way back: `slipway resume` tries that step again';
  if (!state.locked) return 'it has not begun: `slipway abort` ends it';
  if (!isPastNoReturn(state) || acceptDataLoss) return null;
  return `users may have been writing to ${state.plan.version} since ${state.plan.rollback.pointOfNoReturn}, and going back restores the backup from before: pass --accept-data-loss to lose what they wrote${state.stuck === null ? ', or let it go on' : `, or ${repairForward(state)}`}`;
}

/** What keeps the wish from being acted on, although it is recorded; null when nothing does. */
export function delayNote(wish: Wish, { paused, plan }: ReleaseState): string | null {
  if (wish.do !== 'promote' || !paused) return null;
  return `release ${plan.release} is paused: nothing happens until \`slipway resume ${plan.release}\``;
}

/** What whoever accepts that data is lost may not think of; null for other wishes. */
export function lossNote(wish: Wish, state: ReleaseState): string | null {
  if (wish.do !== 'rollback' || !wish.acceptDataLoss || !isPastNoReturn(state)) return null;
  return 'the restored database counts on from the backup: ids that users were given since (orders, invoices, links) are given out again, for other records; docs/rollback.md says how to step over them';
}

/** The event that records the wish. */
export function eventOf(wish: Wish, state: ReleaseState): NewEvent {
  const { reason } = wish;
  switch (wish.do) {
    case 'pause':
      return { type: 'pause.requested', data: { reason } };
    case 'resume':
      return { type: 'resume.requested', data: { reason } };
    case 'abort':
      return { type: 'abort.requested', data: { reason } };
    case 'promote':
      return { type: 'promote.requested', data: { reason, step: wish.full ? null : (checkpointOf(state)?.id ?? null) } };
    case 'accept':
      return { type: 'stuck.accepted', data: { reason } };
    case 'approve':
    case 'reject':
      return { type: 'approval.given', data: { decision: wish.do, reason } };
    case 'rollback':
      return { type: 'rollback.requested', data: { reason, acceptDataLoss: wish.acceptDataLoss } };
    default:
      return assertExhaustive(wish);
  }
}
