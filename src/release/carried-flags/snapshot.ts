import { createHash } from 'node:crypto';
import { canonicalJson } from '../../evidence/index.ts';
import type { FlagSnapshot } from '../core/carried-flags.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDeps } from '../steps/deps.ts';

/** The flags of the plan's environment as they are now; null for a release that carries none. */
export async function snapshotFlags({ flags }: Pick<StepDeps, 'flags'>, { definition, environment }: Plan): Promise<FlagSnapshot | null> {
  const carried = definition.flags ?? [];
  if (carried.length === 0) return null;
  const { set } = await flags.read(environment);
  const found = carried.flatMap((key) => {
    const flag = Object.hasOwn(set.flags, key) ? set.flags[key] : undefined;
    return flag === undefined ? [] : [[key, flag] as const];
  });
  const sha256 = createHash('sha256').update(canonicalJson(set)).digest('hex');
  return { environment, seq: set.seq, sha256, flags: Object.fromEntries(found) };
}
