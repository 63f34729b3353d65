import { describe, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import type { InstancePhase } from '../../targets/index.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { rehearseStep } from './rehearse.ts';

const plan = aPlan();
const found = plan.steps.find(({ id }) => id === 'verify.rehearse')!;

/** Rehearses an old version in this phase, of which nothing else can be asked: it declares no check. */
async function rehearse(phase: InstancePhase, changesData: boolean) {
  const input = { ...found.input, temporary: false, changesData };
  const spec = input as unknown as {
    readonly group: { readonly id: string; readonly processes: readonly { name: string; instances: number }[] };
  };
  const instances = spec.group.processes.flatMap(({ name, instances: many }) =>
    Array.from({ length: many }, (_, index) => ({
      process: name,
      index,
      phase,
      restarts: 0,
      port: 1,
      lastExit: null,
      health: { reason: 'x' },
    })),
  );
  const group = { spec: { ...spec.group, directory: '/nowhere' }, stopAt: null, instances };
  const deps = {
    home: '/nowhere',
    target: { inspect: async () => group, output: async () => [] },
    databaseFor: async () => null,
    environmentFor: async () => ({}),
  } as unknown as StepDeps;
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
  const smoke = { ...plan.definition.smoke, expectVersion: false };
  const context = { plan, step: { ...found, input: { ...input, smoke } }, fence: 1, effects: { clock }, note: () => undefined };
  return rehearseStep(deps)({ ...context, signal: new AbortController().signal } as unknown as StepContext);
}

describe('a rehearsal on unchanged data', () => {
  it('that stays unknown is unknown: nobody has seen that the version was broken before', async () => {
    expect(await rehearse('ready', false)).toMatchObject({ verdict: 'unknown' });
    expect(await rehearse('ready', true)).toMatchObject({ verdict: 'unknown' });
  });

  it('that fails does not hold the release back, which did not cause it; on changed data it does', async () => {
    expect(await rehearse('failed', false)).toMatchObject({ verdict: 'pass', reason: expect.stringContaining('did not cause') as string });
    expect(await rehearse('failed', true)).toMatchObject({ verdict: 'fail' });
  });
});
