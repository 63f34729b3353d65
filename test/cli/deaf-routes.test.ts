import { describe, expect, it } from 'vitest';
import { deafNote, deafRoute } from '../../src/cli/commands/shared/deaf-routes.ts';
import type { ListenAnswer, RouteState } from '../../src/traffic/index.ts';

const state = (listening: boolean): RouteState => ({
  spec: { id: 'shop/dev', listen: { host: '127.0.0.1', port: 8080 }, mode: 'open', backends: [] },
  inFlight: 0,
  held: 0,
  listening,
  endpoints: [],
});

/** A router that is seen to listen or not, look by look. */
function routerOf(answer: ListenAnswer, ...looks: readonly boolean[]) {
  const left = [...looks];
  return { inspect: async () => state(left.shift() ?? false), canListen: async () => answer };
}

const free: ListenAnswer = { verdict: 'pass', reason: '127.0.0.1:8080 is free', fix: null };
const taken: ListenAnswer = { verdict: 'fail', reason: 'node (pid 7) listens on 127.0.0.1:8080', fix: 'Stop what listens there.' };

describe('a route that users do not reach', () => {
  it('is none that was opened between two looks', async () => {
    expect(await deafRoute(routerOf(free, true), 'shop/dev')).toBeNull();
    expect(await deafRoute(routerOf(free, false, true), 'shop/dev')).toBeNull();
  });

  it('is told with who has its address, or that nobody has it', async () => {
    expect(await deafRoute(routerOf(taken, false), 'shop/dev')).toMatchObject({ reason: taken.reason, fix: taken.fix });
    expect(await deafRoute(routerOf(free, false, false), 'shop/dev')).toMatchObject({
      reason: 'its router has not opened 127.0.0.1:8080 yet',
    });
  });

  it('is told in whole sentences', () => {
    const note = 'note: users do not reach shop/dev: taken';
    const end = 'The agent takes the address by itself as soon as it can';
    expect(deafNote({ route: 'shop/dev', reason: 'taken', fix: null })).toBe(`${note}. ${end}`);
    expect(deafNote({ route: 'shop/dev', reason: 'taken', fix: 'Stop it.' })).toBe(`${note}. Stop it. ${end}`);
  });
});
