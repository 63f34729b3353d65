import type { NewEvent, Plan, ReleaseEvent, Step } from '../../src/release/index.ts';
import { applyEvent, foldEvents, type ReleaseState } from '../../src/release/core/state.ts';
import { next, type Action } from '../../src/release/core/next.ts';
import { perform, performHalf, startWorld, type World } from './world.ts';

/** One thing that goes its own way at one point of a schedule. */
export type Twist =
  | { readonly kind: 'outcome'; readonly verdict: 'fail' | 'unknown'; readonly retry: boolean; readonly half: boolean }
  | { readonly kind: 'crash'; readonly after: 'intent' | 'half' | 'effect' }
  | { readonly kind: 'person'; readonly event: NewEvent }
  | { readonly kind: 'clock'; readonly jump: number }
  /** Another release has the lock first. */
  | { readonly kind: 'waits' }
  /** What was asked for makes no sense any more after waiting. */
  | { readonly kind: 'pointless' };

/** What a run left behind, for the invariants. */
export interface Run {
  readonly plan: Plan;
  readonly world: World;
  readonly events: readonly ReleaseEvent[];
  readonly actions: readonly { readonly at: number; readonly clock: number; readonly action: Action }[];
  readonly state: ReleaseState;
  readonly restedOn: Action;
}

const MOST_ACTIONS = 5_000;
/** A look at a canary takes its time, and the next follows at once. */
const LOOK_MS = 20_000;

/**
 * Drives one release in virtual time: real `next` and `foldEvents`, a modelled world, and a schedule of twists, one
 * per action (null: nothing special). Ends when nothing moves without a person.
 */
export function simulate(plan: Plan, schedule: readonly (Twist | null)[]): Run {
  const world = startWorld(plan);
  let clock = 1_000_000;
  const events: ReleaseEvent[] = [];
  const actions: { at: number; clock: number; action: Action }[] = [];
  let folded: ReleaseState | null = null;
  const record = (event: NewEvent, actor = 'worker'): void => {
    const whole = { ...event, seq: events.length, time: Math.max(clock, events.at(-1)?.time ?? 0), actor };
    events.push(whole);
    // Folded as it grows; that a whole fold leads to the same actions is a test of its own.
    folded = folded === null ? foldEvents(events) : applyEvent(folded, whole);
  };
  record({ type: 'release.requested', data: { plan, wait: true, previousLedger: null } }, plan.requestedBy);
  for (let turn = 0; turn < MOST_ACTIONS; turn++) {
    const twist = schedule[turn] ?? null;
    if (twist?.kind === 'person') record(twist.event, 'bob');
    if (twist?.kind === 'clock') clock += twist.jump;
    const state = folded ?? foldEvents(events);
    const action = next(state, clock);
    actions.push({ at: events.length, clock, action });
    if (action.do === 'seal' || (action.do === 'wait' && action.until === null && !personComes(schedule, turn)))
      return { plan, world, events, actions, state, restedOn: action };
    if (action.do === 'run' && turn >= schedule.length && isHeldForEver(state, action.step))
      return { plan, world, events, actions, state, restedOn: action };
    clock += 10;
    if (action.do === 'wait') clock = Math.max(clock, action.until ?? clock);
    else if (action.do === 'lock') acquire(twist, record);
    else if (action.do === 'plan')
      record({ type: 'release.planned', data: { plan: twist?.kind === 'pointless' ? null : plan, reason: 'simulated' } });
    else if (action.do === 'record') record(action.event);
    else {
      act(world, plan, action, twist, record, clock);
      if (action.step.kind === 'judge') clock += LOOK_MS;
    }
  }
  throw new Error('The release never comes to rest');
}

/** A canary is looked at for as long as nobody says how it goes on. */
function isHeldForEver({ paused }: ReleaseState, step: Step): boolean {
  return step.holds === true && (paused || step.repeat?.forMs === null);
}

function personComes(schedule: readonly (Twist | null)[], turn: number): boolean {
  return schedule.slice(turn + 1).some((twist) => twist?.kind === 'person');
}

function acquire(twist: Twist | null, record: (event: NewEvent) => void): void {
  if (twist?.kind === 'waits') record({ type: 'lock.waiting', data: { owner: '01other' } });
  record({ type: 'lock.acquired', data: { key: 'shop/dev' } });
}

function act(
  world: World,
  plan: Plan,
  action: Extract<Action, { do: 'run' }>,
  twist: Twist | null,
  record: (event: NewEvent) => void,
  clock: number,
): void {
  const { step, attempt, key } = action;
  record({ type: 'step.intended', data: { step: step.id, stage: step.stage, attempt, key } });
  if (twist?.kind === 'crash') return crash(world, plan, step, twist.after);
  const bad = twist?.kind === 'outcome' ? twist : null;
  if (bad === null) perform(world, plan, step);
  else if (bad.half) performHalf(world, plan, step);
  const changed = bad === null || bad.half;
  const iso = new Date(clock).toISOString();
  record({
    type: 'step.finished',
    data: {
      step: step.id,
      stage: step.stage,
      attempt,
      verdict: bad?.verdict ?? 'pass',
      reason: 'simulated',
      retry: bad?.retry ?? false,
      startedAt: iso,
      finishedAt: iso,
      checks: [],
      facts: { changed },
      log: null,
    },
  });
}

function crash(world: World, plan: Plan, step: Step, after: 'intent' | 'half' | 'effect'): void {
  if (after === 'half') performHalf(world, plan, step);
  if (after === 'effect') perform(world, plan, step);
}
