import type { Duration } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS } from './counts.ts';
import { MINUTE_MS, type DocumentedTick, type Durations, type Reading } from './documented-facts.ts';

function windowOf(ticks: readonly DocumentedTick[], windowMs: Duration): readonly DocumentedTick[] {
  const last = ticks.at(-1)?.at ?? 0;
  return ticks.filter(({ at }) => at > last - windowMs);
}

/** Failed requests of each version as a share of its own, over the window; NaN for a side without requests, null when nothing was told. */
export function shareOver(ticks: readonly DocumentedTick[], windowMs: Duration): Reading | null {
  const known = windowOf(ticks, windowMs).flatMap(({ errors }) => (errors === null ? [] : [errors]));
  if (known.length === 0) return null;
  const { canary, stable } = known.reduce(addPairs, NO_REQUESTS);
  return { canary: canary.bad / canary.requests, stable: stable.bad / stable.requests };
}

/** A quantile of the canary's durations over the stable one's; null without requests on both sides, and where buckets changed. */
export function quantileRatio(ticks: readonly DocumentedTick[], part: number, windowMs: Duration): number | null {
  const known = windowOf(ticks, windowMs).flatMap(({ durations }) => (durations === null ? [] : [durations]));
  const quantile = (side: 'canary' | 'stable'): number => {
    const merged = mergeDurations(known.map((one) => one[side]));
    return merged === null ? Number.NaN : quantileOf(merged, part);
  };
  const ratio = quantile('canary') / quantile('stable');
  return Number.isNaN(ratio) ? null : ratio;
}

/** Null for histograms of different buckets, whose counts must not be added. */
export function mergeDurations(all: readonly Durations[]): Durations | null {
  const [first, ...rest] = all;
  if (first === undefined || rest.some(({ bounds }) => bounds.join() !== first.bounds.join())) return null;
  return {
    bounds: first.bounds,
    counts: first.counts.map((count, index) => rest.reduce((sum, one) => sum + (one.counts[index] ?? 0), count)),
  };
}

/** By interpolation inside its bucket, as Prometheus does; beyond the last bound, that bound. NaN without requests. */
export function quantileOf({ bounds, counts }: Durations, part: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return Number.NaN;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const bound = bounds[index] ?? bounds.at(-1) ?? Number.NaN;
    const from = bounds[index - 1] ?? 0;
    if (below + count >= part * total && count > 0)
      return index >= bounds.length ? bound : from + ((bound - from) * (part * total - below)) / count;
    below += count;
  }
  return bounds.at(-1) ?? Number.NaN;
}

/**
 * The mean of a quantity over the window, canary's over stable's, ticks without news of it left out: null when nobody told it, `gap`
 * when it is not known throughout. Nothing beside nothing is alike.
 */
export function meanRatio(
  ticks: readonly DocumentedTick[],
  of: (tick: DocumentedTick) => Reading | null | undefined,
  windowMs: Duration,
): number | 'gap' | null {
  const readings = windowOf(ticks, windowMs)
    .map(of)
    .filter((reading) => reading !== undefined);
  const known = readings.filter((reading) => reading !== null);
  if (known.length === 0) return null;
  if (known.length < readings.length) return 'gap';
  const sum = (side: keyof Reading): number => known.reduce((total, reading) => total + reading[side], 0);
  return sum('canary') === sum('stable') ? 1 : sum('canary') / sum('stable');
}

export function restartsOver(ticks: readonly DocumentedTick[], windowMs: Duration): number {
  return windowOf(ticks, windowMs).reduce((sum, { restarts }) => sum + restarts, 0);
}

/** The newest known value; null when it was never told. */
export function latestReading<T>(ticks: readonly DocumentedTick[], of: (tick: DocumentedTick) => T | null): T | null {
  for (const tick of ticks.toReversed()) {
    const value = of(tick);
    if (value !== null) return value;
  }
  return null;
}

/** A rule holds in each of the last so many minutes, each of which was there in full. */
export function everyMinute(
  ticks: readonly DocumentedTick[],
  minutes: number,
  rule: (minute: readonly DocumentedTick[]) => boolean,
): boolean {
  const last = ticks.at(-1)?.at ?? 0;
  return Array.from({ length: minutes }, (_minute, back) => {
    const until = last - back * MINUTE_MS;
    return ticks.filter(({ at, ofCustom }) => ofCustom !== true && at > until - MINUTE_MS && at <= until);
  }).every((minute) => minute.reduce((sum, { lengthMs }) => sum + lengthMs, 0) >= MINUTE_MS && rule(minute));
}
