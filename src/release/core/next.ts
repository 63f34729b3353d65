import { withReason, type Instant } from '../../kernel/pure.ts';
import type { NewEvent, Outcome, RollbackTime } from './events.ts';
import { effectKey, type Step } from './plan.ts';
import { flagsLeftOn, remarksOf } from './remarks.ts';
import { rollbackTimeOf, rollbackTimeText } from './rollback-time.ts';
import { servingOf } from './serving.ts';
import type { ReleaseState, StepState } from './state.ts';
import { planUndo } from './undo.ts';

/** What the driver does next. `record` writes a decision, `run` acts on the world, `wait` gives the claim back. */
export type Action =
  | { readonly do: 'lock' }
  /** Read the facts again and compile the plan anew. */
  | { readonly do: 'plan' }
  | { readonly do: 'record'; readonly event: NewEvent }
  | { readonly do: 'run'; readonly step: Step; readonly attempt: number; readonly key: string }
  | { readonly do: 'wait'; readonly until: Instant | null; readonly for: 'lock' | 'approval' | 'resume' | 'timer' | 'person' }
  | { readonly do: 'seal' };

/** A step that took its worker down this often is not run again: something about it kills workers. */
const MAX_INTERRUPTIONS = 12;

const LONGEST_RETRY_DELAY = 60_000;

/**
 * The release life cycle: the next action for a state, or nothing but waiting. Pure and total.
 *
 * Order of questions: ended? holding the lock? a person waited for? rolling back? asked to stop? next step.
 * `now` is never earlier than the newest event, so a clock that jumps back cannot undo a wait.
 */
export function next(state: ReleaseState, clock: Instant): Action {
  const now = Math.max(clock, state.lastAt);
  if (state.outcome !== null) return { do: 'seal' };
  if (!state.locked) return beforeLock(state);
  if (state.stuck !== null) return whenStuck(state);
  const open = openIntent(state);
  if (open !== null) return record({ type: 'step.interrupted', data: open });
  return state.undo === null ? forward(state, now) : backward(state, state.undo, now);
}

function beforeLock(state: ReleaseState): Action {
  if (state.abort !== null) return finish('unchanged', withReason(`aborted by ${state.abort.by} while waiting`, state.abort.reason));
  return { do: 'lock' };
}

/** A stuck release waits for a person: who may accept it as it stands, retry it, or order the rollback. */
function whenStuck(state: ReleaseState): Action {
  if (state.accepted !== null) return accept(state, state.accepted);
  if (state.undo !== null) return { do: 'wait', until: null, for: 'person' };
  const ordered = orderedBack(state);
  return ordered === null ? { do: 'wait', until: null, for: 'person' } : startUndo(state, ordered);
}

/** Closed as it stands: what comes next must know which version that leaves users on. */
function accept({ plan, placement }: ReleaseState, why: string): Action {
  const serves = servingOf(plan, placement);
  return record({ type: 'release.finished', data: { outcome: 'accepted', reason: withReason('accepted as it stands', why), serves } });
}

function forward(state: ReleaseState, now: Instant): Action {
  const stop = reasonToStop(state);
  if (stop !== null) return leave(state, stop);
  if (state.paused) return whilePaused(state, now);
  if (state.outdated) return { do: 'plan' };
  const step = state.plan.steps.find((candidate) => !isOver(state, candidate, now));
  if (step === undefined) return finishReleased(state, now);
  return advance(state, step, now);
}

/** A pause keeps users where they are; a canary that has some of them is judged on, so that it is taken back if it turns bad. */
function whilePaused(state: ReleaseState, now: Instant): Action {
  // Workers that were begun to be moved change nothing about who must be judged.
  const steps = state.plan.steps.filter((step) => step.kind === 'route' || step.kind === 'judge');
  const at = steps.findLastIndex((step) => state.steps[step.id] !== undefined);
  const passed = steps[at] !== undefined && isOver(state, steps[at], now);
  // A pause that came with a new weight: users have the canary, and nobody has judged it there yet.
  const judged = [steps[at], passed ? steps[at + 1] : undefined].findLast((step) => step?.kind === 'judge');
  return judged === undefined ? { do: 'wait', until: null, for: 'resume' } : advance(state, judged, now);
}

