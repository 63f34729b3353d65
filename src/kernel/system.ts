import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Clock, Faults, Ids } from './effects.ts';

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  },
};

/** Identifiers from the system's randomness. */
export const systemIds: Ids = {
  release: (now) => ulid(now).toLowerCase(),
  token: () => randomBytes(16).toString('hex'),
};

/** Names the one point (or `point#n`, its n-th passing) at which the process kills itself; set by crash tests. */
export const FAULT_VARIABLE = 'SLIPWAY_FAULT_AT';

/**
 * Fault points. Off unless {@link FAULT_VARIABLE} names one; then the process dies there as by `kill -9`,
 * which is the only way to prove that nothing depends on a clean exit.
 */
export function createFaults(spec: string | undefined): Faults {
  if (spec === undefined || spec === '') return { at: () => undefined };
  const [point, nth = '1'] = spec.split('#');
  let passed = 0;
  return {
    at: (name) => {
      if (name === point && ++passed === Number(nth)) process.kill(process.pid, 'SIGKILL');
    },
  };
}
