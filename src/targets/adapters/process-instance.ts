import { rm } from 'node:fs/promises';
import { messageOf, type Duration } from '../../kernel/index.ts';
import { afterProbe, decideInstance, NO_PROBES, SETTLED_MS } from '../core/instance.ts';
import { memoryOf, remembering, type InstanceMemory } from '../core/state.ts';
import {
  factsOf,
  isLive,
  isWanted,
  labelOf,
  showPhase,
  wantedProcess,
  type InstanceContext,
  type InstanceRuntime,
} from './instance-runtime.ts';
import { askToStop, kill, observeRun } from './keeper.ts';
import { probeHttp } from './probe.ts';

/** Until an instance is ready it is asked more often than its interval says, so that a release does not wait for nothing. */
const STARTING_PROBE_MS: Duration = 150;
/** Beyond the grace period: a keeper that has not ended its instance by then is itself killed. */
const KEEPER_OVERDUE_MS: Duration = 10_000;

/** Looks at one instance, decides and acts, once. A call during another does nothing: the next tick looks again. */
export async function stepInstance(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  if (runtime.busy || runtime.over) return;
  runtime.busy = true;
  try {
    // Shown before anything is done about it: a router must not wait for the next start to hear that this run is over.
    observeInstance(context, runtime);
    probe(context, runtime);
    await learn(context, runtime);
    await act(context, runtime);
    showPhase(context, runtime);
    runtime.lastError = '';
  } catch (error) {
    const message = messageOf(error);
    // The next tick tries again; say it once, not five times a second.
    if (message !== runtime.lastError) context.log('error', `${labelOf(runtime)}: ${message}`);
    runtime.lastError = message;
  } finally {
    runtime.busy = false;
  }
}

/** Looks whether it still runs, without acting on it. */
export function observeInstance(context: InstanceContext, runtime: InstanceRuntime): void {
  observe(context, runtime);
  showPhase(context, runtime);
}

function observe(context: InstanceContext, runtime: InstanceRuntime): void {
  if (runtime.record === null || !isLive(runtime)) return;
  runtime.record = observeRun(runtime.record, runtime.recordFile, context.boot, context.clock.now());
  if (runtime.record.exit !== null) ended(context, runtime);
}

function ended(context: InstanceContext, runtime: InstanceRuntime): void {
  const exit = runtime.record?.exit;
  if (exit === null || exit === undefined) return;
  const asked = runtime.stopRequestedAt !== null;
  runtime.exitedAt = context.clock.monotonic();
  runtime.stopRequestedAt = null;
  runtime.unasked = false;
  runtime.readySince = null;
  runtime.probes = NO_PROBES;
  const how = `ended with ${exit.signal ?? `code ${exit.code ?? 'unknown'}`}`;
  runtime.health = { verdict: 'fail', reason: exit.reason ?? how };
  // What was asked to end and did needs no words; a crash, or a process that had to be killed, does.
  if (!asked || exit.reason !== null)
    context.log('warn', `${labelOf(runtime)} ${how}`, { reason: exit.reason, run: runtime.record?.run, output: runtime.logFile });
}

function probe(context: InstanceContext, runtime: InstanceRuntime): void {
  const health = wantedProcess(context, runtime)?.health;
  const run = runtime.record;
  const now = context.clock.monotonic();
  if (health === undefined || run === null || run.child === null || run.exit !== null) return;
  if (health.kind === 'alive') {
    if (now - (runtime.startedAt ?? now) >= health.forMs) answered(context, runtime, true, `alive for ${health.forMs} ms`);
    return;
  }
  if (runtime.probing !== null || now < runtime.nextProbeAt) return;
  runtime.probing = probeHttp(run.port ?? 0, health.path, health.timeoutMs).then((answer) => {
    runtime.probing = null;
    const everyMs = runtime.probes.readyThisRun ? health.intervalMs : Math.min(health.intervalMs, STARTING_PROBE_MS);
    runtime.nextProbeAt = context.clock.monotonic() + everyMs;
    // The answer of a process that is gone meanwhile says nothing about the next one.
    if (runtime.record?.run === run.run && isLive(runtime)) answered(context, runtime, answer.passed, answer.reason);
    showPhase(context, runtime);
  });
}

