import { formatDuration, toIso, type Check, type Duration, type Instant } from '../../kernel/pure.ts';

/** What one look saw since the window began. */
export interface Observed {
  /** Null when the counters were reset or the router did not answer: nothing is known. */
  readonly traffic: {
    readonly requests: number;
    readonly errors: number;
    readonly p99LowMs: number | null;
    readonly unrouted: number;
  } | null;
  readonly restarts: number;
  /** Which instances were restarted, how often, and how they ended. */
  readonly restarted?: readonly { readonly name: string; readonly times: number; readonly how: string }[];
  /** Times in which the router was started again: it may have been away anywhere in them. */
  readonly away?: readonly { readonly from: Instant; readonly to: Instant }[];
  /** Instances that are not ready, and for how long each was seen so. */
  readonly notReady: readonly { readonly name: string; readonly forMs: Duration }[];
}

export interface StopConditions {
  readonly maxErrorRate: number;
  readonly maxP99Ms: number;
  readonly maxRestarts: number;
}

const ERROR_RATE = 'error rate';

/** One error among three requests is no rate; so many errors are needed before a rate is believed. */
const LEAST_ERRORS = 3;
/** A restart takes moments, and how many there may be is a limit of its own; an instance that stays away does not come back by waiting. */
const LONGEST_NOT_READY: Duration = 30_000;
/** The 99th percentile of fewer samples is just the slowest one. */
const LEAST_SAMPLES_FOR_P99 = 200;

/**
 * Judges the observation window by its stop conditions: any one of them that holds is `fail`. Figures that are not
 * there are `unknown`. (A comparison of both versions under traffic belongs to the canary's judge.)
 */
export function judgeWindow(seen: Observed, stop: StopConditions): readonly Check[] {
  return [errorRate(seen, stop), latency(seen, stop), restarts(seen, stop), ready(seen)];
}

function errorRate({ traffic }: Observed, { maxErrorRate }: StopConditions): Check {
  if (traffic === null) return { name: ERROR_RATE, verdict: 'unknown', reason: 'the router gave no comparable counts' };
  const bad = traffic.errors + traffic.unrouted;
  const all = traffic.requests + traffic.unrouted;
  const rate = all === 0 ? 0 : bad / all;
  const said = `${bad} of ${all} requests failed (limit ${percent(maxErrorRate)})`;
  if (rate <= maxErrorRate) return { name: ERROR_RATE, verdict: 'pass', reason: said };
  if (bad >= LEAST_ERRORS) return { name: ERROR_RATE, verdict: 'fail', reason: said };
  const enough = maxErrorRate === 0 ? '' : `${Math.ceil(bad / maxErrorRate)} requests were counted, or `;
  return { name: ERROR_RATE, verdict: 'unknown', reason: `${said}, too few to tell: it is watched until ${enough}${LEAST_ERRORS} failed` };
}

/** True when all that is open is a share of errors that more requests will tell: no reason to go on, and none to go back. */
export function isTooFew({ traffic }: Observed, checks: readonly Check[]): boolean {
  return traffic !== null && checks.every(({ name, verdict }) => (name === ERROR_RATE ? verdict === 'unknown' : verdict === 'pass'));
}

function latency({ traffic }: Observed, { maxP99Ms }: StopConditions): Check {
  if (traffic === null) return { name: 'p99', verdict: 'unknown', reason: 'the router gave no comparable counts' };
  if (traffic.requests < LEAST_SAMPLES_FOR_P99 || traffic.p99LowMs === null)
    return { name: 'p99', verdict: 'pass', reason: `not judged: ${traffic.requests} requests are too few for a 99th percentile` };
  return {
    name: 'p99',
    verdict: traffic.p99LowMs > maxP99Ms ? 'fail' : 'pass',
    reason: `p99 is above ${traffic.p99LowMs} ms (limit ${maxP99Ms} ms)`,
  };
}

function restarts(seen: Observed, { maxRestarts }: StopConditions): Check {
  return {
    name: 'restarts',
    verdict: seen.restarts > maxRestarts ? 'fail' : 'pass',
    reason: `${seen.restarts} restarts (limit ${maxRestarts})${(seen.restarted ?? []).map(({ name, how }) => `; ${name}: ${how}`).join('')}`,
  };
}

function ready({ notReady }: Observed): Check {
  const verdict = notReady.some(({ forMs }) => forMs > LONGEST_NOT_READY) ? 'fail' : 'pass';
  const told = notReady.map(({ name, forMs }) => `${name} for ${formatDuration(forMs)}`).join(', ');
  return {
    name: 'instances',
    verdict,
    reason: notReady.length === 0 ? 'all are ready' : `not ready: ${told} (limit ${formatDuration(LONGEST_NOT_READY)})`,
  };
}

/** What a person should know of a window even though it passed; it is said again where the release ends. */
export function remarksOn({ restarted = [], away = [] }: Observed): readonly string[] {
  return [
    ...restarted.map(
      ({ name, times, how }) => `${name} was restarted ${times === 1 ? 'once' : `${times} times`} while it was watched: ${how}`,
    ),
    ...away.map(
      ({ from, to }) =>
        `the router was started again between ${toIso(from)} and ${toIso(to)}: requests that found nobody then are not counted, and the window was counted anew`,
    ),
  ];
}

function percent(rate: number): string {
  return `${Math.round(rate * 10_000) / 100} %`;
}
