import { SlipwayError } from '../../kernel/index.ts';
import type { Router, RouteSpec } from '../../traffic/index.ts';
import type { StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** How often a drain is looked at. */
const LOOK_MS = 50;
/** A WebSocket or an event stream never ends by itself: it must not keep everybody else waiting, and ends with its process. */
const DRAIN_MS = 30_000;

/** Sets the route and, when it now holds or closes, waits until the requests in flight have ended, or long enough. */
export function routeStep({ router }: StepDeps): StepExecutor {
  return async ({ step, fence, signal, effects, note }) => {
    const spec = as<RouteSpec>(step.input);
    if (!(await setRoute(router, fence, spec)))
      return {
        verdict: 'pass',
        reason: `the route was never opened: another program listens on ${spec.listen.host}:${spec.listen.port}`,
        facts: { mode: 'none' },
      };
    const where = spec.backends.map((backend) => `${backend.version} ${backend.weight} %`).join(', ') || 'nowhere';
    note(`route ${spec.id} is ${spec.mode}, traffic to ${where}`);
    const startedAt = effects.clock.monotonic();
    for (;;) {
      const state = await router.inspect(spec.id);
      if (state === null) return { verdict: 'unknown', reason: `the router does not know the route ${spec.id}`, retry: true };
      const heldMs = Math.round(effects.clock.monotonic() - startedAt);
      const facts = { mode: spec.mode, where, heldMs };
      if (spec.mode === 'open') return { verdict: 'pass', reason: `traffic goes to ${where}`, facts };
      const done = spec.mode === 'hold' ? 'held' : 'closed';
      if (state.inFlight === 0) return { verdict: 'pass', reason: `traffic is ${done}`, facts };
      if (heldMs >= DRAIN_MS)
        return {
          verdict: 'pass',
          reason: `traffic is ${done}; ${state.inFlight} requests did not end within ${DRAIN_MS / 1_000} s and end with their process`,
          facts: { ...facts, inFlight: state.inFlight },
        };
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
