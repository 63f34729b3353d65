import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import type { Instant } from '../../kernel/pure.ts';
import { wholeVariant, type WholeVariant } from './refs/cleanup.ts';
import { same } from './same.ts';

/** What the history tells of a flag's life, by the clock of the store. */
export interface FlagLife {
  /** When it was made, or a time when it was there that is long enough ago; null: the history does not say. */
  readonly madeAt: Instant | null;
  /** Everybody (who can be dealt one) gets this variant, and has got its value since this change; null: not everybody gets the same. */
  readonly fixed: (WholeVariant & { readonly since: Instant; readonly seq: number }) | null;
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
  const whole = wholeVariant(flag);
  const wanted = whole === null ? undefined : flag.variants[whole.variant];
  let isRun = whole !== null;
  let madeAt: Instant | null = null;
  let fixed: FlagLife['fixed'] = null;
  return {
    /** False when the rest says nothing more. */
    take: ({ seq, at, before, after }) => {
      isRun &&= after !== null && servesOnly(after, wanted);
      if (isRun && whole !== null) fixed = { ...whole, since: at, seq };
      madeAt = at;
      return before !== null && (isRun || at > longAgo);
    },
    life: () => ({ madeAt, fixed }),
  };
}

function servesOnly(flag: Flag, value: unknown): boolean {
  const whole = wholeVariant(flag);
  return whole !== null && same(flag.variants[whole.variant], value);
}
