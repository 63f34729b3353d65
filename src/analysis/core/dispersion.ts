import { addArms, NO_ARM, type Arm } from './counts.ts';

/**
 * How much more the bad requests of the stable version scatter than chance alone would have it: 1 is Poisson, 4 means bursts.
 * Each cell is one instance over one minute: `max(1, mean over cells of (bad - expected)^2 / expected)` with `expected` from the pooled rate
 * (Pearson's statistic over its cells; the deflation is that of quasi-likelihood, McCullagh and Nelder 1989, section 4.5).
 * Without cells that expect anything it is 1, which says nothing.
 */
export function dispersionOf(cells: readonly Arm[]): number {
  const { requests, bad } = cells.reduce(addArms, NO_ARM);
  if (bad === 0) return 1;
  const scatter = cells
    .map((cell) => ({ bad: cell.bad, expected: (cell.requests * bad) / requests }))
    .filter(({ expected }) => expected > 0)
    .map((cell) => (cell.bad - cell.expected) ** 2 / cell.expected);
  return Math.max(1, scatter.reduce((sum, one) => sum + one, 0) / scatter.length);
}

/** What the stable version's own instances say about how far a canary may be off without being worse. */
export interface Scatter {
  /** Counts are divided by it: bursts make many bad requests out of few causes. */
  readonly dispersion: number;
  /** A canary no worse than the stable version may have this many times its rate, because instances differ by themselves. */
  readonly luck: number;
}

export const NO_SCATTER: Scatter = { dispersion: 1, luck: 1 };

/** Bursts are looked for at these lengths, in cells: one of five minutes hardly shows between single minutes. */
const LENGTHS = [1, 2, 5, 10, 15] as const;
/** Of 200 canaries no worse than the stable version one is further off than its luck. */
const LUCK_QUANTILE = 2.576;
/** However unlike the stable instances are: one of them that is sick must not excuse a canary that is worse. */
const MOST_LUCK = 3;

/**
 * The scatter of the stable version, from its instances (rows) over equal consecutive spans of about a minute (columns, the same for all).
 * What all instances suffer in the same span is no scatter: the judge compares within a span, so it cancels.
 *
 * Dispersion: Pearson's statistic over its degrees of freedom, expected counts from the margins of the table (span and instance), the
 * largest over spans merged to several lengths. Luck: the same between instances over the whole time,
 * beyond the dispersion, as the variance of a random factor per instance (DerSimonian and Laird 1986),
 * `luck = exp(2.576 sd sqrt(1/canaryInstances + 1/instances))`. Both count only as far as they are beyond one standard error of
 * their own, `sqrt(2 / degrees)`; single minutes have enough of them to count whole. One instance cannot be compared with others,
 * so all it varies by is dispersion.
 */
export function scatterOf(instances: readonly (readonly Arm[])[], canaryInstances = 1): Scatter {
  const spans = Math.min(...instances.map((cells) => cells.length));
  if (instances.length === 0 || spans === 0) return NO_SCATTER;
  // One that was not there yet has nothing to say.
  const table = instances.map((cells) => cells.slice(0, spans)).filter((row) => row.some(({ requests }) => requests > 0));
  if (table.length === 0) return NO_SCATTER;
  if (table.length === 1) return { dispersion: dispersionOf(table.flat()), luck: 1 };
  const found = LENGTHS.filter((length) => length === 1 || 2 * length <= spans).map((length) => ({
    length,
    ...within(merged(table, length)),
  }));
  const dispersion = Math.max(1, ...found.map(({ length, value, degrees }) => (length === 1 ? value : beyondChance(value, degrees))));
  return { dispersion, luck: luckOf(merged(table, spans), dispersion, canaryInstances) };
}

function luckOf(table: readonly (readonly Arm[])[], dispersion: number, canaryInstances: number): number {
  const totals = table.flat();
  const all = totals.reduce(addArms, NO_ARM);
  if (all.bad === 0) return 1;
  const degrees = totals.length - 1;
  const between = beyondChance(pearson(totals, (cell) => (cell.requests * all.bad) / all.requests) / degrees, degrees);
  const variance = Math.max(0, between - dispersion) / (all.bad / totals.length);
  return Math.min(MOST_LUCK, Math.exp(LUCK_QUANTILE * Math.sqrt(variance * (1 / canaryInstances + 1 / totals.length))));
}

/** Pearson's statistic per degree of freedom once spans and instances may differ as wholes; 1 where there is nothing to compare. */
function within(table: readonly (readonly Arm[])[]): { readonly value: number; readonly degrees: number } {
  const columns = (table[0] ?? []).map((_cell, column) => table.map((row) => row[column] ?? NO_ARM).reduce(addArms, NO_ARM));
  const degrees = degreesOf(table, columns);
  if (degrees <= 0) return { value: 1, degrees: 1 };
  let statistic = 0;
  for (const row of table) {
    // By how much this instance differs from the pool, over its whole time.
    const own = row.reduce((sum, { bad }) => sum + bad, 0);
    const expected = row.reduce((sum, cell, column) => sum + pooled(cell, columns[column]), 0);
    const factor = expected === 0 ? 0 : own / expected;
    statistic += row.reduce((sum, cell, column) => sum + distance(cell.bad, factor * pooled(cell, columns[column])), 0);
  }
  return { value: statistic / degrees, degrees };
}

/**
 * `(instances - 1)(spans - 1)` for a whole table. Instances come and go, and one that had no request in a span says nothing about it:
 * of a table with holes, its cells less what its margins take.
 */
function degreesOf(table: readonly (readonly Arm[])[], columns: readonly Arm[]): number {
  const lively = (cell: Arm, column: number): boolean => cell.requests > 0 && (columns[column]?.bad ?? 0) > 0;
  const rows = table.map((row) => row.filter(lively).length).filter((cells) => cells > 0);
  return rows.reduce((sum, cells) => sum + cells, 0) - rows.length - columns.filter(({ bad }) => bad > 0).length + 1;
}

function pooled(cell: Arm, column: Arm | undefined): number {
  return column === undefined || column.requests === 0 ? 0 : (cell.requests * column.bad) / column.requests;
}

function pearson(cells: readonly Arm[], expected: (cell: Arm) => number): number {
  return cells.reduce((sum, cell) => sum + distance(cell.bad, expected(cell)), 0);
}

function distance(bad: number, expected: number): number {
  return expected > 0 ? (bad - expected) ** 2 / expected : 0;
}

function beyondChance(value: number, degrees: number): number {
  return value / (1 + Math.sqrt(2 / degrees));
}

/** Consecutive cells put together, `length` at a time; what does not fill the last group is left out. */
function merged(table: readonly (readonly Arm[])[], length: number): readonly (readonly Arm[])[] {
  return table.map((row) =>
    Array.from({ length: Math.floor(row.length / length) }, (_group, index) =>
      row.slice(index * length, (index + 1) * length).reduce(addArms, NO_ARM),
    ),
  );
}
