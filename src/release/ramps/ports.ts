import type { Instant } from '../../kernel/index.ts';
import type { NewRampEvent, RampEvent } from '../core/ramps/events.ts';
import type { RampPlan } from '../core/ramps/ramp.ts';

/** The right to drive one ramp for some seconds. `fence` grows with every claim. */
export interface RampClaim {
  readonly ramp: string;
  readonly fence: number;
}

/**
 * The durable record of ramps. A ramp is a row with the time at which to look at it next, and a list of events; who looks is whoever
 * takes it. An early, late or doubled look is harmless: what is done follows from the events and from the flag as it is.
 */
export interface RampStore {
  /** @throws SlipwayError `ramp_under_way` when the flag has one */
  start(plan: RampPlan): Promise<void>;
  /** @throws SlipwayError `not_found` */
  load(ramp: string): Promise<readonly RampEvent[]>;
  /** The ramp of this node that has been due longest and that nobody has; null when there is none. */
  take(node: string): Promise<RampClaim | null>;
  /** Prolongs the claim; false when somebody else has the ramp. */
  renew(claim: RampClaim): Promise<boolean>;
  /** Records what the driver decided or did and prolongs the claim; `changed` when the ramp has not `expectedSize` events. @throws SlipwayError `fenced` */
  append(claim: RampClaim, event: NewRampEvent, expectedSize: number): Promise<'recorded' | 'changed'>;
  /** Gives the claim back until `wakeAt` (null: it is over), or `changed`. @throws SlipwayError `fenced` */
  park(claim: RampClaim, expectedSize: number, wakeAt: Instant | null): Promise<'parked' | 'changed'>;
  /** Records what a person asked for, and makes the ramp due now. @throws SlipwayError `not_possible_now` when it is over */
  request(ramp: string, actor: string, event: NewRampEvent): Promise<void>;
  /** Ids, newest first. */
  list(filter: { readonly environment?: string; readonly flag?: string; readonly limit: number }): Promise<readonly string[]>;
}
