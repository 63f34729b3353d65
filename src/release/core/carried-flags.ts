import type { Flag, Serve } from '../../../packages/flags/src/core/definition.ts';
import type { Check } from '../../kernel/pure.ts';

/** The flags of an environment when a release began: which they were (the digest), and what the ones it carries said. */
export interface FlagSnapshot {
  readonly environment: string;
  /** Of the newest change there was. */
  readonly seq: number;
  /** SHA-256 of the canonical JSON of all flags and segments. */
  readonly sha256: string;
  /** The flags the release carries; one that was not there is missing. */
  readonly flags: Readonly<Record<string, Flag>>;
}

/** Does everybody get the variant that is served while a flag is off? */
export function isOff(flag: Flag): boolean {
  return !flag.enabled || [flag.default, ...flag.rules.map(({ serve }) => serve)].every((serve) => servesOnly(serve, flag.off));
}

function servesOnly(serve: Serve, variant: string): boolean {
  if ('variant' in serve) return serve.variant === variant;
  return serve.weights.every((one) => one.variant === variant || one.weight === 0);
}

export interface Carried {
  readonly environment: string;
  readonly key: string;
  /** The version that serves carries it too. */
  readonly known: boolean;
}

/** What is asked of each flag that a release carries, before anything changes. */
export function checkFlag({ environment, key, known }: Carried, flag: Flag | undefined): Check {
  const name = `flag ${key}`;
  if (flag === undefined)
    return {
      name,
      verdict: 'fail',
      reason: 'it does not exist in this environment',
      fix: `Create it, off: \`slipway flag create ${key} --type ${key.split('_')[0]} --owner WHO --expires 90d -e ${environment}\`.`,
    };
  if (flag.about.owner.trim() === '')
    return {
      name,
      verdict: 'fail',
      reason: 'nobody owns it',
      fix: `Name one, for somebody must answer for turning it on and off: \`slipway flag set ${key} -e ${environment} --owner WHO\`.`,
    };
  if (!Object.hasOwn(flag.variants, flag.off))
    return {
      name,
      verdict: 'fail',
      reason: `its variant for "off" (${flag.off}) is not one of its variants`,
      fix: 'Name a variant that is safe.',
    };
  if (isOff(flag)) return { name, verdict: 'pass', reason: `off: everybody gets ${flag.off}; ${flag.about.owner} owns it` };
  if (known) return { name, verdict: 'pass', reason: 'on, and the version that serves carries it too: going back leaves it as it is' };
  return {
    name,
    verdict: 'fail',
    reason: 'it is on, and users would have it as soon as they reach the new version',
    fix: `Turn it off until the release is verified: \`slipway flag off ${key} -e ${environment}\`.`,
  };
}

/** Those that the way back turns off: all but what was on before the release began and belongs to the old version too. */
export function flagsToTurnOff(flags: readonly string[], shared: readonly string[], before: FlagSnapshot | null): readonly string[] {
  return flags.filter((key) => {
    const then = before?.flags[key];
    return !shared.includes(key) || then === undefined || isOff(then);
  });
}
