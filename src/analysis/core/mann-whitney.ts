/** What two series differ by: the Hodges-Lehmann shift of the first against the second, and its interval. */
export interface Shift {
  readonly low: number;
  readonly high: number;
  readonly estimate: number;
}

/** How close to the root a bound is found, as in R and in Kayenta. */
const TOLERANCE = 1e-4;

/**
 * Interval for the shift `d` at which `canary - d` and `stable` are as alike as ranks can tell: the roots of the standardized
 * Mann-Whitney statistic, by normal approximation with continuity and tie correction (R's `wilcox.test(conf.int = TRUE, exact = FALSE)`,
 * of which Kayenta's `MannWhitney` is a port). Null where there is nothing to rank: an empty series, or all values equal.
 */
export function shiftOf(canary: readonly number[], stable: readonly number[], confidence: number): Shift | null {
  if (canary.length === 0 || stable.length === 0 || new Set([...canary, ...stable]).size < 2) return null;
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const [first, second] = [ascending(canary), ascending(stable)];
  const at = (target: number, correct: boolean): number => root(first, second, { target, correct });
  // The statistic is a staircase; where a stair lies at 0, the estimate is its middle.
  const mirrored = -root(second, first, { target: 0, correct: false });
  return { low: at(z, true), high: at(-z, true), estimate: (at(0, false) + mirrored) / 2 };
}

/** The shift at which the statistic of two sorted series falls to `target`. */
function root(
  first: readonly number[],
  second: readonly number[],
  { target, correct }: { readonly target: number; readonly correct: boolean },
): number {
  const range = { low: (first[0] ?? 0) - (second.at(-1) ?? 0), high: (first.at(-1) ?? 0) - (second[0] ?? 0) };
  const { low, high } = rootOf((shift) => statistic(first, second, { shift, correct }) - target, range);
  // It falls only where a shifted value meets one of the other series; without this, a root at 0 would be a little beside it.
  for (const value of first) for (const other of second) if (value - other >= low && value - other <= high) return value - other;
  return (low + high) / 2;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Between what a falling function crosses 0, or the end of the range beyond which it does. */
function rootOf(falling: (at: number) => number, range: Range): Range {
  let { low, high } = range;
  if (falling(low) <= 0) return { low, high: low };
  if (falling(high) >= 0) return { low: high, high };
  const close = TOLERANCE * Math.min(1, high - low);
  while (high - low > close) {
    const middle = (low + high) / 2;
    if (falling(middle) > 0) low = middle;
    else high = middle;
  }
  return { low, high };
}

/** Standardized U of the canary's series less `shift` over the stable one, both sorted. */
function statistic(
  canary: readonly number[],
  stable: readonly number[],
  { shift, correct }: { readonly shift: number; readonly correct: boolean },
): number {
  const [n, m] = [canary.length, stable.length];
  const shifted = canary.map((value) => value - shift);
  const { u, ties } = ranked(shifted, stable);
  const distance = u - (n * m) / 2;
  const correction = correct ? Math.sign(distance) * 0.5 : 0;
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  // All values equal at this shift: there is no distance either.
  return variance <= 0 ? 0 : (distance - correction) / Math.sqrt(variance);
}

/** U (pairs in which the first is larger, ties half), and the sum of t^3 - t over groups of t tied values, of two sorted series. */
function ranked(first: readonly number[], second: readonly number[]): { readonly u: number; readonly ties: number } {
  let [i, j, u, ties] = [0, 0, 0, 0];
  while (i < first.length || j < second.length) {
    const value = Math.min(first[i] ?? Number.POSITIVE_INFINITY, second[j] ?? Number.POSITIVE_INFINITY);
    let [own, other] = [0, 0];
    while (first[i] === value) {
      own += 1;
      i += 1;
    }
    while (second[j] === value) {
      other += 1;
      j += 1;
    }
    u += own * (j - other + other / 2);
    ties += (own + other) ** 3 - (own + other);
  }
  return { u, ties };
}

/** Of pairs of one value each, the share in which the canary's is larger, ties half: the common language effect size. */
export function commonLanguage(canary: readonly number[], stable: readonly number[]): number {
  return ranked(ascending(canary), ascending(stable)).u / (canary.length * stable.length);
}

function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

/** Quantile of the normal distribution (Acklam's rational approximation, relative error below 1.2e-9), for 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    const top = [-7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
    const bottom = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
    return polynomial(top, q) / polynomial(bottom, q);
  }
  const q = p - 0.5;
  const top = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
  const bottom = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  return (q * polynomial(top, q * q)) / polynomial(bottom, q * q);
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
