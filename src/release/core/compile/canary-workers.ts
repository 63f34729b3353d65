import type { Step } from '../plan.ts';
import type { Draft, Part } from './draft.ts';
import { groupSpec, type Side, type Which } from './group.ts';
import { step } from './input.ts';
import { shareOfInstances } from './rolling-size.ts';

/**
 * Background processes that share their work (several instances of one queue worker) follow the canary's weight by instances: the new
 * version gets that share of them, at least one, and the old version the others. One that has a single instance runs beside the old
 * version's, as in blue-green.
 */
export function startOfWorkers({ newSide, old, checkpoints }: Draft): Which {
  const [first] = checkpoints;
  return old === null || first === undefined || !sharesWork(newSide) ? 'all' : freshWorkers(first.weight);
}

/** Moves workers before users are moved to the same weight. */
export function workersAt({ input, newSide, old, undo, checkpoints }: Draft, weight: number): Part {
  if (old === null || !sharesWork(newSide)) return NOTHING;
  const grow = apply(
    `workers-${weight}`,
    `${weight} % of the workers are of ${newSide.version}`,
    groupSpec(newSide, input.databaseUrl, freshWorkers(weight)),
  );
  const shrink = apply(
    `retire-${weight}`,
    `the other workers are of ${old.version}`,
    groupSpec(old, input.databaseUrl, oldWorkers(weight, newSide)),
  );
  // The first share was started with the version.
  const steps = weight === checkpoints[0]?.weight ? [shrink] : [grow, shrink];
  return { steps, undo: Object.fromEntries(steps.map(({ id }) => [id, [...undo.openOld, ...undo.startOld]])) };
}

/** All workers are the new version's before the old one's stop. */
export function allWorkers({ input, newSide, undo, checkpoints }: Draft): Part {
  if (checkpoints.length === 0 || !sharesWork(newSide)) return NOTHING;
  const all = apply('workers-100', `all workers of ${newSide.version}`, groupSpec(newSide, input.databaseUrl));
  return { steps: [all], undo: { [all.id]: [...undo.openOld, ...undo.startOld] } };
}

const NOTHING: Part = { steps: [], undo: {} };

function sharesWork({ definition }: Side): boolean {
  return definition.processes.some(({ routed, instances }) => !routed && instances > 1);
}

function freshWorkers(weight: number): Which {
  return ({ routed, instances }) => (routed || instances < 2 ? instances : shareOfInstances(instances, weight / 100));
}

/** The old version keeps what the new one's share leaves of it; processes that only one version knows are its own. */
function oldWorkers(weight: number, newSide: Side): Which {
  return ({ name, routed, instances }) => {
    const fresh = newSide.definition.processes.find((one) => one.name === name && !one.routed);
    if (routed || instances < 2 || fresh === undefined || fresh.instances < 2) return instances;
    return instances - Math.min(instances - 1, shareOfInstances(instances, weight / 100));
  };
}

function apply(name: string, title: string, input: ReturnType<typeof groupSpec>): Step {
  return step('deploy', name, { kind: 'apply-group', title, input });
}
