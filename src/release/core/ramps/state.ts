import { addTick, atCheckpoint, startJudge, type Judge } from '../../../analysis/pure.ts';
import type { Check, Instant, Verdict } from '../../../kernel/pure.ts';
import { NO_SOURCES, sourcesAtCheckpoint, type SourceMemory } from '../canary-sources.ts';
import type { RampEvent, RampEventData } from './events.ts';
import type { RampOutcome, RampPlan } from './ramp.ts';

/** The last answer of the gate at the step the ramp is at. */
export interface RampLook {
  readonly at: Instant;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly checks: readonly Check[];
}

/** Everything its events say about a ramp; a pure fold. */
export interface RampState {
  readonly plan: RampPlan;
  readonly size: number;
  /** Time of the newest event: a clock is never believed to be earlier. */
  readonly lastAt: Instant;
  /** A change of the flag that was begun and of which nobody has recorded that it was made; null when there is none. */
  readonly open: { readonly index: number; readonly revision: number } | null;
  /** The step the flag is at; null before the first. */
  readonly set: { readonly index: number; readonly at: Instant } | null;
  /** The revision the ramp left the flag at. */
  readonly revision: number;
  readonly judge: Judge | null;
  readonly memory: SourceMemory;
  readonly look: RampLook | null;
  readonly paused: {
    readonly reason: string;
    readonly by: string;
    readonly since: Instant;
    /** Somebody else changed the flag, to this revision; null when a person asked for the pause. */
    readonly revision: number | null;
  } | null;
  /** A person changed the flag and then let the ramp go on: its step is set anew, from what is there. */
  readonly adopt: boolean;
  readonly backTo: { readonly index: number; readonly why: string } | null;
  readonly promoted: { readonly index: number; readonly why: string } | null;
  readonly cancelled: string | null;
  readonly reversing: string | null;
  readonly ended: { readonly outcome: RampOutcome; readonly reason: string; readonly at: Instant } | null;
}

/** Folds a ramp's events into its state. Kinds that this build does not know change nothing but the size. */
export function foldRamp(events: readonly RampEvent[]): RampState {
  const [first] = events;
  if (first?.type !== 'ramp.started') throw new Error('A ramp starts with ramp.started');
  const { plan } = first.data;
  const start: RampState = {
    plan,
    size: 1,
    lastAt: first.time,
    open: null,
    set: null,
    revision: plan.revision,
    judge: judgeOf(plan),
    memory: NO_SOURCES,
    look: null,
    paused: null,
    adopt: false,
    backTo: null,
    promoted: null,
    cancelled: null,
    reversing: null,
    ended: null,
  };
  return events.slice(1).reduce(applyRampEvent, start);
}

const PERIOD_MS = 10_000;

function judgeOf({ gate, steps }: RampPlan): Judge | null {
  const wholeMs = steps.reduce((sum, { forMs }) => sum + forMs, 0);
  const shape = { checkpoints: steps.length, periods: Math.max(1, Math.ceil(wholeMs / PERIOD_MS)) };
  return gate.policy === null ? null : startJudge(gate.policy, shape);
}

/** One event applied to the state. */
export function applyRampEvent(state: RampState, event: RampEvent): RampState {
  const next = { ...state, size: state.size + 1, lastAt: Math.max(state.lastAt, event.time) };
  const at = next.lastAt;
  switch (event.type) {
    case 'step.begun':
      return { ...next, open: event.data, backTo: null, adopt: false, promoted: null };
    case 'step.set':
      return atStep(next, event.data);
    case 'step.looked':
      return looked(next, event.data);
    case 'ramp.paused':
      return { ...next, open: null, paused: { reason: event.data.reason, by: event.actor, since: at, revision: event.data.revision } };
    case 'reverse.begun':
      return { ...next, reversing: event.data.reason };
    case 'ramp.ended':
      return { ...next, ended: { ...event.data, at } };
    default:
      return applyWish(next, event);
  }
}

/** What people asked for. */
function applyWish(state: RampState, event: RampEvent): RampState {
  switch (event.type) {
    case 'pause.requested':
      return state.paused === null ? { ...state, paused: pauseOf(state, event, event.data.reason) } : state;
    case 'resume.requested':
      return { ...state, paused: null, adopt: state.adopt || (state.paused?.revision ?? null) !== null };
    case 'back.requested':
      return back(state, event, event.data.reason);
    case 'cancel.requested':
      return { ...state, cancelled: state.cancelled ?? told(event, event.data.reason) };
    case 'promote.requested':
      return { ...state, promoted: { index: event.data.index, why: `promoted by ${told(event, event.data.reason)}` } };
    default:
      return state;
  }
}

function back(state: RampState, event: RampEvent, reason: string): RampState {
  const from = state.open?.index ?? state.set?.index ?? 0;
  if (from === 0) return state;
  const paused = pauseOf(state, event, `went back${reason === '' ? '' : `: ${reason}`}`);
  return { ...state, backTo: { index: from - 1, why: `back, by ${told(event, reason)}` }, open: null, paused, promoted: null };
}

function pauseOf({ lastAt }: RampState, { actor }: RampEvent, reason: string): NonNullable<RampState['paused']> {
  return { reason, by: actor, since: lastAt, revision: null };
}

function told({ actor }: RampEvent, reason: string): string {
  return reason === '' ? actor : `${actor}: ${reason}`;
}

/** A pass must be earned anew at each step; what was counted before belongs to another one. */
function atStep(state: RampState, { index, revision }: RampEventData['step.set']): RampState {
  return {
    ...state,
    open: null,
    revision,
    set: { index, at: state.lastAt },
    look: null,
    judge: state.judge === null ? null : atCheckpoint(state.judge, state.lastAt),
    memory: { ...sourcesAtCheckpoint(state.memory), guards: {} },
  };
}

function looked(state: RampState, { verdict, reason, checks, tick, memory }: RampEventData['step.looked']): RampState {
  const judge = state.judge === null || tick === null ? state.judge : addTick(state.judge, tick);
  return { ...state, judge, memory, look: { at: state.lastAt, verdict, reason, checks } };
}
