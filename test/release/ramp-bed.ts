import { systemClock, systemIds, type Clock } from '../../src/kernel/index.ts';
import { runRamps, type RampPlan } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { OFF_FLAG } from '../support/flag.ts';
import { NODE, rampDeps } from './ramp-child.ts';
import { rampPlan, stepsOf } from './ramp-world.ts';

/** What is ramped. */
export const KEY = 'release_checkout';

let count = 0;

/** A flag that is off, in an environment of its own, and a ramp of it that nobody has begun; a Prometheus on this port judges it. */
export async function planned(store: OpenStore, port: number, steps: readonly string[]): Promise<RampPlan> {
  const environment = `env-${(count += 1)}`;
  await store.flags.commit({
    environment,
    actor: 'ann',
    reason: 'new',
    action: 'create',
    acknowledge: false,
    writes: [
      { kind: 'flag', key: KEY, revision: null, after: OFF_FLAG },
      {
        kind: 'segment',
        key: 'staff',
        revision: null,
        after: { description: '', when: { attribute: 'staff', operator: 'eq', value: true } },
      },
    ],
  });
  const source = {
    from: 'prometheus',
    url: `http://127.0.0.1:${port}`,
    token: null,
    ask: { kind: 'gauge', gauge: 'max(latency{flag="{{version}}"})' },
    everyMs: 50,
    timeoutMs: 60_000,
  } as const;
  const gate = {
    policy: null,
    router: false,
    metrics: [],
    guards: [{ name: 'latency', above: 0.5, forMs: 0, source, about: 'variant' }],
  } as const;
  const ramp = systemIds.release(systemClock.now());
  return rampPlan({ ramp, environment, steps: stepsOf(steps), gate, everyMs: 100, node: NODE, revision: 1 });
}

/** Drives ramps in this process while `work` runs, by this clock. */
export async function drivingIn<T>(store: OpenStore, work: () => Promise<T>, clock: Clock = systemClock): Promise<T> {
  const stop = new AbortController();
  const worker = runRamps(rampDeps(store, undefined, clock), NODE, stop.signal);
  try {
    return await work();
  } finally {
    stop.abort();
    await worker;
  }
}
