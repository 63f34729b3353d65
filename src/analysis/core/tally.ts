import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import type { Tick } from './tick.ts';

/** Counts per metric since a moment, and which metrics the newest tick was silent of. */
export type Tally = Readonly<Record<string, Pair>>;

export function addToTally(tally: Tally, { metrics }: Tick): Tally {
  const told = Object.entries(metrics).flatMap(([name, pair]) =>
    pair === null ? [] : [[name, addPairs(tally[name] ?? NO_REQUESTS, pair)] as const],
  );
  return { ...tally, ...Object.fromEntries(told) };
}
