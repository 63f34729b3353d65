import type { RouteSpec } from '../../traffic/index.ts';
import type { StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** How often a drain is looked at. */
const LOOK_MS = 50;

/** Sets the route and, when it now holds or closes, waits until the requests in flight have ended. */
export function routeStep({ router }: StepDeps): StepExecutor {
  return async ({ step, fence, signal, effects, note }) => {
    const spec = as<RouteSpec>(step.input);
    await router.apply(fence, spec);
    const where = spec.backends.map((backend) => `${backend.version} ${backend.weight} %`).join(', ') || 'nowhere';
    note(`route ${spec.id} is ${spec.mode}, traffic to ${where}`);
    const startedAt = effects.clock.monotonic();
    for (;;) {
      const state = await router.inspect(spec.id);
      if (state === null) return { verdict: 'unknown', reason: `the router does not know the route ${spec.id}`, retry: true };
      const facts = { mode: spec.mode, where, heldMs: Math.round(effects.clock.monotonic() - startedAt) };
      if (spec.mode === 'open' || state.inFlight === 0) return { verdict: 'pass', reason: `traffic ${spec.mode === 'open' ? `goes to ${where}` : `is ${spec.mode === 'hold' ? 'held' : 'closed'}`}`, facts };
      signal.throwIfAborted();
      await effects.clock.sleep(LOOK_MS, signal);
    }
  };
}
