import type { Instant } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import type { Scatter } from './dispersion.ts';
import type { TickFacts } from './documented-facts.ts';

/**
 * What one reading of the sources gave: the counts since the reading before, per metric; null where a source was silent. A metric
 * that is not named has no news: its source is read at another pace. Without any (as older builds wrote it) all were silent.
 */
export interface Tick {
  readonly at: Instant;
  readonly metrics: Readonly<Record<string, Pair | null>>;
  /** What some judges want to know beside counts; only gathered for those. */
  readonly facts?: TickFacts | undefined;
}

/** How much the stable version's counts scatter, per metric (see `scatterOf`, or `dispersionOf` for the number alone); none where nothing is known. */
export type Dispersions = Readonly<Record<string, number | Scatter>>;

/** What a tick says of a metric: counts, null for silence, undefined for no news. */
export function newsOf({ metrics }: Tick, name: string): Pair | null | undefined {
  return Object.keys(metrics).length === 0 ? null : metrics[name];
}
