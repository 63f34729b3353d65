import type { Duration } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import { changeBetween, edgeOf, type Heard, type Reading } from './reading.ts';

/** What is remembered of one metric's source from one reading to the next. */
export interface Feed {
  /** The reading that later ones are compared with; null before the first of a checkpoint. */
  readonly base: Heard | null;
  /** Above which value a sample is slow; fixed before anything is compared. */
  readonly edge: number | null;
  /** Why nothing is known at the moment; null when it is. */
  readonly silent: string | null;
}

export const NO_FEED: Feed = { base: null, edge: null, silent: null };

/** A checkpoint begins: counts from before a change of weight belong to neither. */
export function feedAtCheckpoint({ edge }: Feed): Feed {
  return { ...NO_FEED, edge };
}

/** Readings without a bad canary request are put together up to this long. */
const LONGEST_TICK_MS: Duration = 10_000;

/**
 * One reading taken in. `news` is what the judge gets: counts, null when the source said nothing that can be counted,
 * undefined when there is nothing to judge yet. Counts from before a silence are not lost: the next answer holds them.
 */
export function addReading(
  feed: Feed,
  reading: Reading,
  slowerThan: number | null,
): { readonly feed: Feed; readonly news: Pair | null | undefined } {
  if (reading.kind === 'silent') return { feed: { ...feed, silent: reading.reason }, news: null };
  const edge = slowerThan ?? feed.edge ?? (reading.kind === 'histogram' ? edgeOf(reading.versions.stable) : null);
  const { base } = feed;
  if (base === null) return { feed: { base: reading, edge, silent: feed.silent === null ? null : AGAIN }, news: undefined };
  const change = changeBetween(base, reading, edge);
  if (change.pair === null) return { feed: { base: reading, edge: edgeIn(reading, edge, slowerThan), silent: change.reason }, news: null };
  const closes = feed.silent !== null || change.pair.canary.bad > 0 || reading.at - base.at >= LONGEST_TICK_MS;
  return closes ? { feed: { base: reading, edge, silent: null }, news: change.pair } : { feed: { ...feed, edge }, news: undefined };
}

const AGAIN = 'it answers again, and is counted from now on';

/** An edge that is no bound any more is looked for anew among the new buckets. */
function edgeIn(reading: Heard, edge: number | null, slowerThan: number | null): number | null {
  if (slowerThan !== null || reading.kind !== 'histogram' || edge === null) return edge;
  return reading.versions.stable.bounds.includes(edge) ? edge : edgeOf(reading.versions.stable);
}
