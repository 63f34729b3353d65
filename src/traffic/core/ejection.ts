/** Passive health of one endpoint, after Envoy's outlier detection (consecutive failures, growing time out, one probe). */
export interface Ejection {
  /** Failures in a row since the last answer. */
  readonly failures: number;
  /** Times it was sent out in a row; the time out doubles with each. */
  readonly level: number;
  /** Monotonic ms at which one request may try it again; null while it takes traffic. */
  readonly until: number | null;
  /** True while that one request is under way. */
  readonly probing: boolean;
}

export interface EjectionLimits {
  readonly ejectAfter: number;
  readonly ejectMs: number;
  readonly ejectMaxMs: number;
}

export const DEFAULT_EJECTION: EjectionLimits = { ejectAfter: 3, ejectMs: 500, ejectMaxMs: 30_000 };

export const IN_SERVICE: Ejection = { failures: 0, level: 0, until: null, probing: false };

/** After a broken connection: out once `ejectAfter` came in a row, or at once when it was the probe that failed. */
export function afterFailure(state: Ejection, now: number, limits: EjectionLimits): Ejection {
  const failures = state.failures + 1;
  const stillOut = state.until !== null && !state.probing;
  // Requests sent before the ejection fail after it; they say nothing new and must not lengthen it.
  if (stillOut) return { ...state, failures };
  if (!state.probing && failures < limits.ejectAfter) return { ...state, failures };
  const out = Math.min(limits.ejectMs * 2 ** Math.min(state.level, 30), limits.ejectMaxMs);
  return { failures, level: state.level + 1, until: now + out, probing: false };
}

/** True when the endpoint is out but its time is over and nobody is trying it yet. */
export function mayProbe(state: Ejection, now: number): boolean {
  return state.until !== null && !state.probing && now >= state.until;
}

/** True when nobody came who could try it safely, for so long that any request may: traffic that is all writes must not lose an instance for ever. */
export function mustProbe(state: Ejection, now: number, { ejectMaxMs }: Pick<EjectionLimits, 'ejectMaxMs'>): boolean {
  return mayProbe(state, now) && state.until !== null && now >= state.until + ejectMaxMs;
}

/** True when it takes traffic like any other. */
export function inService(state: Ejection): boolean {
  return state.until === null;
}
