import type { Check, Duration, Instant } from '../../kernel/index.ts';
import type { GroupState } from '../../targets/index.ts';
import type { CanaryInput } from '../core/canary.ts';
import type { StepDeps } from './deps.ts';
import { howItEnded, nameOf } from './group.ts';

/** What earlier readings saw of the canary's instances; empty before the first. */
export interface InstanceMemory {
  /** Restarts when the checkpoint began. */
  readonly restarts?: number;
  /** Since when more than half of them have not been ready. */
  readonly awaySince?: Instant;
}

/** Half of the canary's instances may be away this long, as after one restart. */
const AWAY_MS: Duration = 10_000;

/**
 * The canary's instances judged by themselves. Where they are down the router sends their requests to the stable version: users see
 * nothing, the counts say nothing, and the canary is none the less bad.
 */
export async function instanceChecks(
  { target }: StepDeps,
  { input, memory, at }: { readonly input: CanaryInput; readonly memory: InstanceMemory; readonly at: Instant },
): Promise<{ readonly checks: readonly Check[]; readonly memory: InstanceMemory }> {
  const group = await target.inspect(input.canary.group);
  if (group === null)
    return { checks: [{ name: 'instances', verdict: 'fail', reason: `${input.canary.group} is not running any more` }], memory };
  const restarts = group.instances.reduce((sum, one) => sum + one.restarts, 0);
  const before = memory.restarts ?? restarts;
  const away = group.instances.filter(({ phase }) => phase !== 'ready');
  const mostAway = away.length * 2 > group.instances.length;
  const awaySince = mostAway ? (memory.awaySince ?? at) : undefined;
  const checks = [
    restartCheck(restarts - before, input.maxRestarts, group),
    readyCheck(away, awaySince === undefined ? 0 : at - awaySince, group),
  ];
  return { checks, memory: { restarts: before, ...(awaySince === undefined ? {} : { awaySince }) } };
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
