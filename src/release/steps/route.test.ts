import { describe, expect, it } from 'vitest';
import type { Clock } from '../../kernel/index.ts';
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

describe('holding traffic', () => {
  it('waits for the requests in flight', async () => {
    expect(await hold([2, 1, 0])).toMatchObject({ verdict: 'pass', reason: 'traffic is held', facts: { heldMs: 100 } });
  });

  it('does not wait for ever for one that never ends', async () => {
    expect(await hold([1])).toMatchObject({ verdict: 'pass', facts: { heldMs: 30_000, inFlight: 1 } });
  });
});
