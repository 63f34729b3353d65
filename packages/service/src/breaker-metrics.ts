import { Counter, Gauge, type Registry } from 'prom-client';
import type { BreakerState } from './endpoints.ts';

export type CallOutcome = 'success' | 'failure' | 'timeout' | 'rejected' | 'fallback';

export interface BreakerCounters {
  count(breaker: string, outcome: CallOutcome): void;
  /** Asks for the state whenever metrics are read. */
  watch(breaker: string, state: () => BreakerState): void;
}

const STATES: readonly BreakerState[] = ['closed', 'half-open', 'open'];

/** One series per breaker and state, 1 for the state it is in, as OpenMetrics writes a state set. */
export function createBreakerCounters(registry: Registry): BreakerCounters {
  const watched = new Map<string, () => BreakerState>();
  const calls = new Counter({
    name: 'circuit_breaker_calls_total',
    help: 'Calls through a breaker; a rejected one was not made, a fallback answered in its place.',
    labelNames: ['breaker', 'outcome'],
    registers: [registry],
  });
  registry.registerMetric(
    new Gauge({
      name: 'circuit_breaker_state',
      help: '1 for the state a breaker is in.',
      labelNames: ['breaker', 'state'],
      registers: [],
      collect() {
        for (const [breaker, now] of watched) for (const state of STATES) this.set({ breaker, state }, now() === state ? 1 : 0);
      },
    }),
  );
  return {
    count: (breaker, outcome) => calls.inc({ breaker, outcome }),
    watch: (breaker, state) => void watched.set(breaker, state),
  };
}
