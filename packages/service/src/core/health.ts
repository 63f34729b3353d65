export type HealthStatus = 'ok' | 'degraded' | 'down';

/** Where the process is in its life. Only `running` may be ready. */
export type Phase = 'starting' | 'running' | 'shutting-down';

export interface CheckResult {
  readonly status: HealthStatus;
  /** A required dependency that is down makes the instance not ready; an optional one makes it degraded. */
  readonly required: boolean;
  /** Why it is not `ok`, for the person on call. */
  readonly reason?: string;
  /** How long the probe took, in milliseconds. */
  readonly tookMs: number;
}

export interface Readiness {
  readonly status: HealthStatus;
  /** Why it is not `ok`; names of checks and breakers only, nothing that must stay inside. */
  readonly reason?: string;
}

/**
 * May this instance get traffic? Pure: phase and check results in, verdict out.
 * @param openBreakers names of circuit breakers that are not closed: the service answers, with less than usual
 */
export function readiness(phase: Phase, checks: Readonly<Record<string, CheckResult>>, openBreakers: readonly string[]): Readiness {
  if (phase !== 'running') return { status: 'down', reason: phase };
  const named = Object.entries(checks);
  const down = named.filter(([, check]) => check.status === 'down' && check.required).map(([name]) => name);
  if (down.length > 0) return { status: 'down', reason: `down: ${down.join(', ')}` };
  const reduced = named.filter(([, check]) => check.status !== 'ok').map(([name]) => name);
  const reasons = [...reduced, ...openBreakers.map((name) => `breaker ${name}`)];
  return reasons.length > 0 ? { status: 'degraded', reason: `degraded: ${reasons.join(', ')}` } : { status: 'ok' };
}
