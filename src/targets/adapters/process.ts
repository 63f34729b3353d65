import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import { checkGroupId, checkGroupSpec, slotsOf } from '../core/spec.ts';
import { expiring, rested, unwanting, wanting, without } from '../core/state.ts';
import type { GroupSpec, Target } from '../ports.ts';
import { commandOf, environmentOf, type Environment } from './process-env.ts';
import { lockFolder } from './process-lock.ts';
import { sweepTemporary } from './atomic-file.ts';
import { openProcessStore, type ProcessStore } from './process-store.ts';
import { lastLines } from './last-lines.ts';
import { createQueue, type Queue } from './queue.ts';
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.ts';

/** How often groups are looked at whose time may be up. */
const EXPIRY_MS = 1_000;

/**
 * `directory` holds `groups.json`, `run/` (one record per instance) and `logs/`, and is made when missing.
 * `environment` is what `${env:...}` and `${secret:...}` are looked up in, below a group's variables file.
 */
export type ProcessTargetOptions = SupervisorOptions;

/** Processes of this machine, supervised. */
export interface ProcessTarget extends Target {
  /** Calls back after a change of phase or endpoint of any instance of a group. Returns what ends it. */
  onChange(listener: (group: string) => void): () => void;
  /** Ids of all groups wanted now. */
  groups(): readonly string[];
  /**
   * Stops every instance and supervises nothing from then on; resolves when the last process is gone. What is wanted stays
   * wanted, so the next supervisor starts it again: for stopping a machine, not for a release.
   */
  stopAll(): Promise<void>;
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
    const hint = 'Run the agent on Linux, or in a Linux container.';
    throw new SlipwayError('platform_unsupported', `The process target needs Linux; this is ${process.platform}`, { hint });
  }
  const run = path.join(options.directory, 'run');
  await mkdir(run, { recursive: true });
  const unlock = await lockFolder(path.join(options.directory, 'supervisor.lock'));
  try {
    // Under the lock: no other agent writes here.
    for (const folder of [options.directory, run]) await sweepTemporary(folder);
    const store = await openProcessStore(path.join(options.directory, 'groups.json'));
    // What was wanted only until a time that is over is not started again, only to be stopped.
    for (const group of Object.keys(store.state().groups)) await store.update((state) => expiring(state, group, options.clock.now()));
    const supervisor = createSupervisor(options, store);
    await supervisor.adopt();
    const { expire, ...verbs } = createVerbs(options, store, supervisor);
    const timer = setInterval(expire, EXPIRY_MS);
    return {
      ...verbs,
      close: () => {
        clearInterval(timer);
        return supervisor.close().finally(unlock);
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

interface Verbs extends Omit<ProcessTarget, 'close'> {
  /** Removes the groups whose time is up. */
  expire(): void;
}

function createVerbs({ environment, clock, log }: ProcessTargetOptions, store: ProcessStore, supervisor: Supervisor): Verbs {
  const inTurn = createTurns();
  const finishRemoval = async (group: string): Promise<void> => {
    await supervisor.tick();
    await supervisor.gone(group);
    await store.update((state) => without(state, group));
  };
  const unfinished =
    (group: string) =>
    (error: unknown): void =>
      log('warn', `removing ${group}: ${messageOf(error)}`);
  // What an earlier supervisor was asked to remove and did not finish. If this one is closed before, the next will.
  for (const [group, { removing }] of Object.entries(store.state().groups)) {
    if (removing) inTurn(group, () => finishRemoval(group)).catch(unfinished(group));
  }
  const expireGroup = async (group: string): Promise<void> => {
    await store.update((state) => expiring(state, group, clock.now()));
    if (store.state().groups[group]?.removing === true) await finishRemoval(group);
  };
  return {
    expire: () => {
      const due = Object.values(store.state().groups).filter(
        ({ removing, stopAt }) => !removing && stopAt !== null && stopAt <= clock.now(),
      );
      // In turn with what a release asks: wanted again meanwhile, it stays. If this one is closed before, the next will.
      for (const { spec } of due) inTurn(spec.id, () => expireGroup(spec.id)).catch(unfinished(spec.id));
    },
    apply: (fence, spec) =>
      inTurn(spec.id, async () => {
        await checkRunnable(spec, environment);
        await store.update((state) => wanting(state, fence, spec, clock.now()));
        // Not awaited: readiness is watched with `inspect`, and a start takes time.
        void supervisor.tick();
      }),
    inspect: async (group) => supervisor.inspect(group),
    list: async (service, environment) =>
      Object.values(store.state().groups)
        .filter(({ spec }) => spec.service === service && spec.environment === environment)
        .flatMap(({ spec }) => supervisor.inspect(spec.id) ?? []),
    output: async (group, { process, index }, lines) => {
      const shown = supervisor.inspect(group)?.instances.find((one) => one.process === process && one.index === index);
      return shown === undefined ? [] : lastLines(shown.logFile, lines);
    },
    remove: (fence, group) =>
      inTurn(group, async () => {
        checkGroupId(group);
        await store.update((state) => unwanting(state, fence, group));
        await finishRemoval(group);
      }),
    onChange: (listener) => supervisor.onChange(listener),
    groups: () => Object.keys(store.state().groups),
    stopAll: async () => {
      // Before as well, for a supervisor that is killed in between.
      await store.update(rested);
      await supervisor.rest();
      await store.update(rested);
    },
  };
}

/** One queue per group: an `apply` waits for a `remove` of the same group, other groups do not. */
function createTurns(): <T>(group: string, work: () => Promise<T>) => Promise<T> {
  const queues = new Map<string, Queue>();
  return (group, work) => {
    const queue = queues.get(group) ?? createQueue();
    queues.set(group, queue);
    return queue(work);
  };
}

/** Finds a user's mistake before anything is recorded, so that it is refused instead of failing in the background. */
async function checkRunnable(spec: GroupSpec, environment: Environment): Promise<void> {
  checkGroupSpec(spec);
  const folder = await stat(spec.directory).catch(() => null);
  if (folder === null || !folder.isDirectory()) {
    throw new SlipwayError('not_found', `The folder ${spec.directory} of ${spec.id} does not exist`, {
      hint: 'Build the version again, or correct the path.',
    });
  }
  const merged = await environmentOf(spec, environment);
  for (const { process, index } of slotsOf(spec)) commandOf(spec, process, { index, port: process.port ? 0 : null }, merged);
}
