import type { FlagSet } from '../../../packages/flags/src/core/definition.ts';
import type { Target } from './targets.ts';
import { setWith } from './targets.ts';

interface Written {
  readonly seq: number;
  readonly writes: readonly (Pick<Target, 'kind' | 'key'> & { readonly before: unknown })[];
}

/** The set as it was before these changes, the newest first, the oldest of which is the one after `seq`. */
export function rewound(set: FlagSet, changes: readonly Written[], seq: number): FlagSet {
  const back = changes.flatMap(({ writes }) => writes.map(({ kind, key, before }) => ({ kind, key, after: before }) as Target));
  return { ...setWith(set, back), seq };
}
