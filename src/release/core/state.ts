import type { Instant, JsonObject, Verdict } from '../../kernel/pure.ts';
import type { EventData, Outcome, ReleaseEvent, RollbackTime } from './events.ts';
import type { Plan, Step } from './plan.ts';
import { placed, placing, type Placement } from './serving.ts';

/** Where one step stands. `intended` without an outcome means its driver died, or is at work right now. */
export interface StepState {
  readonly status: 'intended' | 'interrupted' | 'skipped' | Verdict;
  readonly attempt: number;
  readonly interruptions: number;
  /** Outcomes other than pass since the last pass; bounds the retries. */
  readonly failures: number;
  readonly firstIntendedAt: Instant;
  readonly finishedAt: Instant | null;
  readonly reason: string;
  readonly retry: boolean;
  readonly facts: JsonObject;
  /** False only when every try said that it changed nothing. */
  readonly mayHaveChanged: boolean;
}

/** Everything the ledger says about a release; a pure fold over its events. */
export interface ReleaseState {
  readonly plan: Plan;
  readonly size: number;
  /** Time of the newest event: the machine's clock is never believed to be earlier. */
  readonly lastAt: Instant;
  readonly locked: boolean;
  readonly waitingFor: string | null;
  /** Another release ended since the plan was made: what it was made for may not be what serves. */
  readonly outdated: boolean;
  /** Why it could not be planned again. */
  readonly pointless: string | null;
  readonly steps: Readonly<Record<string, StepState>>;
  /** Where users were put last; null while they are where they were. */
  readonly placement: Placement | null;
  readonly undo: readonly Step[] | null;
  readonly undoStartedAt: Instant | null;
  /** When a person, or a companion of a set, ordered it back; null while nobody has. */
  readonly orderedBackAt: Instant | null;
  /** When it was asked for; of one that waited for another release, when its turn came. */
  readonly begunAt: Instant;
  readonly paused: boolean;
  /** Checkpoints that people ended, with who and why. */
  readonly promoted: Readonly<Record<string, string>>;
  readonly abort: { readonly reason: string; readonly by: string } | null;
  readonly rollbackRequest: { readonly reason: string; readonly acceptDataLoss: boolean } | null;
  readonly approvals: readonly string[];
  readonly rejectedBy: string | null;
  readonly stuck: { readonly step: string | null; readonly reason: string } | null;
  readonly accepted: string | null;
  readonly outcome: Outcome | null;
  /** How long the way back took; null while there was none. */
  readonly rollbackTime: RollbackTime | null;
}

/** The checkpoint the release is at; undefined when it is at none. */
export function checkpointOf({ plan, steps }: ReleaseState): Step | undefined {
  const newest = plan.steps.findLast(({ id }) => steps[id] !== undefined);
  return newest?.kind === 'judge' ? newest : undefined;
}

/** Folds a ledger into state. Unknown event types (written by a newer build) change nothing but the size. */
export function foldEvents(events: readonly ReleaseEvent[]): ReleaseState {
  const [first] = events;
  if (first?.type !== 'release.requested') throw new Error('A ledger starts with release.requested');
  const start: ReleaseState = {
    plan: first.data.plan,
    size: 1,
    lastAt: first.time,
    locked: false,
    waitingFor: null,
    outdated: false,
    pointless: null,
    steps: {},
    placement: null,
    undo: null,
    undoStartedAt: null,
    orderedBackAt: null,
    begunAt: first.time,
    paused: false,
    promoted: {},
    abort: null,
    rollbackRequest: null,
    approvals: [],
    rejectedBy: null,
    stuck: null,
    accepted: null,
    outcome: null,
    rollbackTime: null,
  };
  return events.slice(1).reduce(applyEvent, start);
}

/** One event applied to the state. */
export function applyEvent(state: ReleaseState, event: ReleaseEvent): ReleaseState {
  const next = { ...state, size: state.size + 1, lastAt: Math.max(state.lastAt, event.time) };
  switch (event.type) {
    case 'lock.waiting':
      return { ...next, waitingFor: event.data.owner, outdated: true };
    case 'lock.acquired':
      return {
        ...next,
        locked: true,
        waitingFor: null,
        outdated: next.outdated || event.data.from !== undefined,
        begunAt: next.outdated ? event.time : next.begunAt,
      };
    case 'release.planned':
      return planned(next, event.data);
    case 'step.intended': {
      const step = stepOf(state, event.data.step);
      const placement = placing(state.plan, state.placement, step);
      return withStep(
        { ...next, placement },
        event.data.step,
        intended(step, state.steps[event.data.step], event.data.attempt, event.time),
      );
    }
    case 'step.finished': {
      const placement = placed(state.placement, event.data);
      return withStep({ ...next, placement }, event.data.step, finished(state.steps[event.data.step], event.data, event.time));
    }
    case 'step.interrupted':
      return interrupted(next, event.data.step);
    case 'step.skipped':
      return withStep(next, event.data.step, {
        ...blank(event.time),
        status: 'skipped',
        finishedAt: event.time,
        reason: event.data.reason,
      });
    case 'rollback.started':
      return { ...next, undo: event.data.steps, undoStartedAt: event.time, stuck: null };
    case 'release.stuck':
      return { ...next, stuck: event.data };
    case 'release.finished':
      return { ...next, outcome: event.data.outcome, rollbackTime: event.data.rollback ?? null };
    default:
      return applyRequest(next, event);
  }
}

/** Approvals lapse when what was approved has changed. */
function planned(state: ReleaseState, { plan, reason }: EventData['release.planned']): ReleaseState {
  const settled = { ...state, outdated: false };
  if (plan === null) return { ...settled, pointless: reason };
  return JSON.stringify(plan) === JSON.stringify(state.plan) ? settled : { ...settled, plan, approvals: [] };
}

