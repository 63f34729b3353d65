import { messageOf, type Check, type Duration } from '../../kernel/index.ts';
import type { GroupState } from '../../targets/index.ts';
import type { CanaryInput, InstancesSeen } from '../core/canary.ts';
import type { StepDeps } from './deps.ts';
import { howItEnded, nameOf } from './group.ts';

/** What earlier readings saw of the canary's instances; empty before the first. */
export interface InstanceMemory {
  /** Restarts when the checkpoint began. */
  readonly restarts?: number;
  /** For how long more than half of them have been seen not ready; time in which nobody looked does not count. */
  readonly awayMs?: Duration;
}

/** More than half of the canary's instances may be away this long, as after one restart. */
const AWAY_MS: Duration = 30_000;

/**
 * The canary's instances judged by themselves. Where they are down the router sends their requests to the stable version: users see
 * nothing, the counts say nothing, and the canary is none the less bad.
 */
export async function instanceChecks(
  { target }: StepDeps,
  { input, memory, elapsedMs }: { readonly input: CanaryInput; readonly memory: InstanceMemory; readonly elapsedMs: Duration },
): Promise<{ readonly checks: readonly Check[]; readonly memory: InstanceMemory; readonly seen: InstancesSeen | null }> {
  const group = await target.inspect(input.canary.group).catch(messageOf);
  // As with a silent source: nothing is known, so the weight is held, and a look lasts as long as any other.
  if (typeof group === 'string')
    return { checks: [{ name: 'instances', verdict: 'unknown', reason: `they could not be asked for: ${group}` }], memory, seen: null };
  if (group === null)
    return {
      checks: [{ name: 'instances', verdict: 'fail', reason: `${input.canary.group} is not running any more` }],
      memory,
      seen: null,
    };
  const restarts = group.instances.reduce((sum, one) => sum + one.restarts, 0);
  const before = memory.restarts ?? restarts;
  const away = group.instances.filter(({ phase }) => phase !== 'ready');
  const mostAway = away.length * 2 > group.instances.length;
  const awayMs = mostAway ? (memory.awayMs ?? 0) + elapsedMs : 0;
  const checks = [restartCheck(restarts - before, input.maxRestarts, group), readyCheck(away, awayMs, group)];
  return { checks, memory: { restarts: before, awayMs }, seen: { restarts, failing: away.length, all: group.instances.length } };
}

function restartCheck(restarts: number, limit: number, { instances }: GroupState): Check {
  const told = instances.filter((one) => one.restarts > 0).map((one) => `; ${nameOf(one)}: ${howItEnded(one)}`);
  return {
    name: 'restarts',
    verdict: restarts > limit ? 'fail' : 'pass',
    reason: `${Math.max(0, restarts)} restarts (limit ${limit})${told.join('')}`,
  };
}

function readyCheck(away: GroupState['instances'], awayMs: Duration, { instances }: GroupState): Check {
  const reason =
    away.length === 0
      ? 'all are ready'
      : `${away.length} of ${instances.length} are not ready: ${away.map((one) => `${nameOf(one)}, which is ${one.phase}`).join('; ')}`;
  return { name: 'instances', verdict: awayMs > AWAY_MS ? 'fail' : 'pass', reason };
}
