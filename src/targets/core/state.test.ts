import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GroupSpec, ProcessSpec } from './group.ts';
import { checkGroupId, identityOf } from './spec.ts';
import { EMPTY_STATE, memoryOf, portsOf, remembering, unwanting, wanting, without, type SupervisorState } from './state.ts';

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
const wanted = wanting(EMPTY_STATE, 1, spec);
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
          const call = (): SupervisorState => (remove ? unwanting(state, fence, id) : wanting(state, fence, { ...spec, id }));
          if (fence < highest) expect(call).toThrow(expect.objectContaining({ code: 'fenced' }) as Error);
          else state = call();
          highest = Math.max(highest, fence);
        }
        expect(wanting(state, 0, { ...spec, id: 's/other/blue', environment: 'other' }).groups['s/other/blue']).toBeDefined();
      }),
    );
  });
});

describe('wanting', () => {
  test('the same group again is the same state', () => {
    expect(wanting(wanted, 1, structuredClone(spec))).toBe(wanted);
    const reordered = Object.fromEntries(Object.entries(spec).reverse()) as unknown as GroupSpec;
    expect(wanting(wanted, 1, reordered)).toBe(wanted);
  });

  test('scaling and another health check keep what is known; anything else begins afresh on the same port', () => {
    const before = used(wanted);
    for (const change of [{ instances: 5 }, { health: { kind: 'alive', forMs: 9 } as const }]) {
      expect(memoryOf(wanting(before, 1, withWeb(change)), name)).toEqual(memoryOf(before, name));
    }
    for (const change of [{ argv: ['x'] }, { env: { A: '1' } }, { stopGraceMs: 11 }]) {
      expect(memoryOf(wanting(before, 1, withWeb(change)), name)).toMatchObject({ port: 20_001, everReady: false, settledRun: 0 });
    }
    expect(memoryOf(wanting(before, 1, { ...spec, version: '2' }), name)).toMatchObject({ everReady: false });
    expect(memoryOf(wanting(before, 1, withWeb({ port: false })), name)?.port).toBeNull();
    expect(memoryOf(wanting(before, 1, withWeb({ instances: 0 })), name)).toBeNull();
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
    const again = wanting(removing, 1, spec);
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
  const next = wanting(wanted, 1, { ...spec, version: '2' });
  expect(remembering(next, { ...name, identity }, { everReady: true })).toBe(next);
});

test('a group id is three names, none of which can leave a folder', () => {
  checkGroupId('shop/prd/blue');
  for (const bad of ['', 'a', 'a/b', 'a/b/c/d', '../b/c', 'a//c', 'a/b/', 'a/b/.c', 'a/b/c\n', 'a/b/c d']) {
    expect(() => checkGroupId(bad), bad).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
  }
});
