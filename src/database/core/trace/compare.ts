import type { Claim } from '../lint/lint-file.ts';
import { LOCK_MODES, type LockMode } from '../lint/measured-facts.ts';

/** What a statement was seen to do to relations that were there before its file. */
export interface Observed {
  readonly locks: readonly { readonly relation: string; readonly mode: LockMode }[];
  readonly scans: readonly string[];
  readonly rewrites: readonly string[];
}

/** Where the linter and the server differ, in words. */
export interface Difference {
  /** The server did more than the linter knows of: a hole in what the linter says. */
  readonly missed: readonly string[];
  /** The linter says more than the server did, as for IF EXISTS of what is not there: careful, and no hole. */
  readonly careful: readonly string[];
}

const rank = (mode: LockMode): number => LOCK_MODES.indexOf(mode);
/** Below this a lock stops neither reads nor writes, and what takes it (a lookup, a foreign key's check) is nobody's concern. */
const NOTICED = rank('SHARE UPDATE EXCLUSIVE');

/**
 * @param held locks of earlier statements of the same transaction: what is not stronger than them cannot be seen
 * @param planned whether the planner chose how to read (a query): then it says nothing of the statement
 */
export function difference(claims: readonly Claim[], observed: Observed, held: Observed['locks'], planned: boolean): Difference {
  const claimed = strongest(claims.flatMap(({ locks }) => locks));
  const seen = strongest(observed.locks);
  const before = strongest(held);
  const missed: string[] = [];
  const careful: string[] = [];
  for (const relation of new Set([...claimed.keys(), ...seen.keys()])) {
    const [expected, actual] = [claimed.get(relation) ?? -1, seen.get(relation) ?? -1];
    const words = `lock on ${relation}: lint says ${nameOf(expected)}, the server took ${nameOf(actual)}`;
    if (actual >= NOTICED && actual > expected) missed.push(words);
    if (expected >= NOTICED && expected > Math.max(actual, before.get(relation) ?? -1)) careful.push(words);
  }
  const rewrites = claims.flatMap((one) => one.rewrites);
  const scans = [...rewrites, ...observed.rewrites, ...claims.flatMap((one) => one.scans)];
  return {
    missed: [
      ...missed,
      ...without(observed.rewrites, rewrites).map((relation) => `rewrite of ${relation}: the server did one, lint knows of none`),
      // Whatever is rewritten is read whole.
      ...(planned ? [] : without(observed.scans, scans).map((relation) => `scan of ${relation}: the server did one, lint knows of none`)),
    ],
    careful: [
      ...careful,
      ...without(rewrites, observed.rewrites).map((relation) => `rewrite of ${relation}: lint says so, the server did none`),
    ],
  };
}

function without(some: readonly string[], others: readonly string[]): readonly string[] {
  return [...new Set(some)].filter((one) => !others.includes(one));
}

function strongest(locks: Observed['locks']): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const { relation, mode } of locks) ranks.set(relation, Math.max(ranks.get(relation) ?? -1, rank(mode)));
  return ranks;
}

const nameOf = (position: number): string => LOCK_MODES[position] ?? 'none';
