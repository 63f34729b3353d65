import { SlipwayError } from '../../kernel/index.ts';
import type { Router, RouteSpec } from '../../traffic/index.ts';
import type { StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** How often a drain is looked at. */
const LOOK_MS = 50;

/** Sets the route and, when it now holds or closes, waits until the requests in flight have ended. */
export function routeStep({ router }: StepDeps): StepExecutor {
  return async ({ step, fence, signal, effects, note }) => {
    const spec = as<RouteSpec>(step.input);
    if (!(await setRoute(router, fence, spec))) return { verdict: 'pass', reason: `the route was never opened: another program listens on ${spec.listen.host}:${spec.listen.port}`, facts: { mode: 'none' } };
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

/** False when a route that was to be closed does not exist, because its port was never ours: there is nothing to close. */
async function setRoute(router: Router, fence: number, spec: RouteSpec): Promise<boolean> {
  try {
    await router.apply(fence, spec);
    return true;
  } catch (error) {
    const taken = error instanceof SlipwayError && error.code === 'port_in_use';
    if (!taken || spec.mode !== 'closed' || (await router.inspect(spec.id)) !== null) throw error;
    return false;
  }
}
