import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Effects } from '../../kernel/index.ts';
import type { GroupSpec, GroupState, InstanceState, Target } from '../../targets/index.ts';
import type { StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as, text } from './input.ts';

const LOOK_MS = 50;

/** Starts (or changes) a group and waits until every instance is ready. */
export function applyGroupStep(deps: StepDeps): StepExecutor {
  return async ({ step, plan, fence, signal, effects, note }) => {
    const spec = groupOf(deps.home, plan.workspace, as<GroupSpec>(step.input));
    await deps.target.apply(fence, spec);
    note(`asked for ${spec.processes.map((one) => `${one.instances} x ${one.name}`).join(', ')} of ${spec.version} in ${spec.id}`);
    return waitUntilReady(deps.target, spec, effects, signal);
  };
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

/** Watches a group until all wanted instances are ready, one has given up, or the signal aborts. */
export async function waitUntilReady(target: Target, spec: GroupSpec, effects: Effects, signal: AbortSignal): Promise<StepOutcome> {
  const wanted = spec.processes.reduce((sum, process) => sum + process.instances, 0);
  for (;;) {
    const state = await target.inspect(spec.id);
    const failed = state?.instances.find((instance) => instance.phase === 'failed');
    if (failed !== undefined) return { verdict: 'fail', reason: describeFailure(failed) };
    if (state !== null && isReady(state, spec, wanted))
      return {
        verdict: 'pass',
        reason: `${wanted} of ${wanted} instances of ${spec.version} are ready`,
        facts: { pids: state.instances.flatMap((one) => one.pid ?? []) },
      };
    if (signal.aborted) return { verdict: 'unknown', reason: `not ready in time: ${(state?.instances ?? []).map(describe).join('; ')}` };
    await effects.clock.sleep(LOOK_MS, signal);
  }
}

function isReady(state: GroupState, spec: GroupSpec, wanted: number): boolean {
  return (
    state.spec.version === spec.version &&
    state.instances.length === wanted &&
    state.instances.every((instance) => instance.phase === 'ready')
  );
}

function describe(instance: InstanceState): string {
  return `${instance.process}#${instance.index} is ${instance.phase} (${instance.health.reason})`;
}

function describeFailure(instance: InstanceState): string {
  const exit = instance.lastExit;
  // Neither a code nor a signal: it could not be started at all, and only the reason says why.
  const how =
    exit === null || (exit.code === null && exit.signal === null)
      ? instance.health.reason
      : exit.signal === null
        ? `it exited with code ${exit.code}`
        : `it was ended by ${exit.signal}`;
  return `${instance.process}#${instance.index} did not become ready: ${how}; its output is in ${instance.logFile}`;
}
