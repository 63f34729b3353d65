import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import type { Instant } from '../../kernel/pure.ts';
import { fixedVariant } from './refs/cleanup.ts';
import { same } from './same.ts';

/** What the history tells of a flag's life, by the clock of the store. */
export interface FlagLife {
  /** When it was made, or a time when it was there that is long enough ago; null: the history does not say. */
  readonly madeAt: Instant | null;
  /** Everybody gets this variant, and has got its value since this change; null: not everybody gets the same. */
  readonly fixed: { readonly variant: string; readonly since: Instant; readonly seq: number } | null;
}

interface Written {
  readonly seq: number;
  readonly at: Instant;
  readonly before: Flag | null;
  readonly after: Flag | null;
}

/**
 * Reads a flag's history backwards, change by change, until it is known.
 * @param longAgo what was so at this time was so for long enough: nothing before it is asked for but since when one value is served
 */
export function readLife(flag: Flag, longAgo: Instant): { readonly take: (change: Written) => boolean; readonly life: () => FlagLife } {
  const variant = fixedVariant(flag);
  const wanted = variant === null ? undefined : flag.variants[variant];
  let isRun = variant !== null;
  let madeAt: Instant | null = null;
  let fixed: FlagLife['fixed'] = null;
  return {
    /** False when the rest says nothing more. */
    take: ({ seq, at, before, after }) => {
      isRun &&= after !== null && servesOnly(after, wanted);
      if (isRun && variant !== null) fixed = { variant, since: at, seq };
      madeAt = at;
      return before !== null && (isRun || at > longAgo);
    },
    life: () => ({ madeAt, fixed }),
  };
}

function servesOnly(flag: Flag, value: unknown): boolean {
  const variant = fixedVariant(flag);
  return variant !== null && same(flag.variants[variant], value);
}
