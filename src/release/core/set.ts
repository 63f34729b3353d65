import { formatDuration, isJsonObject, joinVerdicts, type Verdict } from '../../kernel/pure.ts';
import type { ReleaseState, StepState } from './state.ts';

/** Services that are released as one change: each has a release of its own, and none of them stays if another one goes back. */
export interface ReleaseSet {
  /** The release of the first member. */
  readonly id: string;
  readonly name: string;
  /** `together`: each step users notice waits for all; `in-turn`: a service waits until the one before it serves. */
  readonly order: 'together' | 'in-turn';
  /** In the declared order; they go back in the reverse one. */
  readonly members: readonly SetMember[];
}

export interface SetMember {
  readonly service: string;
  readonly release: string;
}

/** What a step of one member waits for: a step of another one to have begun, or to have passed. */
export interface Need extends SetMember {
  readonly step: string;
  readonly until: 'begun' | 'passed';
}

/** The other members of a set. */
export function othersOf({ members }: ReleaseSet, release: string): readonly SetMember[] {
  return members.filter((one) => one.release !== release);
}

/** The members that come after one: those that must be back before it goes back, where order matters. */
export function laterOf({ order, members }: ReleaseSet, release: string): readonly SetMember[] {
  return order === 'together' ? [] : members.slice(members.findIndex((one) => one.release === release) + 1);
}

/** Whether what is waited for has come: `fail` when it never will, because that member goes back. */
export interface Standing {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Where all of them stand; `state` of a member is null while it has not been submitted. */
export function standingOfAll(needs: readonly Need[], states: readonly (ReleaseState | null)[]): Standing {
  const all = needs.map((need, index) => standingOf(need, states[index] ?? null));
  const verdict = joinVerdicts(all.map((one) => one.verdict));
  const telling = all.filter((one) => one.verdict === verdict);
  return { verdict, reason: verdict === 'pass' ? 'all of them are as far' : telling.map(({ reason }) => reason).join('; ') };
}

function standingOf({ service, step, until }: Need, state: ReleaseState | null): Standing {
  if (state === null) return { verdict: 'unknown', reason: `${service} has not been asked for yet` };
  const back = goingBack(state);
  if (back !== null) return { verdict: 'fail', reason: `${service} ${state.plan.version} ${back}` };
  if (isReached(state, step, until)) return { verdict: 'pass', reason: `${service} is as far` };
  const stuck = state.stuck === null ? '' : `, which is stuck: ${state.stuck.reason}`;
  return { verdict: 'unknown', reason: `waiting for ${service} ${state.plan.version} (${step})${stuck}` };
}

/** Why a member will not come; null while it may. */
function goingBack({ outcome, undo, abort, rollbackRequest, rejectedBy, pointless }: ReleaseState): string | null {
  if (outcome === 'rolled-back' || outcome === 'unchanged') return `ended ${outcome}`;
  if (outcome === 'accepted') return 'was closed as it stood';
  if (undo !== null || abort !== null || rollbackRequest !== null) return 'is going back';
  return rejectedBy === null && pointless === null ? null : 'will not go on';
}

/** A member that has no such step has nothing to wait for there. */
function isReached({ plan, steps, outcome }: ReleaseState, id: string, until: Need['until']): boolean {
  const at = plan.steps.findIndex((step) => step.id === id);
  if (at < 0 || outcome === 'released') return true;
  const later = plan.steps.slice(at + 1).some((step) => steps[step.id] !== undefined);
  const step = steps[id];
  return later || (step !== undefined && (until === 'begun' || step.status === 'pass' || step.status === 'skipped' || judgedGood(step)));
}

/** A judge's own word counts: its step is open for as long as it waits for others, who may wait for it. */
function judgedGood({ facts }: StepState): boolean {
  const { judgement } = facts;
  return isJsonObject(judgement) && judgement['verdict'] === 'pass';
}

/** True when a member's users are where they were before the release. */
export function isBack(state: ReleaseState | null): boolean {
  return state === null || (state.outcome !== null && state.outcome !== 'released');
}

/** How long one that goes back waits for those that must be back before it: its own users wait too. */
export const BACK_FIRST_MS = 60_000;

/** What is said of those that were not back in time. */
export function notBackReason(members: readonly SetMember[]): string {
  return `${members.map(({ service }) => service).join(', ')} not back within ${formatDuration(BACK_FIRST_MS)}; users of this service are not kept waiting longer`;
}
