import type { Definition, RollingDefinition } from '../definition.ts';
import type { Side, Which } from './group.ts';
import { limitsOf, rollingMoves, type Move } from './rolling.ts';

/** Instances of the process that is counted: the one users reach, else the largest. */
export function sizeOf({ processes }: Definition): number {
  return processes.find(({ routed }) => routed)?.instances ?? Math.max(1, ...processes.map(({ instances }) => instances));
}

/** A rolling update with the moves it consists of; null for other strategies. */
export interface Rolling {
  readonly definition: RollingDefinition;
  /** Before the first new instance is started. */
  readonly before: readonly Move[];
  /** The move that starts the first new instances: the step `deploy.start`. */
  readonly first: Move;
  readonly rest: readonly Move[];
}

/** Works out the moves of a rolling update from the old version to the new one. */
export function rollingOf(rolling: RollingDefinition, fresh: Definition, old: Definition): Rolling {
  const [wanted, before] = [sizeOf(fresh), sizeOf(old)];
  const moves = rollingMoves(wanted, before, limitsOf(Math.min(wanted, before), wanted, rolling));
  const at = moves.findIndex(({ kind }) => kind === 'add');
  const first = moves[at];
  if (first === undefined) throw new Error('A rolling update starts something');
  return { definition: rolling, before: moves.slice(0, at), first, rest: moves.slice(at + 1) };
}

/** The instances of a version that run at a move: the same share of every process, and at least one while any runs. */
export function partOf({ definition }: Side, running: number): Which {
  const of = sizeOf(definition);
  return ({ instances }) => shareOfInstances(instances, running / of);
}

/** That share of the instances, at least one of them unless the share is nothing. */
export function shareOfInstances(instances: number, share: number): number {
  return share === 0 ? 0 : Math.min(instances, Math.max(1, Math.round(instances * share)));
}
