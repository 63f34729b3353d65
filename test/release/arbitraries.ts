import fc from 'fast-check';
import { DEFAULT_POLICY } from '../../src/analysis/index.ts';
import type { CanaryDefinition, NewEvent, Plan } from '../../src/release/index.ts';
import { aDefinition } from '../support/definition.ts';
import { aMigration, aPlan, aPlanInput } from '../support/plan.ts';
import type { Twist } from './simulate.ts';

const people: fc.Arbitrary<NewEvent> = fc.constantFrom<NewEvent>(
  { type: 'pause.requested', data: { reason: 'lunch' } },
  { type: 'resume.requested', data: { reason: 'back' } },
  { type: 'resume.requested', data: { reason: 'again' } },
  { type: 'abort.requested', data: { reason: 'changed my mind' } },
  { type: 'rollback.requested', data: { reason: 'looks wrong', acceptDataLoss: false } },
  { type: 'rollback.requested', data: { reason: 'looks wrong', acceptDataLoss: true } },
  { type: 'approval.given', data: { decision: 'approve', reason: '' } },
  { type: 'approval.given', data: { decision: 'reject', reason: 'no' } },
  { type: 'promote.requested', data: { reason: 'enough seen', step: 'deploy.judge-5' } },
  { type: 'promote.requested', data: { reason: 'urgent', step: null } },
  { type: 'stuck.accepted', data: { reason: 'repaired by hand' } },
);

export const twists: fc.Arbitrary<Twist> = fc.oneof(
  fc.record({
    kind: fc.constant('outcome' as const),
    verdict: fc.constantFrom('fail' as const, 'unknown' as const),
    retry: fc.boolean(),
    half: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('crash' as const), after: fc.constantFrom('intent' as const, 'half' as const, 'effect' as const) }),
  fc.record({ kind: fc.constant('person' as const), event: people }),
  fc.record({ kind: fc.constant('clock' as const), jump: fc.integer({ min: -100_000, max: 100_000 }) }),
  fc.record({ kind: fc.constant('waits' as const) }),
  fc.record({ kind: fc.constant('pointless' as const) }),
);

/** Two checkpoints, of which a person ends the second if `pause`. */
function aCanary(pause: boolean): CanaryDefinition {
  const checkpoints = [
    { weight: 5, forMs: 50_000, pause: false },
    { weight: 40, forMs: 0, pause },
  ];
  return { checkpoints, everyMs: 500, policy: DEFAULT_POLICY };
}

/** A quiet start of any length, so that trouble comes early, in the middle and during the rollback alike; then people. */
export const schedules = fc
  .tuple(fc.nat(16), fc.array(fc.option(twists, { nil: null, freq: 2 }), { maxLength: 40 }), fc.array(people, { maxLength: 4 }))
  .map(([quiet, trouble, late]) => [
    ...Array.from({ length: quiet }, () => null),
    ...trouble,
    ...late.map((event) => ({ kind: 'person' as const, event })),
  ]);

/** So many of everything: of what users reach, and of what works in the background. */
function withInstances(instances: number): ReturnType<typeof aDefinition>['processes'] {
  return aDefinition().processes.map((process) => ({ ...process, instances }));
}

const CHOICES = {
  migration: fc.constantFrom('none' as const, 'app' as const, 'reversible' as const, 'restore' as const),
  first: fc.boolean(),
  quiet: fc.boolean(),
  automatic: fc.boolean(),
  strategy: fc.constantFrom('auto' as const, 'recreate' as const, 'rolling' as const, 'blue-green' as const, 'canary' as const),
  instances: fc.constantFrom(1, 2, 5),
  instancesBefore: fc.constantFrom(1, 2, 5),
  surge: fc.constantFrom(0, 1, 3),
  pause: fc.boolean(),
  listens: fc.boolean(),
  listened: fc.boolean(),
  warmMs: fc.constantFrom(0, 60_000),
  flags: fc.boolean(),
};

/** Plans of which something is chosen already: most of those of every kind would be thrown away. */
export function plansWith(chosen: Partial<typeof CHOICES>): fc.Arbitrary<Plan> {
  return fc
    .record({ ...CHOICES, ...chosen })
    .map(({ migration, first, quiet, automatic, strategy, pause, listens, listened, warmMs, instances, instancesBefore, surge, flags }) => {
      const base = aDefinition();
      const definition = aDefinition({
        strategy: {
          name: strategy,
          because: null,
          canary: aCanary(pause),
          rolling: { surge: { count: surge }, unavailable: { count: 1 }, pauseMs: 1_000 },
        },
        processes: withInstances(instances),
        rollback: { ...base.rollback, automatic, warmMs },
        listen: listens ? base.listen : null,
        ...(flags ? { flags: ['release_checkout'] } : {}),
      });
      const { previous } = aPlanInput({
        definition: { ...definition, processes: withInstances(instancesBefore), listen: listened ? base.listen : null },
      });
      return aPlan({
        definition,
        backupNeedsQuiet: quiet,
        migrations: migration === 'none' ? [] : [aMigration(migration)],
        previous: first ? null : previous,
      });
    });
}

/** Plans of every strategy, migration and way of listening. */
export const plans = plansWith({});
