import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, type JsonObject } from '../../kernel/index.ts';
import type { GroupSpec, GroupState, InstanceState, Target } from '../../targets/index.ts';
import { printedFact } from '../core/printed.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as, text } from './input.ts';

const LOOK_MS = 50;
/** Restarts while it was waited for that are no bad luck any more: more than an instance is given that was never ready, so that one is told as what it is. With back-off they take about 8 s and what each run lives. */
const MOST_RESTARTS = 5;
/** Lines of output for the step's log. */
const OUTPUT_LINES = 100;

/** These make the old version smaller. Whether what is left of it is well decides nothing: a good version waits for no bad one. */
const SHRINKING = /^(deploy\.(quiet-old|retire-\d+|room-\d+)|observe\.keep-warm)$/;

/** Starts (or changes) a group and waits until every instance is ready; one that only gets smaller, until what is not wanted is gone. */
export function applyGroupStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, plan, fence } = context;
    const spec = groupOf(deps.home, plan.workspace, as<GroupSpec>(step.input));
    await deps.target.apply(fence, spec);
    context.note(`asked for ${spec.processes.map((one) => `${one.instances} x ${one.name}`).join(', ')} of ${spec.version} in ${spec.id}`);
    return SHRINKING.test(step.id) ? waitUntilSmall(deps.target, spec, context) : waitUntilReady(deps.target, spec, context);
  };
}

async function waitUntilSmall(target: Target, spec: GroupSpec, { effects, signal }: Waiting): Promise<StepOutcome> {
  const wanted = wantedOf(spec);
  for (;;) {
    const state = await target.inspect(spec.id);
    const instances = state?.instances ?? [];
    // Asked for only for a time, which may be over before anybody looks.
    if (state === null) return { verdict: 'pass', reason: `${spec.version} is stopped` };
    if (state.spec.version === spec.version && instances.length <= wanted && instances.every(({ phase }) => phase !== 'stopping')) {
      const ready = instances.filter(({ phase }) => phase === 'ready').length;
      return { verdict: 'pass', reason: `${ready} of ${wanted} instances of ${spec.version} are ready` };
    }
    if (signal.aborted) return { verdict: 'unknown', reason: `not stopped in time: ${instances.map(describe).join('; ')}` };
    await effects.clock.sleep(LOOK_MS, signal);
  }
}

function wantedOf(spec: GroupSpec): number {
  return spec.processes.reduce((sum, process) => sum + process.instances, 0);
}

/** Drains and stops a group. */
export function removeGroupStep({ target }: StepDeps): StepExecutor {
  return async ({ step, fence }) => {
    const group = text(step.input, 'group');
    await target.remove(fence, group);
    return { verdict: 'pass', reason: `${group} is stopped` };
  };
}

/**
 * The plan names artifacts relative to the state directory; the target needs the whole path. A variables file that is
 * committed belongs to the version; one that is not (git ignores most) is where preflight read it: in the workspace.
 */
export function groupOf(home: string, workspace: string, spec: GroupSpec): GroupSpec {
  const directory = join(home, spec.directory);
  const { envFile } = spec;
  if (envFile === null || existsSync(resolve(directory, envFile))) return { ...spec, directory };
  return { ...spec, directory, envFile: resolve(workspace, envFile) };
}

/** What a wait needs beside the group: {@link StepContext} has it. */
type Waiting = Pick<StepContext, 'effects' | 'signal' | 'note'>;

/** Why a wait is over, and whose fault it is. */
interface Late {
  readonly verdict: 'fail' | 'unknown';
  readonly reason: string;
  readonly instance: InstanceState | null;
}

/**
 * Watches a group until all wanted instances are ready, one has given up or keeps exiting, or the signal aborts. The last lines of
 * an instance that did not get ready are in the step's log and, as the fact `output`, in the ledger.
 */
