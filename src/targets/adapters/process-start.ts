import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { SlipwayError, type Clock } from '../../kernel/index.ts';
import { memoryOf, portsOf, remembering, type InstanceMemory } from '../core/state.ts';
import type { GroupSpec, ProcessSpec } from '../ports.ts';
import { digest, type InstanceRuntime } from './instance-runtime.ts';
import { startKeeper } from './keeper.ts';
import { writeRecord, type KeeperRecord } from './keeper-record.ts';
import { commandOf, environmentOf, type Environment } from './process-env.ts';
import { findFreePort, isPortFree } from './process-ports.ts';
import type { ProcessStore } from './process-store.ts';
import { createQueue } from './queue.ts';

export interface StarterOptions {
  readonly clock: Clock;
  readonly store: ProcessStore;
  readonly environment: Environment;
  readonly boot: string;
  /** Ports of instances still running though no longer wanted. */
  portsInUse(): readonly number[];
}

export type Starter = (runtime: InstanceRuntime, onExit: () => void) => Promise<KeeperRecord>;

/** Makes the function that starts an instance's next run. */
export function createStarter(options: StarterOptions): Starter {
  const { clock, store } = options;
  // One at a time: between finding a port free and remembering it, no one else may find the same.
  const ports = createQueue();
  const portOf = (runtime: InstanceRuntime, memory: InstanceMemory): Promise<number> =>
    ports(async () => {
      if (memory.port !== null && (await isPortFree(memory.port))) return memory.port;
      const port = await findFreePort(runtime.recordFile, new Set([...portsOf(store.state()), ...options.portsInUse()]));
      await store.update((state) => remembering(state, { ...runtime.name, identity: memory.identity }, { port }));
      return port;
    });

  return async (runtime, onExit) => {
    const wanted = wantedOf(store, runtime);
    const record = nextRecord(runtime, { ...wanted, now: clock.now(), boot: options.boot });
    await mkdir(path.dirname(runtime.logFile), { recursive: true });
    try {
      const port = wanted.process.port ? await portOf(runtime, wanted.memory) : null;
      const environment = await environmentOf(wanted.spec, options.environment);
      const command = commandOf(wanted.spec, wanted.process, { index: runtime.name.index, port }, environment);
      const { recordFile, logFile } = runtime;
      return await startKeeper({ ...command, record: { ...record, port }, recordFile, logFile, cwd: wanted.spec.directory }, onExit);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code === 'disk_full') throw error;
      // A variable that went missing since `apply`, say: a start that failed, to be tried again with back-off.
      const failed = { ...record, exit: { code: null, signal: null, at: clock.now(), reason: error.message } };
      await writeRecord(runtime.recordFile, failed);
      return failed;
    }
  };
}

interface Wanted {
  readonly spec: GroupSpec;
  readonly process: ProcessSpec;
  readonly memory: InstanceMemory;
}

function wantedOf(store: ProcessStore, { name }: InstanceRuntime): Wanted {
  const spec = store.state().groups[name.group]?.spec;
  const process = spec?.processes.find((candidate) => candidate.name === name.process);
  const memory = memoryOf(store.state(), name);
  if (spec === undefined || process === undefined || memory === null)
    throw new Error(`${name.group} ${name.process} was started but is not wanted`);
  return { spec, process, memory };
}

function nextRecord(runtime: InstanceRuntime, wanted: Wanted & { readonly now: number; readonly boot: string }): KeeperRecord {
  const previous = runtime.record;
  return {
    schema: 'slipway.instance/1',
    ...runtime.name,
    identity: digest(wanted.memory.identity),
    graceMs: wanted.process.stopGraceMs,
    run: (previous?.run ?? 0) + 1,
    port: null,
    startedAt: wanted.now,
    boot: wanted.boot,
    keeper: null,
    child: null,
    exit: null,
    previousExit: previous?.exit ?? null,
  };
}
