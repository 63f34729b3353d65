import { toIso, withReason, type Check, type Instant } from '../../kernel/index.ts';
import {
  checkpointOf,
  foldEvents,
  lastWeight,
  next,
  planUndo,
  printedOf,
  remarksOf,
  servingOf,
  STAGES,
  type Action,
  type EventData,
  type Outcome,
  type Printed,
  type ReleaseEvent,
  type ReleaseState,
  type RollbackTime,
  type Serving,
  type Step,
  type StoredRelease,
} from '../../release/index.ts';

/** A release as people and `--json` see it; computed from its ledger alone. */
export interface ReleaseView {
  readonly release: string;
  readonly kind: 'release' | 'rollback';
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly previous: string | null;
  readonly strategy: { readonly name: string; readonly because: string };
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  readonly status: string;
  /** What it waits for, in words; null when it does not wait. */
  readonly waiting: string | null;
  /** The step at work, or the window between two of its looks; null when there is none. */
  readonly at: StepView | null;
  /** Id of the last step that was begun. */
  readonly last: string | null;
  /** The last share of the users that is known to have been sent to this version, in percent; null where none was. */
  readonly weight: number | null;
  /** Which version users are on, by the ledger. */
  readonly users: Serving;
  /** How a stuck release can be sent back, as a command; null where it cannot, or is going back already. */
  readonly wayBack: string | null;
  /** How a release that is stuck at a failed checkpoint can go on all the same, as a command; null elsewhere. */
  readonly wayOn: string | null;
  readonly stages: readonly StageView[];
  readonly outcome: Outcome | null;
  /** It waited, and what it would have brought serves since: there was nothing left to do. */
  readonly alreadyServes: boolean;
  readonly finishedAt: Instant | null;
  /** Why it ended as it did, or why it is going back. */
  readonly because: string | null;
  /** What a person should know although the steps passed: restarts in the window, a router that was away. */
  readonly remarks: readonly string[];
  readonly aborted: boolean;
  readonly stuck: { readonly step: string | null; readonly reason: string } | null;
  readonly rollback: {
    readonly story: string;
    readonly targetMs: number;
    readonly pointOfNoReturn: string | null;
    readonly unknown: string | null;
    /** How long the way back took, against the target; null where there was none. */
    readonly time: RollbackTime | null;
  };
  /** True once the evidence is written and signed. */
  readonly sealed: boolean;
  /** Why it could not be, at the last try; it is tried again. */
  readonly unsealedBecause: string | null;
}

export interface StageView {
  readonly stage: string;
  readonly state: StepStateWord;
  readonly steps: readonly StepView[];
}

export type StepStateWord = 'pending' | 'running' | 'waiting' | 'pass' | 'fail' | 'unknown' | 'interrupted' | 'skipped';

export interface StepView {
  readonly id: string;
  readonly title: string;
  readonly state: StepStateWord;
  readonly attempt: number;
  readonly reason: string;
  readonly checks: readonly Check[];
  /** What a program that failed it printed last; null when there is no such thing. */
  readonly printed: Printed | null;
  readonly startedAt: Instant | null;
  readonly finishedAt: Instant | null;
  /** File name of the newest try's raw log. */
  readonly log: string | null;
}

/** The view of a stored release at `now`. */
export function viewOf({ summary, events }: StoredRelease, now: Instant): ReleaseView {
  const state = foldEvents(events);
  const { plan } = state;
  const action = next(state, now);
  const steps = [...plan.steps, ...(state.undo ?? [])].map((step) => ({
    stage: step.stage,
    view: stepView(step, state, { events, action }),
  }));
  const stages = STAGES.map((stage) => ({ stage, steps: steps.filter((one) => one.stage === stage).map(({ view }) => view) }));
  return {
    release: plan.release,
    kind: plan.kind,
    service: plan.service,
    environment: plan.environment,
    version: plan.version,
    previous: plan.previous?.version ?? null,
    strategy: { name: plan.strategy.name, because: plan.strategy.because },
    requestedBy: plan.requestedBy,
    requestedAt: summary.requestedAt,
    status: summary.status,
    waiting: waitingFor(state, action, events) ?? unattended(summary, now) ?? leftLying(state, summary, now),
    at: steps.map(({ view }) => view).find(({ state: word }) => word === 'running' || word === 'waiting') ?? null,
    last: nextStep(state)?.id ?? null,
    weight: lastWeight(plan, state.placement),
    users: servingOf(plan, state.placement),
    wayBack: wayBackOf(state),
    wayOn: wayOnOf(state),
    stages: stages
      .filter((stage) => stage.steps.length > 0)
      .map(({ stage, steps: inside }) => ({ stage, state: stageState(inside), steps: inside })),
    outcome: state.outcome,
    alreadyServes:
      state.outcome === 'unchanged' && events.some(({ type, data }) => type === 'release.planned' && data.alreadyServes === true),
    finishedAt: summary.finishedAt,
    because: causeOf(events),
    remarks: remarksOf(state),
    aborted: state.abort !== null,
    stuck: state.stuck,
    rollback: {
      story: plan.rollback.story,
      targetMs: plan.rollback.targetMs,
      pointOfNoReturn: plan.rollback.pointOfNoReturn,
      unknown: plan.rollback.unknown ?? null,
      time: state.rollbackTime,
    },
    sealed: summary.sealed,
    unsealedBecause: summary.unsealedBecause,
  };
}

