import { CircuitState, CountBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { attempt } from './attempt.ts';
import type { BreakerCounters, CallOutcome } from './breaker-metrics.ts';
import type { BreakerState } from './endpoints.ts';
import { ServiceUnavailable } from './unavailable.ts';

export interface BreakerOptions {
  /** How long one call may take, in milliseconds (default 2000). Its signal aborts then. */
  readonly timeoutMs?: number;
  /** The circuit opens when more than this share of the last calls failed (default 0.5). */
  readonly threshold?: number;
  /** How many of the last calls are looked at (default 20), and how many there must be at least (default 5). */
  readonly window?: number;
  readonly minimum?: number;
  /** How long calls fail fast before one is tried again, in milliseconds (default 10000). */
  readonly openMs?: number;
  /** Which errors say that the dependency is ill; default all. An answer such as 404 says that it is well. */
  readonly isFailure?: (error: unknown) => boolean;
}

export interface Breaker {
  readonly name: string;
  readonly state: () => BreakerState;
  /**
   * Calls the dependency, or fails fast while the circuit is open.
   * @param fallback the degraded answer, when the call failed or was not made; without one the error is thrown
   * @throws ServiceUnavailable when the circuit is open, or the error of the call
   */
  run<T>(call: (signal: AbortSignal) => T | PromiseLike<T>, fallback?: (error: unknown) => T | PromiseLike<T>): Promise<T>;
}

/** The dependency did not answer in time. */
class CallTimeout extends ServiceUnavailable {
  constructor(name: string, ms: number) {
    super(`${name} did not answer within ${ms} ms`, 1);
  }
}

/** The dependency was not asked. */
class CircuitOpen extends ServiceUnavailable {
  constructor(name: string, ms: number) {
    super(`${name} is not available right now`, ms / 1_000);
  }
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

async function inTime<T>(name: string, ms: number, call: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new CallTimeout(name, ms);
      reject(error);
      controller.abort(error);
    }, ms);
  });
  try {
    return await Promise.race([attempt(call, controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A circuit breaker around one dependency. The state machine is cockatiel's; timeout, fallback, metrics and fail-fast probing are added. */
export function createBreaker(name: string, options: BreakerOptions, counters: BreakerCounters): Breaker {
  const { timeoutMs = 2_000, threshold = 0.5, window = 20, minimum = 5, openMs = 10_000, isFailure = () => true } = options;
  const isIll = (error: unknown): boolean => error instanceof CallTimeout || isFailure(error);
  const policy = circuitBreaker(handleWhen(isIll), {
    halfOpenAfter: openMs,
    breaker: new CountBreaker({ threshold, size: window, minimumNumberOfCalls: minimum }),
  });
  const guarded = async <T>(call: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> => {
    // cockatiel lets other calls wait for the one that probes; a user should get the degraded answer now.
    if (policy.state === CircuitState.HalfOpen) throw new CircuitOpen(name, openMs);
    let called = false;
    try {
      return await policy.execute(() => {
        called = true;
        return inTime(name, timeoutMs, call);
      });
    } catch (error) {
      throw called ? error : new CircuitOpen(name, openMs);
    }
  };
  const outcomeOf = (error: unknown): CallOutcome => {
    if (error instanceof CircuitOpen) return 'rejected';
    if (error instanceof CallTimeout) return 'timeout';
    return isFailure(error) ? 'failure' : 'success';
  };
  const state = (): BreakerState => STATES[policy.state];
  counters.watch(name, state);
  return {
    name,
    state,
    run: async (call, fallback) => {
      try {
        const answer = await guarded(call);
        counters.count(name, 'success');
        return answer;
      } catch (error) {
        const outcome = outcomeOf(error);
        counters.count(name, outcome);
        if (fallback === undefined || outcome === 'success') throw error;
        counters.count(name, 'fallback');
        return fallback(error);
      }
    },
  };
}