function answered(context: InstanceContext, runtime: InstanceRuntime, passed: boolean, reason: string): void {
  runtime.unasked = false;
  runtime.probes = afterProbe(runtime.probes, passed);
  runtime.readySince = runtime.probes.healthy ? (runtime.readySince ?? context.clock.monotonic()) : null;
  runtime.health = { verdict: passed ? 'pass' : 'fail', reason };
}

/** Remembers durably what later decisions, and a later supervisor, need: that it was ready once, that it is healthy, that it settled. */
async function learn(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  const memory = memoryOf(context.store.state(), runtime.name);
  if (!isWanted(runtime, memory) || runtime.record === null || !isLive(runtime)) return;
  const { run } = runtime.record;
  const { readyThisRun, healthy } = runtime.probes;
  const settled = runtime.readySince !== null && context.clock.monotonic() - runtime.readySince >= SETTLED_MS;
  const learned = {
    everReady: memory.everReady || readyThisRun,
    readyRun: readyThisRun ? run : memory.readyRun,
    healthyRun: healthy ? run : 0,
    settledRun: settled ? run : memory.settledRun,
  };
  const isNew = (Object.keys(learned) as (keyof typeof learned)[]).some((key) => learned[key] !== memory[key]);
  if (isNew) await remember(context, runtime, memory, learned);
}

function remember(
  context: InstanceContext,
  runtime: InstanceRuntime,
  memory: InstanceMemory,
  change: Partial<InstanceMemory>,
): Promise<void> {
  return context.store.update((state) => remembering(state, { ...runtime.name, identity: memory.identity }, change));
}

async function act(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  killOverdue(context, runtime);
  switch (decideInstance(factsOf(context, runtime))) {
    case 'start':
      return start(context, runtime);
    case 'stop':
      return stop(context, runtime);
    case 'give-up':
      return giveUp(context, runtime);
    case 'forget':
      return forget(context, runtime);
    case 'wait':
      return;
  }
}

async function start(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  const record = await context.start(runtime, () => void stepInstance(context, runtime));
  runtime.record = record;
  runtime.startedAt = context.clock.monotonic();
  runtime.firstTryAt ??= runtime.startedAt;
  runtime.exitedAt = null;
  runtime.nextProbeAt = 0;
  runtime.probes = NO_PROBES;
  runtime.health = { verdict: 'unknown', reason: 'started, no health answer yet' };
  if (record.exit !== null) ended(context, runtime);
}

function stop(context: InstanceContext, runtime: InstanceRuntime): void {
  runtime.stopRequestedAt = context.clock.monotonic();
  // Listeners hear of it before the signal, so that a router sends nothing new to a process that is draining.
  showPhase(context, runtime);
  if (runtime.record !== null) askToStop(runtime.record);
}

function killOverdue(context: InstanceContext, runtime: InstanceRuntime): void {
  const { record, stopRequestedAt } = runtime;
  if (record === null || stopRequestedAt === null || !isLive(runtime)) return;
  if (context.clock.monotonic() - stopRequestedAt > record.graceMs + KEEPER_OVERDUE_MS) kill(record);
}

async function giveUp(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  const memory = memoryOf(context.store.state(), runtime.name);
  if (memory !== null) await remember(context, runtime, memory, { gaveUp: true });
}

/** Nothing runs any more. What is still wanted (under another definition) begins afresh. */
async function forget(context: InstanceContext, runtime: InstanceRuntime): Promise<void> {
  await rm(runtime.recordFile, { force: true });
  runtime.record = null;
  runtime.firstTryAt = null;
  runtime.startedAt = null;
  runtime.exitedAt = null;
  if (memoryOf(context.store.state(), runtime.name) !== null) return;
  runtime.over = true;
  context.forgotten(runtime);
}
