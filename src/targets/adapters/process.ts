import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { SlipwayError, type Clock, type Log } from '../../kernel/index.ts';
import { checkGroupId, checkGroupSpec, slotsOf } from '../core/spec.ts';
import { unwanting, wanting, without, type InstanceName } from '../core/state.ts';
import type { GroupSpec, GroupState, Target } from '../ports.ts';
import { newRuntime, stateOf, type InstanceContext, type InstanceRuntime } from './instance-runtime.ts';
import { readBootId, readRecord, type KeeperRecord } from './keeper-record.ts';
import { commandOf, environmentOf, type Environment } from './process-env.ts';
import { stepInstance } from './process-instance.ts';
import { lockFolder } from './process-lock.ts';
import { createStarter } from './process-start.ts';
import { openProcessStore, type ProcessStore } from './process-store.ts';
import { createQueue, type Queue } from './queue.ts';

const TICK_MS = 200;
/** How long a new supervisor waits for first health answers of what it adopted, so that nothing seems down meanwhile. */
const ADOPTION_MS = 1_000;

export interface ProcessTargetOptions {
  /** Holds `groups.json`, `run/` (one record per instance) and `logs/`. Made when missing. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What `${env:...}` and `${secret:...}` are looked up in, below the group's variables file. */
  readonly environment: Environment;
}

/** Processes of this machine, supervised. */
export interface ProcessTarget extends Target {
  /** Calls back after a change of phase or endpoint of any instance of a group. Returns what ends it. */
  onChange(listener: (group: string) => void): () => void;
  /** Stops supervising and gives the folder back; instances go on running. */
  close(): Promise<void>;
}

/**
 * Starts supervising a folder: adopts what an earlier supervisor left running, by pid and start time, and stops what
 * nobody wants. Linux only: /proc is what makes a pid trustworthy.
 * @throws SlipwayError `platform_unsupported`, `agent_running`, `state_corrupt`
 */
