import { killFlag, type FlagStore } from '../../flags/index.ts';
import { SlipwayError, type Duration, type Effects } from '../../kernel/index.ts';
import type { NewRampEvent } from '../core/ramps/events.ts';
import { nextRamp, type RampAction } from '../core/ramps/next.ts';
import { actorOf } from '../core/ramps/ramp.ts';
import { foldRamp, type RampState } from '../core/ramps/state.ts';
import type { RampClaim, RampStore } from './ports.ts';
import { readRampFlag, setFlag, type RampFlag } from './set-flag.ts';

/** Everything that driving ramps takes; made once per worker. */
export interface RampDeps {
  readonly ramps: RampStore;
  readonly flags: FlagStore;
  readonly effects: Effects;
  /** How often a claim is prolonged while a slow source is waited for. */
  readonly renewMs: Duration;
  /** Asks the gate of the step the ramp is at. What its sources do not say is `unknown`. */
  readonly look: (state: RampState, signal: AbortSignal) => Promise<NewRampEvent>;
}

/**
 * Drives one ramp as far as it goes now: read, decide, change, record. Safe at any time by any number of workers: what is recorded
 * needs the newest record, and what is written to the flag its newest revision.
 */
export async function driveRamp(deps: RampDeps, claim: RampClaim, signal: AbortSignal): Promise<void> {
  const { ramps, flags } = deps;
  const over = new AbortController();
  try {
    void keep(deps, claim, over.signal);
    while (!signal.aborted) if (await turn(deps, claim, signal)) return;
    await ramps.park(claim, foldRamp(await ramps.load(claim.ramp)).size, await flags.now());
  } catch (error) {
    // Somebody else drives it now.
    if (!(error instanceof SlipwayError && error.code === 'fenced')) throw error;
  } finally {
    over.abort();
  }
}

/** A claim that is lost is seen when something is recorded under it. */
async function keep({ ramps, effects, renewMs }: RampDeps, claim: RampClaim, over: AbortSignal): Promise<void> {
  for (;;) {
    await effects.clock.sleep(renewMs, over);
    if (over.aborted || !(await ramps.renew(claim).catch(() => true))) return;
  }
}

/** One turn of the loop; true when there is nothing to do now, and the claim was given back. */
async function turn(deps: RampDeps, claim: RampClaim, signal: AbortSignal): Promise<boolean> {
  const { ramps, flags, effects } = deps;
  const state = foldRamp(await ramps.load(claim.ramp));
  const now = await readRampFlag(flags, state.plan);
  // By the clock that its events are dated by: that of this machine may be set at any time.
  const action = nextRamp(state, now.facts, await flags.now());
  effects.faults.at(`ramp.decided.${action.do}`);
  if (action.do === 'over' || action.do === 'wait')
    return (await ramps.park(claim, state.size, action.do === 'wait' ? action.until : null)) === 'parked';
  const event = await act(deps, state, { action, now, signal });
  effects.faults.at(`ramp.acted.${action.do}`);
  if (event !== null) await ramps.append(claim, event, state.size);
  effects.faults.at(`ramp.recorded.${action.do}`);
  return false;
}

interface Turn {
  readonly action: Exclude<RampAction, { do: 'over' | 'wait' }>;
  readonly now: RampFlag;
  readonly signal: AbortSignal;
}

/** What is to be recorded; null when the world has to be looked at again first. */
async function act({ flags, look }: RampDeps, state: RampState, { action, now, signal }: Turn): Promise<NewRampEvent | null> {
  const { plan } = state;
  switch (action.do) {
    case 'record':
      return action.event;
    case 'look':
      return look(state, signal);
    case 'set':
      return setFlag(flags, { plan, index: action.index, revision: action.revision }, now);
    case 'kill': {
      const asked = { environment: plan.environment, actor: actorOf(plan.ramp), reason: `the ramp failed: ${action.reason}` };
      await killFlag(flags, asked, plan.flag).catch(gone);
      return null;
    }
  }
}

/** A flag that was deleted meanwhile is off for everybody. */
function gone(error: unknown): void {
  if (!(error instanceof SlipwayError && error.code === 'not_found')) throw error;
}
