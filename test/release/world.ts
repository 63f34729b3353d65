import type { JsonObject } from '../../src/kernel/index.ts';
import { newGroupOf } from '../../src/release/core/serving.ts';
import { sizeOf } from '../../src/release/core/compile/rolling-size.ts';
import type { Plan, Step } from '../../src/release/index.ts';

/**
 * What users and operators would see, as the property tests model it. Effects are idempotent, as the executors
 * promise; `lostWrites` counts what users wrote and a restore threw away.
 */
export interface World {
  running: Set<string>;
  /** Instances of each group that take requests. */
  routed: Map<string, number>;
  /** Where most users are sent. */
  route: { mode: string; group: string | null };
  /** Percent of the users that the version being released gets. */
  share: number;
  schema: 'old' | 'new' | 'half';
  backup: boolean;
  /** True once users could write to the new version. */
  newServed: boolean;
  lostWrites: boolean;
  /** Groups whose smoke passed on the schema as it is now. */
  smoked: Set<string>;
}

/** The world before the release: the old version serves, or nothing does. */
export function startWorld(plan: Plan): World {
  const old = plan.previous?.group ?? null;
  const listens = plan.previous !== null && plan.previous.definition.listen !== null;
  return {
    running: new Set(old === null ? [] : [old]),
    routed: new Map(plan.previous === null ? [] : [[plan.previous.group, sizeOf(plan.previous.definition)]]),
    route: { mode: listens ? 'open' : 'closed', group: listens ? old : null },
    share: 0,
    schema: 'old',
    backup: false,
    newServed: false,
    lostWrites: false,
    smoked: new Set(old === null ? [] : [old]),
  };
}

type Effect = (world: World, plan: Plan, input: JsonObject) => void;

const EFFECTS: Partial<Record<Step['kind'], Effect>> = {
  'apply-group': (world, plan, input) => {
    const id = String(input['id']);
    const processes = input['processes'] as readonly { readonly name: string; readonly instances: number }[];
    const routed = plan.definition.processes.find((process) => process.routed)?.name;
    const instances = processes.find(({ name }) => name === routed)?.instances ?? 0;
    world.routed.set(id, instances);
    // A group without an instance is none.
    if (instances === 0) world.running.delete(id);
    else world.running.add(id);
  },
  'remove-group': (world, _plan, input) => {
    world.running.delete(String(input['group']));
    world.routed.delete(String(input['group']));
    world.smoked.delete(String(input['group']));
  },
  route: (world, plan, input) => {
    const backends = input['backends'] as readonly JsonObject[];
    const [most] = backends.toSorted((a, b) => Number(b['weight']) - Number(a['weight']));
    world.route = { mode: String(input['mode']), group: most === undefined ? null : String(most['group']) };
    const fresh = backends.find((backend) => backend['group'] === newGroupOf(plan));
    world.share = world.route.mode === 'open' ? Number(fresh?.['weight'] ?? 0) : 0;
    if (world.share > 0) world.newServed = true;
  },
  backup: (world) => void (world.backup = true),
  migrate: (world) => void (world.schema = 'new'),
  'migrate-down': (world) => void (world.schema = 'old'),
  restore: (world) => {
    if (!world.backup) throw new Error('restore without a backup');
    world.schema = 'old';
    if (world.newServed) world.lostWrites = true;
  },
  smoke: (world, _plan, input) => void world.smoked.add(String(input['group'])),
};

/** Performs a step completely. */
export function perform(world: World, plan: Plan, step: Step): void {
  EFFECTS[step.kind]?.(world, plan, step.input);
}

/** Performs a step as a failure in its middle would leave it. */
export function performHalf(world: World, plan: Plan, step: Step): void {
  if (step.kind === 'migrate') world.schema = 'half';
  else if (step.kind !== 'smoke') perform(world, plan, step);
}
