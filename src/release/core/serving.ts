import type { EventData } from './events.ts';
import type { Plan, Step } from './plan.ts';

/** The newest step that decides where users are, and whether its outcome is known. */
export interface Placement {
  readonly step: Step;
  readonly known: boolean;
  /** Where they were before it. */
  readonly before: Placement | null;
}

/** Who users are on: the version being released, what was there before it, or nobody can tell from the ledger. */
export type Serving = 'new' | 'previous' | 'unknown';

/** The placement after a step was begun. The route decides; of a version that takes no traffic, whether it runs. */
export function placing(plan: Plan, before: Placement | null, step: Step | undefined): Placement | null {
  return step !== undefined && decides(plan, step) ? { step, known: false, before } : before;
}

/** The placement after an outcome. A step that says it changed nothing left users where they were. */
export function placed(now: Placement | null, { step, verdict, facts }: EventData['step.finished']): Placement | null {
  if (now?.step.id !== step) return now;
  return facts['changed'] === false ? now.before : { ...now, known: verdict === 'pass' };
}

/** Where users are, judged by the newest step that moved them. */
export function servingOf(plan: Plan, placement: Placement | null): Serving {
  if (placement === null) return 'previous';
  const { step, known } = placement;
  if (!known) return 'unknown';
  // A canary is a guest: users, and work, are where most of them are.
  if (step.kind !== 'route') return step.kind === 'apply-group' && runsMost(plan, step) ? 'new' : 'previous';
  return step.input['mode'] === 'open' && weightIn(plan, step) > 50 ? 'new' : 'previous';
}

/** The last weight of the version being released that is known to have been set; null where none was. */
export function lastWeight(plan: Plan, placement: Placement | null): number | null {
  if (placement === null || placement.step.kind !== 'route') return null;
  return placement.known ? weightIn(plan, placement.step) : lastWeight(plan, placement.before);
}

function weightIn(plan: Plan, { input }: Step): number {
  const backends = input['backends'] as readonly { readonly group: string; readonly weight: number }[];
  return backends.find(({ group }) => group === newGroupOf(plan))?.weight ?? 0;
}

function runsMost({ definition }: Plan, { input }: Step): boolean {
  const processes = input['processes'] as readonly { readonly instances: number }[];
  const sum = (all: readonly { readonly instances: number }[]): number => all.reduce((total, { instances }) => total + instances, 0);
  return sum(processes) * 2 > sum(definition.processes);
}

function decides(plan: Plan, { kind, input }: Step): boolean {
  if (plan.definition.listen !== null) return kind === 'route';
  return (kind === 'apply-group' && input['id'] === newGroupOf(plan)) || (kind === 'remove-group' && input['group'] === newGroupOf(plan));
}

/** The group in which the version being released is started. */
export function newGroupOf(plan: Plan): string {
  const start = plan.steps.find((step) => step.id === 'deploy.start');
  if (typeof start?.input['id'] !== 'string') throw new Error(`The plan of release ${plan.release} starts no group`);
  return start.input['id'];
}
