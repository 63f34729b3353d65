import type { FlagSet } from '../../../packages/flags/src/core/definition.ts';

/** A flag that requires one that is off for everybody. */
export interface Dependant {
  readonly flag: string;
  /** True: it requires what that one serves while it is off, which everybody meets now. False: nobody does, so it serves its safe variant too. */
  readonly isMet: boolean;
}

/** What happens to other flags when one is off for everybody: those that require it, and those that require these, the nearest first. */
export function dependantsOf({ flags }: Pick<FlagSet, 'flags'>, key: string): readonly Dependant[] {
  const found = new Map<string, Dependant>();
  const off = [key];
  for (const one of off) {
    const served = flags[one]?.off ?? '';
    for (const [flag, { enabled, prerequisites }] of Object.entries(flags)) {
      const required = prerequisites.find((prerequisite) => prerequisite.flag === one);
      // Of several that it requires one that is not met is enough.
      if (!enabled || required === undefined || found.get(flag)?.isMet === false) continue;
      const isMet = required.variants.includes(served);
      found.set(flag, { flag, isMet });
      if (!isMet) off.push(flag);
    }
  }
  return [...found.values()];
}