/** What people asked for. */
function applyRequest(state: ReleaseState, event: ReleaseEvent): ReleaseState {
  switch (event.type) {
    case 'pause.requested':
      return { ...state, paused: true };
    case 'resume.requested':
      return resume(state);
    case 'abort.requested':
      return { ...state, abort: state.abort ?? { reason: event.data.reason, by: event.actor }, orderedBackAt: orderedAt(state, event) };
    case 'rollback.requested':
      return { ...state, rollbackRequest: event.data, orderedBackAt: orderedAt(state, event) };
    case 'promote.requested':
      return promoted(state, event.data.step, `promoted by ${event.actor}: ${event.data.reason}`);
    case 'stuck.accepted':
      return { ...state, accepted: state.stuck === null ? null : event.data.reason };
    case 'approval.given':
      return approve(state, event.actor, event.data.decision);
    default:
      return state;
  }
}

/** The first order counts, unless it could not be carried out: then the release is stuck, and a later one is a new one. */
function orderedAt({ orderedBackAt, stuck }: ReleaseState, { time }: ReleaseEvent): Instant {
  return stuck === null ? (orderedBackAt ?? time) : time;
}

/** Resuming gives the step that got stuck a new set of attempts, and takes back an abort that could not be carried out. */
function resume(state: ReleaseState): ReleaseState {
  const step = state.stuck?.step ?? null;
  const before = step === null ? undefined : state.steps[step];
  const cleared =
    state.stuck === null
      ? { ...state, paused: false }
      : { ...state, paused: false, stuck: null, abort: null, rollbackRequest: null, orderedBackAt: null };
  return step === null || before === undefined
    ? cleared
    : withStep(cleared, step, { ...before, status: 'interrupted', interruptions: 0, failures: 0 });
}

/** Whoever promotes a canary that failed, where it is not taken back by itself, has seen that it failed. */
function promoted(state: ReleaseState, meant: string | null, why: string): ReleaseState {
  const next = { ...state, promoted: promote(state, meant, why) };
  const failed = state.stuck?.step ?? null;
  const before = failed === null ? undefined : state.steps[failed];
  if (failed === null || before === undefined || state.undo !== null || next.promoted[failed] === undefined) return next;
  return withStep({ ...next, stuck: null }, failed, { ...before, status: 'skipped', reason: why });
}

/** The checkpoint that was meant, or all that are not over. Later ones are for later promotions to decide. */
function promote({ plan, steps, promoted }: ReleaseState, meant: string | null, why: string): ReleaseState['promoted'] {
  const begun = plan.steps.findLastIndex((step) => steps[step.id] !== undefined);
  const held = plan.steps.filter((step, index) => step.kind === 'judge' && index >= begun && promoted[step.id] === undefined);
  return { ...promoted, ...Object.fromEntries(held.filter(({ id }) => meant === null || id === meant).map(({ id }) => [id, why])) };
}

function approve(state: ReleaseState, actor: string, decision: 'approve' | 'reject'): ReleaseState {
  const others = state.approvals.filter((name) => name !== actor);
  if (decision === 'reject') return { ...state, approvals: others, rejectedBy: actor };
  // Two pairs of eyes: whoever asked for the release does not count as an approver of it.
  if (actor === state.plan.requestedBy) return state;
  return { ...state, approvals: [...others, actor], rejectedBy: state.rejectedBy === actor ? null : state.rejectedBy };
}

function interrupted(state: ReleaseState, step: string): ReleaseState {
  const before = state.steps[step];
  if (before === undefined) return state;
  return withStep(state, step, { ...before, status: 'interrupted', interruptions: before.interruptions + 1, mayHaveChanged: true });
}

function stepOf({ plan, undo }: ReleaseState, id: string): Step | undefined {
  return [...plan.steps, ...(undo ?? [])].find((step) => step.id === id);
}

function withStep(state: ReleaseState, id: string, step: StepState): ReleaseState {
  return { ...state, steps: { ...state.steps, [id]: step } };
}

function blank(at: Instant): StepState {
  return {
    status: 'intended',
    attempt: 0,
    interruptions: 0,
    failures: 0,
    firstIntendedAt: at,
    finishedAt: null,
    reason: '',
    retry: false,
    facts: {},
    mayHaveChanged: false,
  };
}

function intended(step: Step | undefined, before: StepState | undefined, attempt: number, at: Instant): StepState {
  // A look that saw nothing breaks a window, which is counted anew from the next look. A question is held until it is answered.
  const broken = before?.status === 'unknown' && step?.holds !== true && before.facts['tooFew'] !== true;
  const firstIntendedAt = before === undefined || broken ? at : before.firstIntendedAt;
  return { ...(before ?? blank(at)), firstIntendedAt, status: 'intended', attempt, finishedAt: null };
}

function finished(before: StepState | undefined, data: EventData['step.finished'], at: Instant): StepState {
  // A look that saw too few requests to tell did see.
  const failures = data.verdict === 'pass' || data.facts['tooFew'] === true ? 0 : (before?.failures ?? 0) + 1;
  const mayHaveChanged = before?.mayHaveChanged === true || data.facts['changed'] !== false;
  return {
    ...(before ?? blank(at)),
    failures,
    mayHaveChanged,
    // What counts is how often in a row it took its worker down.
    interruptions: 0,
    status: data.verdict,
    attempt: data.attempt,
    finishedAt: at,
    reason: data.reason,
    retry: data.retry,
    facts: data.facts,
  };
}
