import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { SlipwayError, type Clock, type Log } from '../../kernel/index.ts';
import type { InstanceName } from '../core/state.ts';
import type { GroupState } from '../ports.ts';
import { adoptedRuntime, isLive, newRuntime, stateOf, type InstanceContext, type InstanceRuntime, type Place } from './instance-runtime.ts';
import { readBootId, type KeeperRecord } from './keeper-record.ts';
import { readRecord } from './read-record.ts';
import type { Environment } from './process-env.ts';
import { observeInstance, stepInstance } from './process-instance.ts';
import { createStarter } from './process-start.ts';
import type { ProcessStore } from './process-store.ts';

const TICK_MS = 100;
const REST_LOOK_MS = 20;

export interface SupervisorOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Environment;
}

/** The running part of the process target: one runtime per instance, stepped by a timer until closed. */
export interface Supervisor {
  /** Takes over what the records name, then begins to step. @throws SlipwayError `state_corrupt` */
  adopt(): Promise<void>;
  /** Steps everything now. */
  tick(): Promise<void>;
  /** Resolves when nothing of the group is left. @throws SlipwayError `agent_unreachable` when closed before */
  gone(group: string): Promise<void>;
  inspect(group: string): GroupState | null;
  /** Stops everything and starts nothing any more; resolves when the last process is gone. */
  rest(): Promise<void>;
  onChange(listener: (group: string) => void): () => void;
  close(): Promise<void>;
}

type Runtimes = Map<string, InstanceRuntime>;

export function createSupervisor(options: SupervisorOptions, store: ProcessStore): Supervisor {
  const runtimes: Runtimes = new Map();
  const events = createEvents();
  let resting = false;
  const context = contextOf(options, store, { runtimes, events, resting: () => resting });
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const placeOf = (name: InstanceName): Place => ({ name, ...filesOf(options.directory, name) });
  const tick = async (): Promise<void> => {
    if (closed) return;
    for (const name of wantedNames(store)) if (!runtimes.has(keyOf(name))) runtimes.set(keyOf(name), newRuntime(context, placeOf(name)));
    await Promise.all([...runtimes.values()].map((runtime) => stepInstance(context, runtime)));
  };
  return {
    tick,
    adopt: async () => {
      for (const record of await readRecords(path.join(options.directory, 'run'))) {
        const runtime = adoptedRuntime(context, placeOf(nameOf(record)), record);
        runtimes.set(keyOf(runtime.name), runtime);
        observeInstance(context, runtime);
      }
      // Not awaited: users wait for what runs, and starting what does not takes time.
      void tick();
      timer = setInterval(() => void tick(), TICK_MS);
    },
    gone: async (group) => {
      while (ofGroup(runtimes, group).length > 0) {
        if (closed) throw new SlipwayError('agent_unreachable', `The supervisor was closed while ${group} was being removed`);
        await events.next();
      }
    },
    inspect: (group) => inspectGroup(context, runtimes, group),
    rest: async () => {
      resting = true;
      while ([...runtimes.values()].some(isHere)) {
        await tick();
        await options.clock.sleep(REST_LOOK_MS);
      }
    },
    onChange: events.onChange,
    close: async () => {
      closed = true;
      if (timer !== null) clearInterval(timer);
      events.wake();
      while ([...runtimes.values()].some(({ busy }) => busy)) await options.clock.sleep(5);
    },
  };
}

interface Events {
  readonly onChange: (listener: (group: string) => void) => () => void;
  readonly changed: (group: string) => void;
  /** Resolves at the next `wake`. */
  readonly next: () => Promise<void>;
  readonly wake: () => void;
}

function createEvents(): Events {
  const listeners = new Set<(group: string) => void>();
  let waiting: (() => void)[] = [];
  return {
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed: (group) => {
      for (const listener of listeners) listener(group);
    },
    next: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
      }),
    wake: () => {
      const woken = waiting;
      waiting = [];
      for (const resolve of woken) resolve();
    },
  };
}

function contextOf(
  options: SupervisorOptions,
  store: ProcessStore,
  parts: { readonly runtimes: Runtimes; readonly events: Events; readonly resting: () => boolean },
): InstanceContext {
  const boot = readBootId();
  const portsInUse = (): readonly number[] => [...parts.runtimes.values()].flatMap(({ record }) => record?.port ?? []);
  return {
    clock: options.clock,
    log: options.log,
    store,
    boot,
    resting: parts.resting,
    start: createStarter({ clock: options.clock, store, environment: options.environment, boot, portsInUse }),
    changed: parts.events.changed,
    forgotten: (runtime) => {
      parts.runtimes.delete(keyOf(runtime.name));
      parts.events.changed(runtime.name.group);
      parts.events.wake();
    },
  };
}

function inspectGroup(context: InstanceContext, runtimes: Runtimes, group: string): GroupState | null {
  const memory = context.store.state().groups[group];
  if (memory === undefined) return null;
  const { spec, stopAt } = memory;
  const order = spec.processes.map(({ name }) => name);
  const rank = ({ name }: InstanceRuntime): number => order.indexOf(name.process);
  const sorted = ofGroup(runtimes, group).toSorted((a, b) => rank(a) - rank(b) || a.name.index - b.name.index);
  return { spec, stopAt, instances: sorted.map((runtime) => stateOf(context, runtime)) };
}

function isHere(runtime: InstanceRuntime): boolean {
  return runtime.busy || isLive(runtime);
}

function ofGroup(runtimes: Runtimes, group: string): readonly InstanceRuntime[] {
  return [...runtimes.values()].filter(({ name }) => name.group === group);
}

function wantedNames(store: ProcessStore): readonly InstanceName[] {
  return Object.values(store.state().groups)
    .filter(({ removing }) => !removing)
    .flatMap(({ spec, instances }) => instances.map(({ process, index }) => ({ group: spec.id, process, index })));
}

function filesOf(directory: string, name: InstanceName): Omit<Place, 'name'> {
  return {
    recordFile: path.join(directory, 'run', `${keyOf(name)}.json`),
    logFile: path.join(directory, 'logs', encodeURIComponent(name.group), `${name.process}-${name.index}.log`),
  };
}

function nameOf({ group, process, index }: KeeperRecord): InstanceName {
  return { group, process, index };
}

function keyOf({ group, process, index }: InstanceName): string {
  return `${encodeURIComponent(group)}~${process}-${index}`;
}

async function readRecords(folder: string): Promise<readonly KeeperRecord[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.json')).map((name) => readRecord(path.join(folder, name)));
}
