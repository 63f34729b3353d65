import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../../test/support/definition.ts';
import { aMigration, aPlan, aPlanInput } from '../../../../test/support/plan.ts';
import { DEFAULT_POLICY, ERRORS } from '../../../analysis/index.ts';
import type { CanaryDefinition, Definition } from '../definition.ts';
import type { Plan } from '../plan.ts';
import { servingOf } from '../serving.ts';
import type { PlanInput } from './input.ts';

const canary: CanaryDefinition = {
  checkpoints: [
    { weight: 25, forMs: 1_000, pause: false },
    { weight: 50, forMs: 1_000, pause: false },
  ],
  everyMs: 500,
  policy: DEFAULT_POLICY,
};
const many = (instances: number): Definition['processes'] => aDefinition().processes.map((process) => ({ ...process, instances }));
const chosen = (overrides: Partial<PlanInput>): Plan['strategy'] => aPlan(overrides).strategy;
const named = (name: Definition['strategy']['name'], more: Partial<Definition> = {}): Partial<PlanInput> => ({
  definition: aDefinition({ strategy: { name, because: 'a test', canary }, ...more }),
});
const running = (plan: Plan): readonly string[] => plan.steps.filter(({ skip }) => skip === null).map(({ id }) => id);

/** Instances of the two processes that a step asks for, as `api/worker`. */
function instancesOf(plan: Plan, id: string): string {
  const processes = plan.steps.find((step) => step.id === id)?.input['processes'] as readonly { readonly instances: number }[];
  return processes.map(({ instances }) => instances).join('/');
}

describe('a cohort', () => {
  it('goes with every weight of a canary and with no other route', () => {
    const cohort = { key: { header: 'x-user-id' }, sticky: true };
    const plan = aPlan({ definition: aDefinition({ strategy: { name: 'canary', because: 'a test', canary: { ...canary, cohort } } }) });
    const routes = plan.steps.filter(({ kind, skip }) => kind === 'route' && skip === null);
    const tied = routes.filter(({ input }) => input['cohort'] !== undefined);
    expect(tied.map(({ id, input }) => [id, input['cohort']])).toEqual([
      ['deploy.weight-25', cohort],
      ['deploy.weight-50', cohort],
    ]);
    expect(routes.length).toBeGreaterThan(2);
  });
});