/** Done, or ended by a person; a try that failed is no end, and the next one tells. */
function isOver(state: ReleaseState, step: Step, now: Instant): boolean {
  const before = state.steps[step.id];
  const ended = before !== undefined && before.status !== 'fail' && state.promoted[step.id] !== undefined;
  return ended || isDone(step, before, now);
}

/** Why the forward path ends here, or null when it goes on. `step` is the one a person may retry. */
function reasonToStop(state: ReleaseState): { readonly step: string | null; readonly cause: string } | null {
  const ordered = orderedBack(state);
  if (ordered !== null) return { step: null, cause: ordered };
  if (state.rejectedBy !== null) return { step: null, cause: `rejected by ${state.rejectedBy}` };
  if (state.pointless !== null) return { step: null, cause: state.pointless };
  const failed = state.plan.steps.find((step) => isFinal(step, state.steps[step.id]));
  if (failed === undefined) return null;
  const verdict = state.steps[failed.id]?.status === 'fail' ? 'failed' : 'is unknown';
  return { step: failed.id, cause: `${failed.id} ${verdict}: ${reasonOf(state.steps[failed.id])}` };
}

/** A person wants the release to go back, whatever it does now; null when nobody does. */
function orderedBack({ abort, rollbackRequest }: ReleaseState): string | null {
  if (rollbackRequest !== null) return withReason('rollback requested', rollbackRequest.reason);
  return abort === null ? null : withReason(`aborted by ${abort.by}`, abort.reason);
}

function reasonOf(step: StepState | undefined): string {
  if (step?.status !== 'interrupted') return step?.reason ?? 'no outcome';
  return step.interruptions >= MAX_INTERRUPTIONS
    ? `its worker ended ${step.interruptions} times while running it`
    : 'its worker ended while running it, and it must not simply run again';
}

/** Leaves the forward path: nothing to undo, an undo, or a person when the undo must not be automatic. */
function leave(state: ReleaseState, { step, cause }: { readonly step: string | null; readonly cause: string }): Action {
  const asked = state.rollbackRequest !== null || state.abort !== null;
  const undo = planUndo(state);
  if (!undo.changed) return finish('unchanged', cause);
  if (!state.plan.rollback.automatic && !asked) return stuck(step, `${cause}; automatic rollback is turned off`);
  if (undo.refused !== null) return stuck(step, `${cause}; ${undo.refused}`);
  return startUndo(state, cause);
}

function startUndo(state: ReleaseState, cause: string): Action {
  const { steps, skipped, refused } = planUndo(state);
  if (refused !== null) return { do: 'wait', until: null, for: 'person' };
  return record({ type: 'rollback.started', data: { cause, steps, skipped } });
}

function backward(state: ReleaseState, undo: readonly Step[], now: Instant): Action {
  const failed = undo.find((step) => isFinal(step, state.steps[step.id]));
  if (failed !== undefined) return stuck(failed.id, `${failed.id}: ${reasonOf(state.steps[failed.id])}`);
  const step = undo.find((candidate) => !isDone(candidate, state.steps[candidate.id], now));
  return step === undefined ? finishRollback(state, now) : advance(state, step, now);
}

/** Brings one step forward: skip it, wait for it, or run it. */
function advance(state: ReleaseState, step: Step, now: Instant): Action {
  const skip = step.skip ?? (state.steps[step.id] === undefined ? state.promoted[step.id] : undefined);
  if (skip !== undefined) return record({ type: 'step.skipped', data: { step: step.id, stage: step.stage, reason: skip } });
  if (state.approvals.length < step.approvals) return { do: 'wait', until: null, for: 'approval' };
  const before = state.steps[step.id];
  const due = before === undefined ? now : dueAt(step, before);
  if (due > now) return { do: 'wait', until: due, for: 'timer' };
  const attempt = (before?.attempt ?? 0) + 1;
  return { do: 'run', step, attempt, key: effectKey(state.plan.release, step.id, attempt) };
}