export async function waitUntilReady(target: Target, spec: GroupSpec, { effects, signal, note }: Waiting): Promise<StepOutcome> {
  const restarts = restartsSince();
  for (;;) {
    const state = await target.inspect(spec.id);
    const instances = state?.instances ?? [];
    const late = giveUpOn(instances, restarts(instances));
    if (late !== null) return withOutput(target, spec.id, late, note);
    if (state !== null && isReady(state, spec))
      return {
        verdict: 'pass',
        reason: `${instances.length} of ${instances.length} instances of ${spec.version} are ready`,
        facts: { pids: instances.flatMap((one) => one.pid ?? []) },
      };
    if (signal.aborted) return withOutput(target, spec.id, notInTime(spec.id, instances), note);
    await effects.clock.sleep(LOOK_MS, signal);
  }
}

/** Counts each instance's restarts from the first look at it. */
function restartsSince(): (instances: readonly InstanceState[]) => (instance: InstanceState) => number {
  const before = new Map<string, number>();
  return (instances) => {
    for (const one of instances) if (!before.has(nameOf(one))) before.set(nameOf(one), one.restarts);
    return (one) => one.restarts - (before.get(nameOf(one)) ?? 0);
  };
}

function giveUpOn(instances: readonly InstanceState[], restarts: (instance: InstanceState) => number): Late | null {
  const failed = instances.find((one) => one.phase === 'failed');
  if (failed !== undefined) return { verdict: 'fail', reason: describeFailure(failed), instance: failed };
  // One that lives just long enough to be called ready is never given up by its supervisor, and is no version to give users to.
  const unstable = instances.find((one) => one.phase === 'backoff' && restarts(one) >= MOST_RESTARTS);
  if (unstable === undefined) return null;
  const reason = `${nameOf(unstable)} was started ${restarts(unstable) + 1} times and does not stay: ${howItEnded(unstable)}`;
  return { verdict: 'fail', reason, instance: unstable };
}

function notInTime(group: string, instances: readonly InstanceState[]): Late {
  const instance = instances.find((one) => one.phase !== 'ready') ?? null;
  const told = instance === null ? `${group} does not run what was asked for` : instances.map(describe).join('; ');
  return { verdict: 'unknown', reason: `not ready in time: ${told}`, instance };
}

/** The outcome with what the instance printed last, which is where the cause nearly always is. */
async function withOutput(target: Target, group: string, { verdict, reason, instance }: Late, note: Waiting['note']): Promise<StepOutcome> {
  return instance === null ? { verdict, reason } : { verdict, reason, facts: await printedBy(target, group, instance, note) };
}

/** The fact with an instance's last lines, which are in the step's log from then on. */
export async function printedBy(target: Target, group: string, instance: InstanceState, note: Waiting['note']): Promise<JsonObject> {
  const lines = await outputOf(target, group, instance, note);
  if (lines.length === 0) return {};
  note(`the last lines of ${nameOf(instance)}:`);
  for (const line of lines) note(`  ${line}`);
  return printedFact({ of: nameOf(instance), lines });
}

/** What is only told beside an outcome must not become the outcome: an agent of an older build cannot be asked. */
async function outputOf(target: Target, group: string, instance: InstanceState, note: Waiting['note']): Promise<readonly string[]> {
  try {
    return await target.output(group, instance, OUTPUT_LINES);
  } catch (error) {
    note(`what ${nameOf(instance)} printed could not be read: ${messageOf(error)}`);
    return [];
  }
}

function isReady(state: GroupState, spec: GroupSpec): boolean {
  return (
    state.spec.version === spec.version &&
    state.instances.length === wantedOf(spec) &&
    state.instances.every((instance) => instance.phase === 'ready')
  );
}

export function nameOf(instance: InstanceState): string {
  return `${instance.process}#${instance.index}`;
}

function describe(instance: InstanceState): string {
  return `${nameOf(instance)} is ${instance.phase} (${instance.health.reason})`;
}

function describeFailure(instance: InstanceState): string {
  return `${nameOf(instance)} did not become ready: ${howItEnded(instance)}; its output is in ${instance.logFile}`;
}

export function howItEnded({ lastExit, health }: InstanceState): string {
  // Neither a code nor a signal: it could not be started at all, and only the reason says why.
  if (lastExit === null || (lastExit.code === null && lastExit.signal === null)) return health.reason;
  return lastExit.signal === null ? `it exited with code ${lastExit.code}` : `it was ended by ${lastExit.signal}`;
}
