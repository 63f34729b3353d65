import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
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

/** Names the points, comma between them (`point#n`: its n-th passing; `*`: every point), at which the process kills itself; set by crash tests. */
export const FAULT_VARIABLE = 'SLIPWAY_FAULT_AT';

/** A folder that remembers which points have struck, so that each strikes once however often the process is started again. */
const FAULT_ONCE_VARIABLE = 'SLIPWAY_FAULT_ONCE';

/**
 * Fault points. Off unless {@link FAULT_VARIABLE} names one; then the process dies there as by `kill -9`,
 * which is the only way to prove that nothing depends on a clean exit.
 */
export function createFaults(environment: Readonly<Record<string, string | undefined>>): Faults {
  const spec = environment[FAULT_VARIABLE];
  if (spec === undefined || spec === '') return { at: () => undefined };
  const wanted = new Map(spec.split(',').map((one) => [one.split('#')[0], Number(one.split('#')[1] ?? 1)]));
  const once = environment[FAULT_ONCE_VARIABLE];
  const passed = new Map<string, number>();
  return {
    at: (name) => {
      const times = (passed.get(name) ?? 0) + 1;
      passed.set(name, times);
      const here = wanted.has('*') || wanted.get(name) === times;
      if (here && (once === undefined || firstTime(once, name))) process.kill(process.pid, 'SIGKILL');
    },
  };
}

function firstTime(folder: string, point: string): boolean {
  try {
    closeSync(openSync(join(folder, point), 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
