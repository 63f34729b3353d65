import type { Clock, Duration } from '../../kernel/index.ts';

export interface Moment {
  readonly monotonic: Duration;
  readonly wall: Duration;
}

export function momentOf(clock: Pick<Clock, 'monotonic' | 'now'>): Moment {
  return { monotonic: clock.monotonic(), wall: clock.now() };
}

/**
 * How long ago that was, rather too long than too short: a monotonic clock stands still while the machine sleeps, the other one may be set
 * back.
 */
export function elapsedSince(then: Moment, clock: Pick<Clock, 'monotonic' | 'now'>): Duration {
  return Math.max(clock.monotonic() - then.monotonic, clock.now() - then.wall);
}
