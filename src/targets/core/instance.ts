import type { Duration } from '../../kernel/pure.ts';
import { backoffMs } from './backoff.ts';
import type { InstancePhase } from './group.ts';

/** Starts granted to an instance that was never ready. With back-off the last one comes about 4 s after the first. */
export const START_TRIES = 5;
/** Ready for this long, an instance has proved itself: the next crash restarts it at once. */
export const SETTLED_MS: Duration = 60_000;
/** One lost probe is noise; the router's own checks react quicker. */
const FAILURES_TO_UNHEALTHY = 2;

/** What a decision about one instance sees. Times are monotonic differences; null when there is no such moment. */
export interface InstanceFacts {
  /** `stop` when the group is removed, scaled down, or this run is of another definition. */
  readonly want: 'run' | 'stop';
  readonly live: boolean;
  readonly stopRequested: boolean;
  readonly everReady: boolean;
  /** Has this run been ready? */
  readonly readyThisRun: boolean;
  /** Found running by this supervisor, which has no answer of its health yet. */
  readonly unasked: boolean;
  readonly gaveUp: boolean;
  /** Starts since it was last settled. */
  readonly tries: number;
  readonly sinceFirstTry: Duration | null;
  readonly sinceStart: Duration | null;
  readonly sinceExit: Duration | null;
  /** Time allowed from start to readiness; null when the definition sets none. */
  readonly startWithinMs: Duration | null;
}

export type InstanceAction = 'start' | 'stop' | 'give-up' | 'forget' | 'wait';

/**
 * What to do about one instance now. An instance that was never ready is given up after {@link START_TRIES} starts
 * or `startWithinMs` from the first, whichever comes first; one that was ready before is restarted for ever.
 */
export function decideInstance(facts: InstanceFacts): InstanceAction {
  if (facts.want === 'stop') return facts.live ? stopOnce(facts) : 'forget';
  if (facts.gaveUp) return facts.live ? stopOnce(facts) : 'wait';
  return facts.live ? decideRunning(facts) : decideStopped(facts);
}

function stopOnce(facts: InstanceFacts): InstanceAction {
  return facts.stopRequested ? 'wait' : 'stop';
}

function decideRunning(facts: InstanceFacts): InstanceAction {
  if (facts.readyThisRun || facts.stopRequested) return 'wait';
  // Its time may have run out while nobody looked, and it may be ready since: ask before judging.
  if (facts.unasked) return 'wait';
  if (!facts.everReady) return isOver(facts.sinceFirstTry, facts.startWithinMs) ? 'give-up' : 'wait';
  return isOver(facts.sinceStart, facts.startWithinMs) ? 'stop' : 'wait';
}

function decideStopped(facts: InstanceFacts): InstanceAction {
  const exhausted = facts.tries >= START_TRIES || (facts.tries > 0 && isOver(facts.sinceFirstTry, facts.startWithinMs));
  if (!facts.everReady && exhausted) return 'give-up';
  if (facts.sinceExit === null) return 'start';
  return facts.sinceExit >= backoffMs(facts.tries) ? 'start' : 'wait';
}

function isOver(elapsed: Duration | null, limit: Duration | null): boolean {
  return elapsed !== null && limit !== null && elapsed > limit;
}

/** The probes of one run so far. */
export interface ProbeHistory {
  readonly readyThisRun: boolean;
  readonly healthy: boolean;
  readonly failures: number;
}

export const NO_PROBES: ProbeHistory = { readyThisRun: false, healthy: false, failures: 0 };

/**
 * The probes of a run that another supervisor began, from what that one remembered. Without this every service would be
 * down from the start of a supervisor to its first answers, and a slow answer would look like a dead instance.
 */
export function rememberedProbes(run: number, memory: { readonly readyRun: number; readonly healthyRun: number }): ProbeHistory {
  return { readyThisRun: memory.readyRun === run, healthy: memory.healthyRun === run, failures: 0 };
}

/** Takes one probe's answer in: one success makes healthy, two failures in a row make unhealthy. */
export function afterProbe(history: ProbeHistory, passed: boolean): ProbeHistory {
  if (passed) return { readyThisRun: true, healthy: true, failures: 0 };
  const failures = history.failures + 1;
  return { ...history, failures, healthy: history.healthy && failures < FAILURES_TO_UNHEALTHY };
}

/** The phase a person and the router see. */
export function phaseOf(
  facts: Pick<InstanceFacts, 'want' | 'live' | 'stopRequested' | 'gaveUp'>,
  history: ProbeHistory,
  started: boolean,
): InstancePhase {
  if (facts.gaveUp && facts.want === 'run') return 'failed';
  if (facts.want === 'stop' || (facts.live && facts.stopRequested)) return 'stopping';
  if (!facts.live) return started ? 'backoff' : 'starting';
  if (history.healthy) return 'ready';
  return history.readyThisRun ? 'unhealthy' : 'starting';
}
