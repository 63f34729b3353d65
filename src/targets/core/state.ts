import { SlipwayError, type Instant, type JsonValue } from '../../kernel/pure.ts';
import type { GroupSpec } from './group.ts';
import { identityOf, scopeOf, slotsOf } from './spec.ts';

/** What is remembered of one wanted instance beyond its keeper's own record. */
export interface InstanceMemory {
  readonly process: string;
  readonly index: number;
  /** See `identityOf`. */
  readonly identity: string;
  readonly port: number | null;
  readonly everReady: boolean;
  readonly gaveUp: boolean;
  /** The run that was last ready for long; runs after it count as tries. */
  readonly settledRun: number;
  /** The run that was ready once, and the one that was healthy when last asked; 0 for none. A new supervisor believes them until its own probe answers. */
  readonly readyRun: number;
  readonly healthyRun: number;
}

export interface GroupMemory {
  readonly spec: GroupSpec;
  /** True from the request to remove it until its last process is gone. */
  readonly removing: boolean;
  /** When it is removed without being asked; null: never. */
  readonly stopAt: Instant | null;
  readonly instances: readonly InstanceMemory[];
}

/** The supervisor's durable desired state (`groups.json`). */
export interface SupervisorState {
  readonly schema: 'slipway.groups/1';
  /** Highest fence seen, by `service/environment`. */
  readonly fences: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, GroupMemory>>;
}

export const EMPTY_STATE: SupervisorState = { schema: 'slipway.groups/1', fences: {}, groups: {} };

/** @throws SlipwayError `fenced` when a higher fence was seen */
function withFence(state: SupervisorState, scope: string, fence: number): SupervisorState {
  const seen = state.fences[scope] ?? 0;
  if (fence < seen) throw new SlipwayError('fenced', `Fence ${fence} for ${scope} is older than ${seen}`);
  return fence === seen ? state : { ...state, fences: { ...state.fences, [scope]: fence } };
}

/**
 * The state in which `spec` is wanted. Answers the very same object when it was wanted already, so its time to stop does not
 * move; but an instance that was given up is tried afresh by being asked for again.
 */
export function wanting(state: SupervisorState, fence: number, spec: GroupSpec, now: Instant): SupervisorState {
  const fenced = withFence(state, scopeOf(spec.id), fence);
  const old = fenced.groups[spec.id];
  if (old !== undefined && !old.removing && sameJson(old.spec, spec) && !old.instances.some(({ gaveUp }) => gaveUp)) return fenced;
  const instances = slotsOf(spec).map(({ process, index }) => {
    const before = old?.instances.find((memory) => memory.process === process.name && memory.index === index);
    const definition = identityOf(spec, process);
    const same = before !== undefined && before.identity.startsWith(definition);
    if (same && !before.gaveUp) return before;
    // Another identity: what its earlier runs did counts for nothing.
    const identity = same ? `${before.identity} again` : definition;
    return {
      process: process.name,
      index,
      identity,
      port: process.port ? (before?.port ?? null) : null,
      everReady: false,
      gaveUp: false,
      settledRun: 0,
      readyRun: 0,
      healthyRun: 0,
    };
  });
  const stopAt = spec.stopAfterMs === undefined ? null : now + spec.stopAfterMs;
  return { ...fenced, groups: { ...fenced.groups, [spec.id]: { spec, removing: false, stopAt, instances } } };
}

/** The state in which the group is on its way out. */
export function unwanting(state: SupervisorState, fence: number, group: string): SupervisorState {
  const fenced = withFence(state, scopeOf(group), fence);
  const old = fenced.groups[group];
  if (old === undefined || old.removing) return fenced;
  return { ...fenced, groups: { ...fenced.groups, [group]: { ...old, removing: true } } };
}

/** The state in which a group whose time is up is on its way out; the very same object for any other. */
export function expiring(state: SupervisorState, group: string, now: Instant): SupervisorState {
  const old = state.groups[group];
  if (old === undefined || old.removing || old.stopAt === null || old.stopAt > now) return state;
  return { ...state, groups: { ...state.groups, [group]: { ...old, removing: true } } };
}

/** The state after everything was stopped on purpose: the next runs are the first, and what was given up may try again. */
export function rested(state: SupervisorState): SupervisorState {
  const rest = (memory: InstanceMemory): InstanceMemory => ({ ...memory, gaveUp: false, settledRun: 0, readyRun: 0, healthyRun: 0 });
  const groups = Object.entries(state.groups).map(([id, group]) => [id, { ...group, instances: group.instances.map(rest) }] as const);
  return { ...state, groups: Object.fromEntries(groups) };
}

/** The state without a group whose processes are gone; unchanged when it is wanted again meanwhile. */
export function without(state: SupervisorState, group: string): SupervisorState {
  if (state.groups[group]?.removing !== true) return state;
  return { ...state, groups: Object.fromEntries(Object.entries(state.groups).filter(([id]) => id !== group)) };
}

export interface InstanceName {
  readonly group: string;
  readonly process: string;
  readonly index: number;
}

export function memoryOf(state: SupervisorState, name: InstanceName): InstanceMemory | null {
  const group = state.groups[name.group];
  if (group === undefined || group.removing) return null;
  return group.instances.find((memory) => memory.process === name.process && memory.index === name.index) ?? null;
}

/** Changes one instance's memory; nothing when its definition is another one by now. */
export function remembering(
  state: SupervisorState,
  name: InstanceName & { readonly identity: string },
  change: Partial<InstanceMemory>,
): SupervisorState {
  const group = state.groups[name.group];
  if (group === undefined || memoryOf(state, name)?.identity !== name.identity) return state;
  const instances = group.instances.map((memory) =>
    memory.process === name.process && memory.index === name.index ? { ...memory, ...change } : memory,
  );
  return { ...state, groups: { ...state.groups, [name.group]: { ...group, instances } } };
}

/** Every port promised to an instance. */
export function portsOf(state: SupervisorState): ReadonlySet<number> {
  const instances = Object.values(state.groups).flatMap((group) => group.instances);
  return new Set(instances.flatMap(({ port }) => (port === null ? [] : [port])));
}

function sameJson(a: object, b: object): boolean {
  return ordered(a as unknown as JsonValue) === ordered(b as unknown as JsonValue);
}

/** JSON with sorted keys: two senders may write the same spec in another order. */
function ordered(value: JsonValue): string {
  return JSON.stringify(value, (_key, item: JsonValue) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