describe('the strategy', () => {
  it.each([
    ['few instances', {}, 'blue-green'],
    ['many instances', { definition: aDefinition({ processes: many(4) }) }, 'rolling'],
    ['many instances of a first release', { definition: aDefinition({ processes: many(4) }), previous: null }, 'blue-green'],
    ['many instances and a new schema', { definition: aDefinition({ processes: many(4) }), migrations: [aMigration('app')] }, 'blue-green'],
    ['a schema the old version cannot live with', { migrations: [aMigration('restore')], perMinute: 10_000 }, 'recreate'],
    ['no traffic', { definition: aDefinition({ listen: null }), perMinute: 10_000 }, 'recreate'],
    ['much traffic and a canary in slipway.yaml', { ...named('auto'), perMinute: 600 }, 'canary'],
    ['less traffic and a canary in slipway.yaml', { ...named('auto'), perMinute: 599 }, 'blue-green'],
  ] as const)('of %s', (_what, overrides, name) => {
    expect(chosen(overrides)).toMatchObject({ name, recommended: name });
  });

  it('recommends a canary to a busy service, and does not begin a day of it unasked', () => {
    expect(chosen({ perMinute: 600 })).toMatchObject({ name: 'blue-green', recommended: 'canary' });
    expect(chosen({ ...named('auto'), perMinute: null }).because).toContain('its traffic is not known');
  });

  it('says how long a canary takes where its schedule is too short for the traffic', () => {
    expect(chosen({ perMinute: 600 }).because).toMatch(
      /As a canary: at 600 requests a minute it takes about 2h34m at the least to prove a good version good at 5 %, not 1h \(4600 requests without an error.*promote/,
    );
    expect(chosen({ perMinute: 6_000 }).because).not.toContain('at the least');
    const own = { ...canary, checkpoints: [25, 50].map((weight) => ({ weight, forMs: 1_200_000, pause: false })) };
    const strategy = { name: 'canary', because: 'a test', canary: own } as const;
    const { because } = chosen({ definition: aDefinition({ strategy }), perMinute: 600 });
    expect(because).toMatch(
      /^a test. As a canary: .* about 31m at the least .* at 25 %, not 20m .*, all weights together about 51m; until then it is held/,
    );
  });

  it('is the one that was named, with its reason, beside the one that is recommended', () => {
    expect(chosen(named('rolling'))).toEqual({ name: 'rolling', recommended: 'blue-green', because: 'a test' });
    expect(chosen({ ...named('rolling'), migrations: [aMigration('restore')] })).toMatchObject({
      name: 'recreate',
      recommended: 'recreate',
    });
    const { previous } = aPlanInput({ definition: aDefinition({ listen: null }) });
    expect(chosen({ ...named('rolling'), previous }).because).toContain(
      'rolling was asked for, but only one of it and 1.0.0 takes traffic',
    );
  });
});

describe('a rolling update', () => {
  const plan = aPlan(named('rolling', { processes: many(2) }));

  it('starts, shares, watches and retires in turn, and keeps nothing warm', () => {
    const ids = running(plan);
    expect(ids.slice(ids.indexOf('deploy.start'), ids.indexOf('verify.live'))).toEqual([
      'deploy.start',
      'verify.smoke',
      'verify.rehearse',
      'deploy.share-33',
      'deploy.watch-1',
      'deploy.share-50',
      'deploy.retire-1',
      'deploy.add-2',
      'deploy.share-67',
      'deploy.watch-2',
      'deploy.switch',
      'deploy.retire-2',
    ]);
    expect(ids).toContain('observe.stop-old');
    expect([instancesOf(plan, 'deploy.start'), instancesOf(plan, 'deploy.retire-1'), instancesOf(plan, 'deploy.retire-2')]).toEqual([
      '1/1',
      '1/1',
      '0/0',
    ]);
  });

  it('goes back to all old instances before users come back, from every step', () => {
    for (const id of ['deploy.share-33', 'deploy.retire-1', 'deploy.switch', 'deploy.retire-2'])
      expect(plan.undo[id]?.map((step) => step.id)).toEqual(['rollback.start-old', 'rollback.open-old']);
  });
});

describe('the workers of a canary', () => {
  const processes = aDefinition().processes.map((process) => (process.routed ? process : { ...process, instances: 4 }));
  const plan = aPlan({ ...named('canary', { processes }) });

  it('follow its weight by instances, none is without a worker, and all are new before users are', () => {
    expect(instancesOf(plan, 'deploy.start')).toBe('2/1');
    expect([instancesOf(plan, 'deploy.retire-25'), instancesOf(plan, 'deploy.workers-50'), instancesOf(plan, 'deploy.retire-50')]).toEqual([
      '2/3',
      '2/2',
      '2/2',
    ]);
    expect(instancesOf(plan, 'deploy.workers-100')).toBe('2/4');
    const ids = running(plan);
    expect(ids.indexOf('deploy.workers-50')).toBeLessThan(ids.indexOf('deploy.weight-50'));
    expect(ids.indexOf('deploy.workers-100')).toBeLessThan(ids.indexOf('deploy.switch'));
  });

  it('bring users back first, then their old workers', () => {
    expect(plan.undo['deploy.retire-25']?.map((step) => step.id)).toEqual(['rollback.open-old', 'rollback.start-old']);
  });

  it('run beside the old one where there is only one', () => {
    expect(running(aPlan(named('canary'))).filter((id) => id.includes('workers'))).toEqual([]);
  });

  const jobs: NonNullable<Definition['metrics']>[number] = {
    name: 'jobs',
    source: { from: 'command', argv: ['node', 'jobs.mjs'], env: {}, everyMs: 1_000, timeoutMs: 5_000 } as never,
    slowerThan: null,
    policy: { ...ERRORS, name: 'jobs' },
  };
  const policy = { ...DEFAULT_POLICY, metrics: [...DEFAULT_POLICY.metrics, jobs.policy] };
  const unrouted = (instances: number, metrics: Definition['metrics'] = [jobs]): Partial<PlanInput> => {
    const processes = aDefinition().processes.flatMap((process) => (process.routed ? [] : [{ ...process, instances }]));
    const definition = aDefinition({
      listen: null,
      processes,
      strategy: { name: 'canary', because: 'a test', canary: { ...canary, policy } },
    });
    const given = metrics === undefined ? definition : { ...definition, metrics };
    return { definition: given, previous: { ...aPlanInput().previous!, definition: given } };
  };

  it('are the canary of a service without traffic, judged by what it declares alone', () => {
    const alone = aPlan(unrouted(4));
    expect(running(alone).filter((id) => id.startsWith('deploy.'))).toEqual([
      'deploy.start',
      'deploy.retire-25',
      'deploy.judge-25',
      'deploy.workers-50',
      'deploy.retire-50',
      'deploy.judge-50',
      'deploy.workers-100',
      'deploy.quiet-old',
    ]);
    const judge = alone.steps.find(({ id }) => id === 'deploy.judge-25')?.input;
    expect(judge).toMatchObject({ route: null, policy: { metrics: [{ name: 'jobs' }] } });
    expect(alone.undo['deploy.retire-25']?.map(({ id }) => id)).toEqual(['rollback.start-old']);
    expect(alone.steps.find(({ id }) => id === 'deploy.quiet-old')?.kind).toBe('remove-group');
    // A guest until it has most of them.
    const at = (id: string) => servingOf(alone, { step: alone.steps.find((step) => step.id === id)!, known: true, before: null });
    expect([at('deploy.start'), at('deploy.workers-50'), at('deploy.workers-100')]).toEqual(['previous', 'previous', 'new']);
  });

  it.each([
    ['there is one of them', unrouted(1), 'no process of it has several instances'],
    ['nothing is counted of their work', unrouted(4, []), 'declares no `metrics`'],
  ] as const)('are no canary where %s', (_what, input, reason) => {
    expect(chosen(input)).toMatchObject({ name: 'recreate', because: expect.stringContaining(reason) as string });
  });
});
