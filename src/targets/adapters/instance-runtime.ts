import { createHash } from 'node:crypto';
import type { Clock, Duration, Log } from '../../kernel/index.ts';
import { NO_PROBES, phaseOf, rememberedProbes, type InstanceFacts, type ProbeHistory } from '../core/instance.ts';
import { memoryOf, type InstanceMemory, type InstanceName } from '../core/state.ts';
import type { InstancePhase, InstanceState, ProcessSpec } from '../ports.ts';
import { isAlive, type KeeperRecord } from './keeper-record.ts';
import type { ProcessStore } from './process-store.ts';

/** What the instances of one supervisor share. */
export interface InstanceContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: ProcessStore;
  /** Names this boot of the machine. */
  readonly boot: string;
  /** Everything is being stopped, wanted or not. */
  resting(): boolean;
  /** Starts the next run; a user's mistake becomes a record of a run that ended at once. */
  start(runtime: InstanceRuntime, onExit: () => void): Promise<KeeperRecord>;
  /** Something a router or a watcher wants to know has changed. */
  changed(group: string): void;
  /** The instance is gone and nobody wants it. */
  forgotten(runtime: InstanceRuntime): void;
}

/** What a supervisor holds in memory of one instance; all of it can be found again from the disk and the process table. */
export interface InstanceRuntime {
  readonly name: InstanceName;
  readonly recordFile: string;
  readonly logFile: string;
  /** The current or last run; null before the first. */
  record: KeeperRecord | null;
  busy: boolean;
  /** Forgotten by the supervisor; a late event of it must not touch files that belong to its successor by now. */
  over: boolean;
  /** Monotonic times of this run; `firstTryAt` of the first run of this definition. */
  firstTryAt: number | null;
  startedAt: number | null;
  stopRequestedAt: number | null;
  readySince: number | null;
  exitedAt: number | null;
  /** See `InstanceFacts`. */
  unasked: boolean;
  probes: ProbeHistory;
  probing: Promise<void> | null;
  nextProbeAt: number;
  health: InstanceState['health'];
  phase: InstancePhase;
  since: number;
  lastError: string;
}

/** Which instance, and where its record and its log are. */
export type Place = Pick<InstanceRuntime, 'name' | 'recordFile' | 'logFile'>;

/** An instance nothing is known of but its name: the first step starts it. */
export function newRuntime({ clock }: InstanceContext, place: Place): InstanceRuntime {
  return {
    ...place,
    record: null,
    busy: false,
    over: false,
    firstTryAt: null,
    startedAt: null,
    stopRequestedAt: null,
    readySince: null,
    exitedAt: null,
    unasked: false,
    probes: NO_PROBES,
    probing: null,
    nextProbeAt: 0,
    health: { verdict: 'unknown', reason: 'no health answer yet' },
    phase: 'starting',
    since: clock.now(),
    lastError: '',
  };
}

/** An instance an earlier supervisor left a record of. What was healthy then, and is the same process now, is so until a probe says otherwise. */
export function adoptedRuntime(context: InstanceContext, place: Place, record: KeeperRecord): InstanceRuntime {
  const { clock } = context;
  const fresh = newRuntime(context, place);
  // A record's wall-clock time gives the age of an adopted run; a clock set back must not make it negative.
  const startedAt = clock.monotonic() - Math.max(0, clock.now() - record.startedAt);
  const adopted = { ...fresh, record, firstTryAt: startedAt, startedAt };
  if (record.exit !== null) return { ...adopted, exitedAt: clock.monotonic() };
  const memory = memoryOf(context.store.state(), place.name);
  const same = record.boot === context.boot && isAlive(record.keeper) && isAlive(record.child);
  if (!same || !isWanted(adopted, memory)) return { ...adopted, unasked: true };
  const probes = rememberedProbes(record.run, memory);
  return {
    ...adopted,
    unasked: true,
    probes,
    readySince: probes.healthy ? clock.monotonic() : null,
    health: { verdict: 'unknown', reason: `${probes.healthy ? 'healthy' : 'not healthy'} when the agent ended, not asked since` },
  };
}

/** Short form of an identity for records; the text itself would repeat every environment template. */
export function digest(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** An instance's name for a log. */
export function labelOf({ name }: InstanceRuntime): string {
  return `${name.group} ${name.process}-${name.index}`;
}

export function isLive(runtime: InstanceRuntime): boolean {
  return runtime.record !== null && runtime.record.exit === null;
}

/** The wanted definition of this instance, or null when it is not wanted. */
export function wantedProcess(context: InstanceContext, { name }: InstanceRuntime): ProcessSpec | null {
  return context.store.state().groups[name.group]?.spec.processes.find((process) => process.name === name.process) ?? null;
}

/** Is what runs (or ran last) of the definition that is wanted? */
export function isWanted(runtime: InstanceRuntime, memory: InstanceMemory | null): memory is InstanceMemory {
  return memory !== null && (runtime.record === null || runtime.record.identity === digest(memory.identity));
}

export function factsOf(context: InstanceContext, runtime: InstanceRuntime): InstanceFacts {
  const memory = memoryOf(context.store.state(), runtime.name);
  const health = wantedProcess(context, runtime)?.health;
  const now = context.clock.monotonic();
  const since = (from: number | null): Duration | null => (from === null ? null : now - from);
  return {
    want: isWanted(runtime, memory) && !context.resting() ? 'run' : 'stop',
    live: isLive(runtime),
    stopRequested: runtime.stopRequestedAt !== null,
    everReady: memory?.everReady === true,
    readyThisRun: runtime.probes.readyThisRun,
    unasked: runtime.unasked,
    gaveUp: memory?.gaveUp === true,
    tries: (runtime.record?.run ?? 0) - (memory?.settledRun ?? 0),
    sinceFirstTry: since(runtime.firstTryAt),
    sinceStart: since(runtime.startedAt),
    sinceExit: since(runtime.exitedAt),
    startWithinMs: health?.kind === 'http' ? health.startWithinMs : null,
  };
}

/** Brings the phase up to date and tells listeners when it changed. */
export function showPhase(context: InstanceContext, runtime: InstanceRuntime): void {
  const phase = phaseOf(factsOf(context, runtime), runtime.probes, runtime.record !== null);
  if (phase === runtime.phase) return;
  const { verdict, reason } = runtime.health;
  context.log('info', `${labelOf(runtime)} is ${phase}`, { before: runtime.phase, verdict, reason });
  runtime.phase = phase;
  runtime.since = context.clock.now();
  context.changed(runtime.name.group);
}

export function stateOf(context: InstanceContext, runtime: InstanceRuntime): InstanceState {
  const { name, record } = runtime;
  const { process, index } = name;
  const { phase, since, health, logFile } = runtime;
  const shown = { process, index, phase, since, health, logFile };
  if (record === null) {
    const port = memoryOf(context.store.state(), name)?.port ?? null;
    return { ...shown, pid: null, startTicks: null, port, restarts: 0, lastExit: null };
  }
  const child = record.exit === null ? record.child : null;
  const exit = record.exit ?? record.previousExit;
  return {
    ...shown,
    pid: child?.pid ?? null,
    startTicks: child?.startTicks ?? null,
    port: record.port,
    restarts: record.run - 1,
    lastExit: exit === null ? null : { code: exit.code, signal: exit.signal, at: exit.at },
  };
}
