import { SlipwayError, type ErrorCode } from '../../kernel/index.ts';
import type { Router, RouteSpec } from '../../traffic/index.ts';
import type { Step } from '../core/plan.ts';
import type { Target } from '../../targets/index.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { nameOf } from './group.ts';
import { as } from './input.ts';

/** How often a drain is looked at. */
const LOOK_MS = 50;
/** A WebSocket or an event stream never ends by itself: it must not keep everybody else waiting, and ends with its process. */
const DRAIN_MS = 30_000;

/** Sets the route and, when it now holds or closes, waits until the requests in flight have ended, or long enough. */
export function routeStep({ router, target }: StepDeps): StepExecutor {
  return async ({ step, fence, signal, effects, note }) => {
    const spec = as<RouteSpec>(step.input);
    if (step.id === 'backup.open') await untilBack(target, spec, { effects, signal, note });
    const refused = await setRoute(router, fence, spec);
    if (refused !== null) return outcomeOfRefusal(router, { step, spec }, refused);
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

/** Users are held already, for as long as the router holds anybody. */
const BACK_WITHIN_MS = 15_000;
const BACK_LOOK_MS = 250;

/** A backup that had the database to itself ended every session, which not every program survives: users wait until it is back. */
async function untilBack(
  target: Target,
  { backends }: RouteSpec,
  { effects, signal, note }: Pick<StepContext, 'effects' | 'signal' | 'note'>,
): Promise<void> {
  const until = effects.clock.monotonic() + BACK_WITHIN_MS;
  for (;;) {
    const groups = await Promise.all(backends.filter(({ weight }) => weight > 0).map(({ group }) => target.inspect(group)));
    const away = groups.flatMap((group) => (group?.instances ?? []).filter(({ phase }) => phase !== 'ready'));
    if (away.length === 0 || signal.aborted || effects.clock.monotonic() >= until) return;
    note(`waiting for ${away.map((one) => `${nameOf(one)}, which is ${one.phase}`).join('; ')}`);
    await effects.clock.sleep(BACK_LOOK_MS, signal);
  }
}

/** What the router answers before it has touched the route: then nobody was sent anywhere. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['port_in_use', 'config_invalid']);

/** Null when the route is set, else the router's refusal. */
async function setRoute(router: Router, fence: number, spec: RouteSpec): Promise<SlipwayError | null> {
  try {
    await router.apply(fence, spec);
    return null;
  } catch (error) {
    if (error instanceof SlipwayError && REFUSALS.has(error.code)) return error;
    throw error;
  }
}

async function outcomeOfRefusal(
  router: Router,
  { step, spec }: { readonly step: Step; readonly spec: RouteSpec },
  { message, code, hint }: SlipwayError,
): Promise<StepOutcome> {
  // There is nothing to close, because its address was never ours.
  if (spec.mode === 'closed' && (await router.inspect(spec.id)) === null)
    return { verdict: 'pass', reason: `the route was never opened: ${message}`, facts: { mode: 'none', changed: false } };
  // On the way back users wait for nobody else: the address may be given back in a moment.
  const retry = step.stage === 'rollback';
  return { verdict: 'fail', reason: `${message} (${code}). ${hint}`, retry, facts: { changed: false } };
}
