import { formatDuration, type Check, type Duration, type Instant } from '../../kernel/pure.ts';
import type { Both, Reading } from './reading.ts';

/** A value of the canary that must not stay above a limit, unless that of the stable version is above it too. */
export interface GuardPolicy {
  readonly name: string;
  readonly above: number;
  /** For how long at least; 0: at once. */
  readonly forMs: Duration;
}

/** What is remembered of a guard from one reading to the next; null before the first. */
export interface GuardState {
  /** Since when every reading was above the limit, the canary's alone; null when the newest was not. */
  readonly overSince: Instant | null;
  readonly at: Instant;
  readonly values: Both<number> | null;
  /** Why the newest reading gave nothing. */
  readonly silent: string | null;
}

/** One reading taken in. Time in which the source was silent proves nothing, so the time above the limit begins anew after it. */
export function addToGuard(guard: GuardPolicy, state: GuardState | null, reading: Reading, at: Instant): GuardState {
  if (reading.kind !== 'gauge') {
    const reason = reading.kind === 'silent' ? reading.reason : 'it gives counts, where a gauge is needed';
    return { overSince: null, at, values: null, silent: reason };
  }
  const { canary, stable } = reading.versions;
  const over = canary > guard.above && stable <= guard.above;
  // A clock that was set back must not make the time longer.
  const since = Math.min(state?.overSince ?? at, at);
  return { overSince: over ? since : null, at, values: reading.versions, silent: null };
}

/** `fail` when only the canary was above the limit for that long; `unknown` while it is above, while both are, and while nothing is known. */
export function checkGuard(guard: GuardPolicy, state: GuardState | null): Check {
  const { name, above, forMs } = guard;
  if (state === null) return { name, verdict: 'unknown', reason: 'its source has not been asked yet' };
  const { overSince, at, values, silent } = state;
  if (values === null) return { name, verdict: 'unknown', reason: `its source gives no value: ${silent ?? 'no reason was given'}` };
  const both = `${shown(values.canary)} of the canary, ${shown(values.stable)} of the stable version (limit ${shown(above)})`;
  if (values.canary <= above) return { name, verdict: 'pass', reason: both };
  if (overSince === null) return { name, verdict: 'unknown', reason: `${both}: both are above the limit` };
  const forSo = at - overSince;
  const told = `${both}: above the limit for ${formatDuration(forSo)}, where ${formatDuration(forMs)} is tolerated`;
  return { name, verdict: forSo >= forMs ? 'fail' : 'unknown', reason: told };
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}
