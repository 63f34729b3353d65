import { PERIOD_MS, type BakeShape } from '../../../analysis/pure.ts';
import { formatDuration } from '../../../kernel/pure.ts';
import type { CanaryInput } from '../canary.ts';
import { declaredIn, nameSources } from '../canary-sources.ts';
import type { CanaryCheckpoint, CanaryDefinition } from '../definition.ts';
import type { Step } from '../plan.ts';
import type { Need } from '../set.ts';
import { allWorkers, workersAt } from './canary-workers.ts';
import { asJson, type Draft, type Part } from './draft.ts';
import { splitRouteSpec, type Side } from './group.ts';
import { step } from './input.ts';
import { companionsAt } from './set-steps.ts';

/** Looks at a checkpoint follow one another; what each saw is recorded when it ends. */
const NEXT_LOOK_MS = 0;

/**
 * One step that gives the canary its weight and one that judges it there, for each checkpoint. Each is undone by sending everybody
 * to the old version, which never stopped serving.
 */
export function canarySteps(draft: Draft): Part {
  const { input, newSide, old, undo, checkpoints } = draft;
  const { canary } = input.definition.strategy;
  if (old === null || canary === undefined) return { steps: [], undo: {} };
  const sides = { canary: newSide, stable: old };
  const shape = bakeShapeOf(checkpoints);
  const parts = checkpoints.flatMap((checkpoint): readonly Part[] => {
    const judged = stepsAt(checkpoint, sides, {
      canary,
      shape,
      companions: companionsAt(input.set, input.release, `deploy.judge-${checkpoint.weight}`),
    });
    return [workersAt(draft, checkpoint.weight), { steps: judged, undo: Object.fromEntries(judged.map(({ id }) => [id, undo.openOld])) }];
  });
  const all = [...parts, allWorkers(draft)];
  return { steps: all.flatMap(({ steps }) => steps), undo: Object.assign({}, ...all.map((part) => part.undo)) as Part['undo'] };
}

function stepsAt(
  checkpoint: CanaryCheckpoint,
  sides: { readonly canary: Side; readonly stable: Side },
  { canary, shape, companions }: { readonly canary: CanaryDefinition; readonly shape: BakeShape; readonly companions: readonly Need[] },
): readonly Step[] {
  const { weight, forMs, pause } = checkpoint;
  const { version, definition } = sides.canary;
  const share = shareStep(checkpoint, sides, canary);
  const declared = declaredIn(definition);
  const judged: CanaryInput = {
    route: share === null ? null : `${definition.service}/${definition.environment}`,
    canary: { group: sides.canary.group, version },
    stable: { group: sides.stable.group, version: sides.stable.version },
    weight,
    everyMs: canary.everyMs,
    policy: share === null ? ofDeclared(canary.policy, definition) : canary.policy,
    shape,
    maxRestarts: definition.observe.maxRestarts,
    ...declared,
    ...(companions.length === 0 ? {} : { companions }),
    instances: definition.processes.find(({ routed }) => routed)?.instances ?? 1,
  };
  const until = pause ? 'until somebody promotes it' : `for ${formatDuration(forMs)} and until it is proven good`;
  return [
    ...(share === null ? [] : [share]),
    step(
      'deploy',
      `judge-${weight}`,
      {
        kind: 'judge',
        title: `compare ${version} at ${weight} % with ${sides.stable.version}${nameSources(declared)}, ${until}`,
        input: asJson(judged) ?? {},
      },
      { repeat: { everyMs: NEXT_LOOK_MS, forMs: pause ? null : forMs }, holds: true },
    ),
  ];
}

/** Gives the canary its share of the users; null for a service without traffic, whose workers are the share. */
function shareStep(
  { weight }: CanaryCheckpoint,
  sides: { readonly canary: Side; readonly stable: Side },
  { cohort }: CanaryDefinition,
): Step | null {
  const split = splitRouteSpec(sides.canary, sides.stable, weight);
  if (split === null) return null;
  const input = cohort === undefined ? split : { ...split, cohort: asJson(cohort) };
  return step('deploy', `weight-${weight}`, { kind: 'route', title: `send ${weight} % of the users to ${sides.canary.version}`, input });
}

/** Without a router nobody counts requests: what the service declares is all there is to judge by. */
function ofDeclared(policy: CanaryInput['policy'], { metrics = [] }: Side['definition']): CanaryInput['policy'] {
  if (policy.kind !== 'sequential') return policy;
  return { ...policy, metrics: policy.metrics.filter(({ name }) => metrics.some((one) => one.name === name)) };
}

const DAY_MS = 86_400_000;

/** A canary may be held far beyond its schedule, and the chance of a false alarm is promised for all of its time. */
export function bakeShapeOf(checkpoints: readonly CanaryCheckpoint[]): BakeShape {
  const planned = checkpoints.reduce((sum, { forMs }) => sum + forMs, 0);
  const openEnded = checkpoints.some(({ forMs, pause }) => pause || forMs === 0);
  const ms = Math.max(planned, openEnded ? 7 * DAY_MS : DAY_MS);
  return { checkpoints: checkpoints.length, periods: Math.max(1, Math.ceil(ms / PERIOD_MS)) };
}
