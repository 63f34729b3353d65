import { SlipwayError } from '../kernel/index.ts';
import type { Asked } from './change.ts';
import type { FlagChange, FlagStore } from './ports.ts';

/**
 * Where an environment wants to know why, whoever changes it says so, by whatever door.
 * @param hint how it is said there
 * @throws SlipwayError `reason_missing`
 */
export async function refuseUnexplained(
  store: Pick<FlagStore, 'needsReasons'>,
  { environment, reason }: Pick<Asked, 'environment' | 'reason'>,
  hint?: string,
): Promise<void> {
  if (reason.trim() !== '' || !(await store.needsReasons(environment))) return;
  throw new SlipwayError('reason_missing', `Each change in ${environment} needs a reason`, hint === undefined ? {} : { hint });
}

/**
 * Lets each change of an environment need a reason, or not any more. Null: it is so already.
 * @throws SlipwayError `usage` without a reason for this one
 */
export function requireReasons(store: FlagStore, { environment, actor, reason }: Asked, required: boolean): Promise<FlagChange | null> {
  if (reason.trim() === '') throw new SlipwayError('usage', 'A reason is needed for this too', { hint: '--reason "..."' });
  return store.requireReasons(environment, required, { actor, reason });
}
