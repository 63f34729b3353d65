import { describe, expect, it } from 'vitest';
import { SlipwayError, type Clock } from '../../kernel/index.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { routeStep } from './route.ts';

/** A clock on which only sleeping takes time. */
function virtualClock(): Clock {
  let now = 0;
  return { now: () => now, monotonic: () => now, sleep: async (ms) => void (now += ms) };
}

/** Holds a route whose requests in flight are `left` at each look, the last one for ever. */
async function hold(left: readonly number[]) {
  let look = 0;
  const inspect = async () => ({ inFlight: left[Math.min(look++, left.length - 1)] });
  const deps = { router: { apply: async () => undefined, inspect } } as unknown as StepDeps;
  const input = { id: 'shop/dev', listen: { host: '127.0.0.1', port: 1 }, mode: 'hold', backends: [] };
  const clock = virtualClock();
  const context = { step: { input }, fence: 1, signal: new AbortController().signal, effects: { clock }, note: () => undefined };
  return routeStep(deps)(context as unknown as StepContext);
}

describe('a route that is opened after a backup', () => {
  /** Opens it while the instance goes through these phases; answers at how many looks it had been applied. */
  async function open(phases: readonly string[], step = 'backup.open') {
    let [looks, appliedAt] = [0, -1];
    const inspect = async () => ({ instances: [{ process: 'api', index: 0, phase: phases[Math.min(looks++, phases.length - 1)] }] });
    const router = { apply: async () => void (appliedAt = looks), inspect: async () => ({ inFlight: 0 }) };
    const backends = [{ group: 'shop/dev/blue', version: '1.0.0', weight: 100, process: 'api' }];
    const input = { id: 'shop/dev', listen: { host: '127.0.0.1', port: 1 }, mode: 'open', backends };
    const clock = virtualClock();
    const context = {
      step: { id: step, input },
      fence: 1,
      signal: new AbortController().signal,
      effects: { clock },
      note: () => undefined,
    };
    const { verdict } = await routeStep({ router, target: { inspect } } as unknown as StepDeps)(context as unknown as StepContext);
    return { verdict, appliedAt, waitedMs: clock.now() };
  }

  it('lets users wait until what serves is back', async () => {
    expect(await open(['backoff', 'starting', 'ready'])).toEqual({ verdict: 'pass', appliedAt: 3, waitedMs: 500 });
    expect(await open(['ready'])).toMatchObject({ appliedAt: 1, waitedMs: 0 });
  });

  it('does not let them wait for ever, nor after anything else', async () => {
    expect(await open(['backoff'])).toMatchObject({ verdict: 'pass', waitedMs: 15_000 });
    expect(await open(['backoff'], 'deploy.switch')).toMatchObject({ appliedAt: 0, waitedMs: 0 });
  });
});

describe('a route whose address somebody else has', () => {
  /** Applies a route to a router that refuses, as the port says it does. */
  async function set(stage: string, mode: string, code: 'port_in_use' | 'agent_unreachable') {
    const refusal = new SlipwayError(code, 'somebody listens on 127.0.0.1:1');
    const router = { apply: () => Promise.reject(refusal), inspect: async () => null };
    const input = { id: 'shop/dev', listen: { host: '127.0.0.1', port: 1 }, mode, backends: [] };
    const context = { step: { stage, input }, fence: 1, effects: { clock: virtualClock() } };
    return routeStep({ router } as unknown as StepDeps)(context as unknown as StepContext);
  }

  it('fails for good, having changed nothing; on the way back it is tried again', async () => {
    const reason = 'somebody listens on 127.0.0.1:1 (port_in_use). Stop what listens there, or choose another port.';
    expect(await set('deploy', 'open', 'port_in_use')).toEqual({ verdict: 'fail', reason, retry: false, facts: { changed: false } });
    expect(await set('rollback', 'open', 'port_in_use')).toMatchObject({ verdict: 'fail', retry: true });
  });

  it('has nothing to close', async () => {
    expect(await set('rollback', 'closed', 'port_in_use')).toMatchObject({ verdict: 'pass', facts: { mode: 'none' } });
  });

  it('is not known to be as it was when the router did not answer', async () => {
    await expect(set('deploy', 'open', 'agent_unreachable')).rejects.toMatchObject({ code: 'agent_unreachable' });
  });
});

describe('holding traffic', () => {
  it('waits for the requests in flight', async () => {
    expect(await hold([2, 1, 0])).toMatchObject({ verdict: 'pass', reason: 'traffic is held', facts: { heldMs: 100 } });
  });

  it('does not wait for ever for one that never ends', async () => {
    expect(await hold([1])).toMatchObject({ verdict: 'pass', facts: { heldMs: 30_000, inFlight: 1 } });
  });
});
