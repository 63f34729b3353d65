/** Points of a grid, evenly spaced on a logarithmic scale, each in the middle of its cell: `from (to/from)^((i+0.5)/size)`. */
export function logGrid(from: number, to: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_point, index) => from * (to / from) ** ((index + 0.5) / size));
}

/** ln of the mean of exp(logs): the mixture of e-processes, without overflow. */
export function logMeanExp(logs: readonly number[]): number {
  const most = Math.max(...logs);
  if (!Number.isFinite(most)) return most;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - most);
  return most + Math.log(sum / logs.length);
}

/** ln(exp(one) + exp(other)), without overflow; -Infinity stands for nothing. */
export function logAddExp(one: number, other: number): number {
  const most = Math.max(one, other);
  return Number.isFinite(most) ? most + Math.log1p(Math.exp(Math.min(one, other) - most)) : most;
}

/**
 * Of all bad requests, the share expected from the canary when its rate is `ratio` times the stable one and it gets the share
 * `w` of the requests: `z = ratio w / (ratio w + 1 - w)` (Lindon and Malek, arXiv 2011.03567).
 */
export function canaryShareOfBad(ratio: number, w: number): number {
  return (ratio * w) / (ratio * w + 1 - w);
}

/**
 * ln of the likelihood ratio of "the canary's rate is `ratio` times the stable one" against "`against` times", for `canaryBad` and
 * `stableBad` bad requests in a span in which the canary got the share `w` of the requests. The same as
 * `c ln(z/z0) + b ln((1-z)/(1-z0))`, written with one logarithm per point.
 */
export function logRatioEvidence(
  ratio: number,
  against: number,
  { w, canaryBad, stableBad }: { readonly w: number; readonly canaryBad: number; readonly stableBad: number },
): number {
  const rest = (against * w + 1 - w) / (ratio * w + 1 - w);
  return canaryBad * Math.log(ratio / against) + (canaryBad + stableBad) * Math.log(rest);
}

/** {@link logRatioEvidence} of many ratios, whose `ln(ratio / against)` are known: it is asked for each tick. */
export function logRatioEvidences(
  grid: { readonly ratios: readonly number[]; readonly logs: readonly number[] },
  against: number,
  { w, canaryBad, stableBad }: { readonly w: number; readonly canaryBad: number; readonly stableBad: number },
): readonly number[] {
  const all = canaryBad + stableBad;
  const base = all * Math.log(against * w + 1 - w);
  return grid.ratios.map((ratio, index) => canaryBad * (grid.logs[index] ?? 0) + base - all * Math.log(ratio * w + 1 - w));
}
