import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GroupSpec, ProcessSpec } from './group.ts';
import { checkGroupId, identityOf } from './spec.ts';
import { EMPTY_STATE, memoryOf, portsOf, remembering, expiring, unwanting, wanting, without, type SupervisorState } from './state.ts';

const web: ProcessSpec = {
  name: 'web',
  argv: ['run'],
  env: { A: '1', B: '2' },
  instances: 2,
  port: true,
  health: { kind: 'alive', forMs: 1 },
  stopGraceMs: 10,
};
const spec: GroupSpec = {
  id: 's/e/blue',
  service: 's',
  environment: 'e',
  version: '1',
  release: 'r',
  directory: '/d',
  processes: [web],
  envFile: null,
};
const withWeb = (change: Partial<ProcessSpec>): GroupSpec => ({ ...spec, processes: [{ ...web, ...change }] });
const name = { group: spec.id, process: 'web', index: 0 };
const wanted = wanting(EMPTY_STATE, 1, spec, 0);
const used = (state: SupervisorState): SupervisorState =>
  remembering(state, { ...name, identity: memoryOf(state, name)?.identity ?? '' }, { port: 20_001, everReady: true, settledRun: 3 });

describe('fences', () => {
  test('the highest fence ever seen for a service and environment stands, whatever the group', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ fence: fc.nat(5), slot: fc.constantFrom('blue', 'green'), remove: fc.boolean() })), (calls) => {
        let state = EMPTY_STATE;
        let highest = 0;
        for (const { fence, slot, remove } of calls) {
          const id = `s/e/${slot}`;
          const call = (): SupervisorState => (remove ? unwanting(state, fence, id) : wanting(state, fence, { ...spec, id }, 0));
          if (fence < highest) expect(call).toThrow(expect.objectContaining({ code: 'fenced' }) as Error);
          else state = call();
          highest = Math.max(highest, fence);
        }
        expect(wanting(state, 0, { ...spec, id: 's/other/blue', environment: 'other' }, 0).groups['s/other/blue']).toBeDefined();
      }),
    );
  });
});

describe('wanting', () => {
  test('the same group again is the same state', () => {
    expect(wanting(wanted, 1, structuredClone(spec), 0)).toBe(wanted);
    const reordered = Object.fromEntries(Object.entries(spec).reverse()) as unknown as GroupSpec;
    expect(wanting(wanted, 1, reordered, 0)).toBe(wanted);
  });

  test('an instance that was given up is tried afresh, one that was not goes on', () => {
    const two = wanting(EMPTY_STATE, 1, withWeb({ instances: 2 }), 0);
    const identity = memoryOf(two, name)?.identity ?? '';
    const before = remembering(two, { ...name, identity }, { gaveUp: true, port: 20_001 });
    const after = wanting(before, 1, withWeb({ instances: 2 }), 0);
    expect(memoryOf(after, name)).toMatchObject({ gaveUp: false, port: 20_001, settledRun: 0 });
    expect(memoryOf(after, name)?.identity).not.toBe(identity);
    expect(memoryOf(after, { ...name, index: 1 })).toBe(memoryOf(before, { ...name, index: 1 }));
    expect(wanting(after, 1, withWeb({ instances: 2 }), 0)).toBe(after);
  });

  test('a time to stop counts from when it was first asked for, and ends when the group is wanted without', () => {
    const warm = { ...spec, stopAfterMs: 100 };
    const state = wanting(wanted, 1, warm, 1_000);
    expect(wanting(state, 1, warm, 1_050)).toBe(state);
    expect(expiring(state, spec.id, 1_099)).toBe(state);
    expect(expiring(state, spec.id, 1_100).groups[spec.id]?.removing).toBe(true);
    const stays = wanting(state, 1, spec, 1_050);
    expect(expiring(stays, spec.id, 9_999)).toBe(stays);
    expect(memoryOf(stays, name)).toBe(memoryOf(wanted, name));
  });

  test('scaling and another health check keep what is known; anything else begins afresh on the same port', () => {
    const before = used(wanted);
    for (const change of [{ instances: 5 }, { health: { kind: 'alive', forMs: 9 } as const }]) {
      expect(memoryOf(wanting(before, 1, withWeb(change), 0), name)).toEqual(memoryOf(before, name));
    }
    for (const change of [{ argv: ['x'] }, { env: { A: '1' } }, { stopGraceMs: 11 }]) {
      expect(memoryOf(wanting(before, 1, withWeb(change), 0), name)).toMatchObject({ port: 20_001, everReady: false, settledRun: 0 });
    }
    expect(memoryOf(wanting(before, 1, { ...spec, version: '2' }, 0), name)).toMatchObject({ everReady: false });
    expect(memoryOf(wanting(before, 1, withWeb({ port: false }), 0), name)?.port).toBeNull();
    expect(memoryOf(wanting(before, 1, withWeb({ instances: 0 }), 0), name)).toBeNull();
  });

  test('the order of environment variables is no identity', () => {
    expect(identityOf(spec, { ...web, env: { B: '2', A: '1' } })).toBe(identityOf(spec, web));
  });
});

describe('removing', () => {
  test('a group on its way out wants nothing, and is gone only once it is not wanted again', () => {
    const removing = unwanting(used(wanted), 1, spec.id);
    expect(memoryOf(removing, name)).toBeNull();
    expect(unwanting(removing, 1, spec.id)).toBe(removing);
    expect(without(removing, spec.id).groups).toEqual({});
    const again = wanting(removing, 1, spec, 0);
    expect(memoryOf(again, name)).not.toBeNull();
    expect(without(again, spec.id)).toBe(again);
    expect(unwanting(EMPTY_STATE, 0, 'a/b/c')).toBe(EMPTY_STATE);
  });

  test('ports stay promised until the group is gone', () => {
    const removing = unwanting(used(wanted), 1, spec.id);
    expect([...portsOf(removing)]).toEqual([20_001]);
    expect([...portsOf(without(removing, spec.id))]).toEqual([]);
  });
});

test('what is learnt of an old definition does not change the new one', () => {
  const identity = memoryOf(wanted, name)?.identity ?? '';
  const next = wanting(wanted, 1, { ...spec, version: '2' }, 0);
  expect(remembering(next, { ...name, identity }, { everReady: true })).toBe(next);
});

test('a group id is three names, none of which can leave a folder', () => {
  checkGroupId('shop/prd/blue');
  for (const bad of ['', 'a', 'a/b', 'a/b/c/d', '../b/c', 'a//c', 'a/b/', 'a/b/.c', 'a/b/c\n', 'a/b/c d']) {
    expect(() => checkGroupId(bad), bad).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
  }
});