interface Around {
  readonly events: readonly ReleaseEvent[];
  readonly action: Action;
}

function stepView(step: Step, state: ReleaseState, { events, action }: Around): StepView {
  const known = state.steps[step.id];
  const { id, title } = step;
  if (known === undefined)
    return {
      id,
      title,
      attempt: 0,
      checks: [],
      printed: null,
      log: null,
      state: step.skip === null ? 'pending' : 'skipped',
      reason: step.skip ?? '',
      startedAt: null,
      finishedAt: null,
    };
  const finished = lastFinished(events, id);
  return {
    id,
    title,
    attempt: known.attempt,
    checks: finished?.checks ?? [],
    printed: finished === null ? null : printedOf(finished.facts),
    log: finished?.log?.name ?? null,
    state: wordOf(step, state, action),
    reason: known.reason,
    startedAt: known.firstIntendedAt,
    finishedAt: known.status === 'intended' ? null : known.finishedAt,
  };
}

/** Between two looks of a repeated step it is the window that goes on, whatever the last look said. */
function wordOf(step: Step, state: ReleaseState, action: Action): StepStateWord {
  const status = state.steps[step.id]?.status ?? 'intended';
  if (status === 'intended') return 'running';
  const between =
    status === 'pass' && step.repeat !== null && action.do === 'wait' && action.for === 'timer' && nextStep(state)?.id === step.id;
  return between ? 'waiting' : status;
}

/** The last step that was begun: the one a wait is about. */
function nextStep(state: ReleaseState): Step | undefined {
  return [...state.plan.steps, ...(state.undo ?? [])].findLast((step) => state.steps[step.id] !== undefined);
}

function lastFinished(events: readonly ReleaseEvent[], step: string): EventData['step.finished'] | null {
  const found = events.findLast((event) => event.type === 'step.finished' && event.data.step === step);
  return found?.type === 'step.finished' ? found.data : null;
}

/** What is worst or most alive in a stage stands for it. */
function stageState(steps: readonly StepView[]): StepStateWord {
  const order: readonly StepStateWord[] = ['running', 'waiting', 'fail', 'unknown', 'interrupted'];
  const found = order.find((word) => steps.some((step) => step.state === word));
  if (found !== undefined) return found;
  if (steps.every((step) => step.state === 'skipped')) return 'skipped';
  return steps.some((step) => step.state === 'pending') ? 'pending' : 'pass';
}

/** Clocks of two machines differ by less, one hopes; a worker that lives renews long before its lease ends. */
const SILENT_MS = 5_000;

/** Its driver has died, or is cut off, and nobody has taken over. */
function unattended({ finishedAt, leaseUntil }: StoredRelease['summary'], now: Instant): string | null {
  if (finishedAt !== null || leaseUntil === null || now < leaseUntil + SILENT_MS) return null;
  return `a worker: the one that drove it has not been heard of since ${toIso(leaseUntil)} (start one: slipway agent start)`;
}

/** Its driver gave it back, as one does whose agent has died, and nobody takes it up although there is something to do. */
function leftLying(state: ReleaseState, { driver }: StoredRelease['summary'], now: Instant): string | null {
  const since = now - SILENT_MS;
  if (state.outcome !== null || driver !== null || state.lastAt > since || next(state, since).do === 'wait') return null;
  return 'a worker: none drives it (start one: slipway agent start)';
}

function wayBackOf(state: ReleaseState): string | null {
  if (state.stuck === null || state.undo !== null) return null;
  const { changed, refused } = planUndo(state);
  if (!changed) return null;
  return `slipway rollback ${state.plan.release} --reason TEXT${refused === null ? '' : ' --accept-data-loss'}`;
}

function wayOnOf(state: ReleaseState): string | null {
  const atCheckpoint = state.undo === null && state.stuck !== null && state.stuck.step === checkpointOf(state)?.id;
  return atCheckpoint ? `slipway promote ${state.plan.release} --reason TEXT` : null;
}

function waitingFor(state: ReleaseState, action: Action, events: readonly ReleaseEvent[]): string | null {
  if (state.outcome !== null) return null;
  if (!state.locked) return state.waitingFor === null ? 'a worker to take it' : `release ${state.waitingFor} to end`;
  if (action.do !== 'wait') return null;
  switch (action.for) {
    case 'approval': {
      const missing = Math.max(...state.plan.steps.map((step) => step.approvals)) - state.approvals.length;
      return `approval by ${missing === 1 ? 'one person' : `${missing} people`} other than ${state.plan.requestedBy}: slipway approve ${state.plan.release}`;
    }
    case 'resume':
      return `somebody to resume it: slipway resume ${state.plan.release}${pausedBy(events)}`;
    case 'person':
      return `a person: slipway show ${state.plan.release}`;
    default:
      return null;
  }
}

function pausedBy(events: readonly ReleaseEvent[]): string {
  const pause = events.findLast((event) => event.type === 'pause.requested');
  if (pause?.type !== 'pause.requested') return '';
  return ` (${withReason(`paused by ${pause.actor}`, pause.data.reason)})`;
}

function causeOf(events: readonly ReleaseEvent[]): string | null {
  // The cause of going back says more than "every undo step passed".
  const back = events.findLast((event) => event.type === 'rollback.started');
  if (back?.type === 'rollback.started') return back.data.cause;
  const end = events.findLast((event) => event.type === 'release.finished');
  return end?.type === 'release.finished' ? end.data.reason : null;
}
