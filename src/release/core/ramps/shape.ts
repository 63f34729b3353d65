import type { Condition, Flag, Rule, Serve } from '../../../../packages/flags/src/core/definition.ts';
import { EVERYBODY, type RampPlan, type RampStep } from './ramp.ts';

/** The rule a ramp keeps in the flag while it is under way; after those of people, which go before it. */
export const RAMP_RULE = 'ramp';

type Aim = Pick<RampPlan, 'variant' | 'internal'>;

/**
 * The flag as a step wants it. Rules of people stay, and decide first; the default gives nobody the variant until everybody has it.
 * A larger share only ever adds people: the share is of the same hash of the same salt.
 */
export function flagAt(flag: Flag, { variant, internal }: Aim, step: RampStep): Flag {
  if (step.kind === 'off') return { ...flag, enabled: false };
  const others = flag.rules.filter(({ name }) => name !== RAMP_RULE);
  if (step.share === EVERYBODY) return { ...flag, enabled: true, rules: others, default: { variant } };
  const fallback: Serve = serves(flag.default, variant) ? { variant: flag.off } : flag.default;
  return { ...flag, enabled: true, rules: [...others, rampRule(variant, internal, step)], default: fallback };
}

function rampRule(variant: string, internal: string | null, step: RampStep): Rule {
  const any: Condition[] = [
    ...(internal === null ? [] : [{ segment: internal }]),
    ...(step.kind === 'share' ? [{ percentage: step.share }] : []),
  ];
  const [only] = any;
  return { name: RAMP_RULE, when: any.length === 1 && only !== undefined ? only : { any }, serve: { variant } };
}

function serves(serve: Serve, variant: string): boolean {
  return 'variant' in serve ? serve.variant === variant : serve.weights.some((one) => one.variant === variant && one.weight > 0);
}

/** Why a flag cannot be ramped so, or null. */
export function whyNot(flag: Flag, { variant, internal }: Aim, steps: readonly RampStep[], segments: readonly string[]): string | null {
  const names = Object.keys(flag.variants);
  if (!names.includes(variant)) return `it has no variant "${variant}"; it has ${names.join(', ')}`;
  if (variant === flag.off) return `"${variant}" is what it serves while it is off; there is nothing to ramp`;
  if (steps.some(({ kind }) => kind === 'internal') && internal === null) return 'the step "internal" needs a segment: --internal SEGMENT';
  if (internal !== null && !segments.includes(internal)) return `there is no segment "${internal}" in this environment`;
  const own = flag.rules.find(({ name, serve }) => name !== RAMP_RULE && serves(serve, variant));
  if (own !== undefined)
    return `its rule "${own.name}" gives some people "${variant}" already, which no step could take back; remove it first`;
  return null;
}

/** Do people get the variant before the ramp gives it to anybody? */
export function alreadyOn(flag: Flag, variant: string): boolean {
  return flag.enabled && serves(flag.default, variant);
}