/** When a step that ran before may run again. */
function dueAt(step: Step, before: StepState): Instant {
  if (before.finishedAt === null || before.status === 'interrupted') return 0;
  if (before.status === 'pass' || isHeld(step, before)) return before.finishedAt + (step.repeat?.everyMs ?? 0);
  return before.finishedAt + Math.min(LONGEST_RETRY_DELAY, step.retryDelayMs * 2 ** (before.failures - 1));
}

/** Done: passed (for as long as a repeated step must), skipped, or let pass without one. */
function isDone(step: Step, before: StepState | undefined, now: Instant): boolean {
  if (before === undefined) return false;
  if (before.status === 'skipped' || (step.mayFail === true && hasEnded(step, before))) return true;
  if (before.status !== 'pass') return false;
  // A window counts from its first look to its last pass; time without a look proves nothing. It does not end while an instance is
  // away: that one comes back, or is away for so long, or restarted so often, that a later look fails.
  if (step.repeat === null) return true;
  const { forMs } = step.repeat;
  return forMs !== null && before.facts['unsettled'] !== true && (before.finishedAt ?? now) - before.firstIntendedAt >= forMs;
}

/** Final: it failed or stayed unknown, no retry is left, and that matters. */
function isFinal(step: Step, before: StepState | undefined): boolean {
  return before !== undefined && step.mayFail !== true && hasEnded(step, before);
}

/** It failed or stayed unknown, and no retry is left. */
function hasEnded(step: Step, before: StepState): boolean {
  if (before.status === 'interrupted')
    return step.onInterrupt === 'unknown' ? before.interruptions > 0 : before.interruptions >= MAX_INTERRUPTIONS;
  if ((before.status !== 'fail' && before.status !== 'unknown') || isHeld(step, before)) return false;
  // Undo steps are idempotent, and giving up leaves users with nobody: one of which nobody knows the outcome is tried again.
  const again = before.retry || (step.stage === 'rollback' && before.status === 'unknown');
  return !again || before.failures >= step.attempts;
}

/** An answer that may still come: the release stays where it is, for as long as it takes. */
function isHeld(step: Step, { status, retry, facts }: StepState): boolean {
  return (step.holds === true || facts['tooFew'] === true) && status === 'unknown' && retry;
}

function openIntent(state: ReleaseState): { readonly step: string; readonly attempt: number } | null {
  const found = Object.entries(state.steps).find(([, step]) => step.status === 'intended');
  return found === undefined ? null : { step: found[0], attempt: found[1].attempt };
}

function stuck(step: string | null, reason: string): Action {
  return record({ type: 'release.stuck', data: { step, reason } });
}

function record(event: NewEvent): Action {
  return { do: 'record', event };
}

/** The old version is smoked, and what was changed is undone. */
function finishRollback(state: ReleaseState, now: Instant): Action {
  const rollback = rollbackTimeOf(state, now);
  const took = rollback === null ? '' : `, in ${rollbackTimeText(rollback)}`;
  const left = flagsLeftOn(state);
  const told = `every undo step passed${left.length === 0 ? '' : ' but the flags'}${took}`;
  return finish('rolled-back', [told, ...left].join('; '), rollback);
}

function finishReleased(state: ReleaseState, now: Instant): Action {
  const rollback = rollbackTimeOf(state, now);
  const took = rollback === null ? [] : [`users were back on ${state.plan.version} in ${rollbackTimeText(rollback)}`];
  return finish('released', ['every required step passed', ...took, ...flagsLeftOn(state), ...remarksOf(state)].join('; '), rollback);
}

function finish(outcome: Outcome, reason: string, rollback: RollbackTime | null = null): Action {
  return record({ type: 'release.finished', data: { outcome, reason, ...(rollback === null ? {} : { rollback }) } });
}
