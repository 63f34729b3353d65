import type { Clock, Log } from '../kernel/index.ts';
import type { Driver, LeaseTerms } from '../release/index.ts';
import type { WakeSender } from './boss.ts';
import type { Session } from './session.ts';

/** What the verbs of the store share. */
export interface Context {
  readonly session: Session;
  readonly clock: Clock;
  readonly lease: LeaseTerms;
  readonly log: Log;
  readonly wakes: WakeSender;
  /** Is a driver of this host still the process that took the claim? */
  readonly isAlive: (driver: Driver) => boolean;
}