export async function createProcessTarget(options: ProcessTargetOptions): Promise<ProcessTarget> {
  if (process.platform !== 'linux') {
    throw new SlipwayError('platform_unsupported', `The process target needs Linux; this is ${process.platform}`, { hint: 'Run the agent on Linux, or in a Linux container.' });
  }
  await mkdir(path.join(options.directory, 'run'), { recursive: true });
  const unlock = lockFolder(path.join(options.directory, 'supervisor.lock'));
  try {
    const store = await openProcessStore(path.join(options.directory, 'groups.json'));
    const supervisor = createSupervisor(options, store);
    await supervisor.adopt();
    return createVerbs(options, store, supervisor, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** The running part: one runtime per instance, stepped by a timer until closed. */
interface Supervisor {
  readonly listeners: Set<(group: string) => void>;
  adopt(): Promise<void>;
  /** Steps everything now; resolves when all have had their turn. */
  tick(): Promise<void>;
  /** Resolves when nothing of the group is left. @throws SlipwayError `agent_unreachable` when closed before */
  gone(group: string): Promise<void>;
  inspect(group: string): GroupState | null;
  close(): Promise<void>;
}

function createSupervisor(options: ProcessTargetOptions, store: ProcessStore): Supervisor {
  const runtimes = new Map<string, InstanceRuntime>();
  const listeners = new Set<(group: string) => void>();
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  const boot = readBootId();
  const portsInUse = (): readonly number[] => [...runtimes.values()].flatMap(({ record }) => (record?.port === null || record?.port === undefined ? [] : [record.port]));
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const context: InstanceContext = {
    clock: options.clock,
    log: options.log,
    store,
    boot,
    start: createStarter({ clock: options.clock, store, environment: options.environment, boot, portsInUse }),
    changed: (group) => {
      for (const listener of listeners) listener(group);
    },
    forgotten: (runtime) => {
      runtimes.delete(keyOf(runtime.name));
      context.changed(runtime.name.group);
      wake();
    },
  };
  const ensure = (name: InstanceName, adopted: KeeperRecord | null): void => {
    const key = keyOf(name);
    if (runtimes.has(key)) return;
    const recordFile = path.join(options.directory, 'run', `${key}.json`);
    const logFile = path.join(options.directory, 'logs', encodeURIComponent(name.group), `${name.process}-${name.index}.log`);
    runtimes.set(key, newRuntime(context, { name, recordFile, logFile }, adopted));
  };
  const tick = async (): Promise<void> => {
    if (closed) return;
    for (const name of wantedNames(store)) ensure(name, null);
    await Promise.all([...runtimes.values()].map((runtime) => stepInstance(context, runtime)));
  };
  const ofGroup = (group: string): readonly InstanceRuntime[] => [...runtimes.values()].filter(({ name }) => name.group === group);

  return {
    listeners,
    tick,
    adopt: async () => {
      for (const record of await readRecords(path.join(options.directory, 'run'))) ensure(nameOf(record), record);
      await tick();
      const answers = [...runtimes.values()].flatMap(({ probing }) => (probing === null ? [] : [probing]));
      await Promise.race([Promise.all(answers), options.clock.sleep(ADOPTION_MS)]);
      timer = setInterval(() => void tick(), TICK_MS);
    },
    gone: async (group) => {
      while (ofGroup(group).length > 0) {
        if (closed) throw new SlipwayError('agent_unreachable', `The supervisor was closed while ${group} was being removed`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    inspect: (group) => {
      const spec = store.state().groups[group]?.spec;
      if (spec === undefined) return null;
      const order = spec.processes.map(({ name }) => name);
      const sorted = ofGroup(group).toSorted((a, b) => order.indexOf(a.name.process) - order.indexOf(b.name.process) || a.name.index - b.name.index);
      return { spec, instances: sorted.map((runtime) => stateOf(context, runtime)) };
    },
    close: async () => {
      closed = true;
      if (timer !== null) clearInterval(timer);
      wake();
      while ([...runtimes.values()].some(({ busy }) => busy)) await options.clock.sleep(5);
    },
  };
}

function createVerbs(options: ProcessTargetOptions, store: ProcessStore, supervisor: Supervisor, unlock: () => void): ProcessTarget {
  const queues = new Map<string, Queue>();
  const inTurn = <T>(group: string, work: () => Promise<T>): Promise<T> => {
    const queue = queues.get(group) ?? createQueue();
    queues.set(group, queue);
    return queue(work);
  };
  const finishRemoval = async (group: string): Promise<void> => {
    await supervisor.tick();
    await supervisor.gone(group);
    await store.update((state) => without(state, group));
  };
  // What an earlier supervisor was asked to remove and did not finish.
  for (const [group, { removing }] of Object.entries(store.state().groups)) {
    if (removing) inTurn(group, () => finishRemoval(group)).catch(() => undefined);
  }
  return {
    apply: (fence, spec) =>
      inTurn(spec.id, async () => {
        await checkRunnable(spec, options.environment);
        await store.update((state) => wanting(state, fence, spec));
        // Not awaited: readiness is watched with `inspect`, and a start takes time.
        void supervisor.tick();
      }),
    inspect: async (group) => supervisor.inspect(group),
    list: async (service, environment) =>
      Object.values(store.state().groups)
        .filter(({ spec }) => spec.service === service && spec.environment === environment)
        .flatMap(({ spec }) => supervisor.inspect(spec.id) ?? []),
    remove: (fence, group) =>
      inTurn(group, async () => {
        checkGroupId(group);
        await store.update((state) => unwanting(state, fence, group));
        await finishRemoval(group);
      }),
    onChange: (listener) => {
      supervisor.listeners.add(listener);
      return () => supervisor.listeners.delete(listener);
    },
    close: async () => {
      await supervisor.close();
      unlock();
    },
  };
}

/** Finds a user's mistake before anything is recorded, so that it is refused instead of failing in the background. */
async function checkRunnable(spec: GroupSpec, environment: Environment): Promise<void> {
  checkGroupSpec(spec);
  const folder = await stat(spec.directory).catch(() => null);
  if (folder === null || !folder.isDirectory()) throw new SlipwayError('not_found', `The folder ${spec.directory} of ${spec.id} does not exist`, { hint: 'Build the version again, or correct the path.' });
  const merged = await environmentOf(spec, environment);
  for (const { process, index } of slotsOf(spec)) commandOf(spec, process, { index, port: process.port ? 0 : null }, merged);
}

function wantedNames(store: ProcessStore): readonly InstanceName[] {
  return Object.values(store.state().groups)
    .filter(({ removing }) => !removing)
    .flatMap(({ spec, instances }) => instances.map(({ process, index }) => ({ group: spec.id, process, index })));
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
