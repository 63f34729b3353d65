import type { Flag, FlagType, FlagValue, ValueType } from '../../../packages/flags/src/core/definition.ts';
import { toIso, type Instant } from '../../kernel/pure.ts';

/** What a person says of a flag that is to be. */
export interface Draft {
  readonly type: FlagType;
  readonly owner: string;
  readonly valueType: ValueType;
  /** Empty: `on` and `off`, which only a boolean flag has by itself. */
  readonly variants: Readonly<Record<string, FlagValue>>;
  /** The safe variant; by default `off` where there is one, else the first. */
  readonly off: string | null;
  /** Served to everybody once the flag is on; by default `on` where there is one, else the safe one. */
  readonly serve: string | null;
  readonly expiresAt: Instant | null;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
}

const SWITCH: Readonly<Record<string, FlagValue>> = { off: false, on: true };

/** A new flag, which is off. The key is its salt, so that whoever renames it later keeps the buckets. */
export function newFlag(key: string, draft: Draft, now: Instant): Flag {
  const variants = Object.keys(draft.variants).length === 0 && draft.valueType === 'boolean' ? SWITCH : draft.variants;
  const names = Object.keys(variants);
  const off = draft.off ?? (names.includes('off') ? 'off' : (names[0] ?? ''));
  return {
    type: draft.type,
    valueType: draft.valueType,
    variants,
    enabled: false,
    off,
    rules: [],
    default: { variant: draft.serve ?? (names.includes('on') ? 'on' : off) },
    prerequisites: [],
    salt: key,
    hash: 1,
    stale: null,
    about: {
      name: draft.name,
      description: draft.description,
      owner: draft.owner,
      tags: draft.tags,
      createdAt: toIso(now),
      expiresAt: draft.expiresAt === null ? null : toIso(draft.expiresAt),
    },
  };
}
