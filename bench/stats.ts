/** The middle value; of an even number the lower of the two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** Median with the least and the most, as columns of a {@link BenchRow}. */
export function spread(values: readonly number[], unit = 'ms'): Readonly<Record<string, number>> {
  return { [unit]: median(values), [`least ${unit}`]: Math.min(...values), [`most ${unit}`]: Math.max(...values) };
}

/** The same items in an order of chance, so that a machine that slows down disturbs all subjects alike. */
export function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** How long the work takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}
