import { killOf, type Flag, type FlagStore } from '../../flags/index.ts';
import { canonicalJson } from '../../evidence/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import type { NewRampEvent } from '../core/ramps/events.ts';
import type { RampFacts } from '../core/ramps/next.ts';
import { actorOf, type RampPlan } from '../core/ramps/ramp.ts';
import { flagAt, whyNot } from '../core/ramps/shape.ts';
import { stepText } from '../core/ramps/steps.ts';

/** The flag as it is, and who made it so; the flag itself beside it. */
export interface RampFlag {
  /** The newest change there was. */
  readonly seq: number;
  readonly facts: RampFacts;
  readonly flag: Flag | null;
  readonly segments: readonly string[];
}

/** Reads the flag and the change that made it so. */
export async function readRampFlag(flags: Pick<FlagStore, 'read' | 'history'>, { environment, flag: key }: RampPlan): Promise<RampFlag> {
  const { set, flagRevisions } = await flags.read(environment);
  const { seq } = set;
  const segments = Object.keys(set.segments);
  const flag = Object.hasOwn(set.flags, key) ? set.flags[key] : undefined;
  const revision = flagRevisions.get(key);
  if (flag === undefined || revision === undefined) return { seq, facts: { flag: null }, flag: null, segments };
  const [newest] = await flags.history(environment, { key, before: revision + 1, limit: 1 });
  // A kill holds whatever was changed since.
  const kill = flag.enabled ? null : await killOf(flags, environment, key);
  const { actor: by, action } = kill?.change ?? newest ?? { actor: 'somebody', action: 'change' };
  return { seq, facts: { flag: { revision, enabled: flag.enabled, by, action } }, flag, segments };
}

/**
 * Makes the flag as a step wants it, from the revision the step was begun at. Null when somebody was quicker, with whatever flag or segment,
 * for the step's own may be the one that is gone: look again. A flag that cannot be ramped any more (its variant or segment is gone) pauses the ramp.
 */
export async function setFlag(
  flags: Pick<FlagStore, 'commitChecked'>,
  { plan, index, revision }: { readonly plan: RampPlan; readonly index: number; readonly revision: number },
  { seq, flag, segments }: RampFlag,
): Promise<NewRampEvent | null> {
  const step = plan.steps[index];
  if (step === undefined || flag === null) throw new Error(`Ramp ${plan.ramp} has no step ${index}`);
  const hindrance = step.kind === 'off' ? null : whyNot(flag, plan, plan.steps, segments);
  if (hindrance !== null) return { type: 'ramp.paused', data: { reason: `${stepText(step)} cannot be set: ${hindrance}`, revision } };
  const after = flagAt(flag, plan, step);
  if (canonicalJson(after) === canonicalJson(flag)) return { type: 'step.set', data: { index, revision, changed: false } };
  const reason = `${plan.reason} (step ${index + 1} of ${plan.steps.length}: ${stepText(step)})`;
  const writes = [{ kind: 'flag', key: plan.flag, revision, after }] as const;
  try {
    const made = await flags.commitChecked(seq, {
      environment: plan.environment,
      actor: actorOf(plan.ramp),
      reason,
      action: 'ramp',
      acknowledge: false,
      writes,
    });
    return made === null ? null : { type: 'step.set', data: { index, revision: made.seq, changed: true } };
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'flag_conflict') return null;
    throw error;
  }
}
