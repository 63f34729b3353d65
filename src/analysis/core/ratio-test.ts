import type { Pair } from './counts.ts';
import { logAddExp, logGrid, logMeanExp, logRatioEvidence } from './mixture.ts';

/** Points on each side of the margin. */
const GRID = 60;
/** The highest ratio of rates that is told apart from higher ones; the lowest is `margin / 100`. */
const HIGHEST_RATIO = 100;

/**
 * What is known about the ratio of the canary's bad rate to the stable one, against a margin. All values are natural logarithms
 * of e-processes: under the hypothesis they speak against, the chance that one ever reaches ln(x) is at most 1/x, however often one looks.
 */
export interface RatioTest {
  readonly margin: number;
  /** The ratios that {@link above} and {@link below} are about. */
  readonly ratios: { readonly above: readonly number[]; readonly below: readonly number[] };
  /** Evidence of each ratio above the margin against the margin, since the checkpoint began. */
  readonly above: readonly number[];
  /** The same for ratios below it. */
  readonly below: readonly number[];
  /** Evidence of each ratio above the margin since the moment that suits it best, over the whole bake; see {@link RatioTest.change} in {@link addToRatioTest}. */
  readonly change: readonly number[];
}

/** Grid of ratios above the margin, where a canary is bad, and below it, where it is good. */
function ratiosAbove(margin: number): readonly number[] {
  return logGrid(margin, HIGHEST_RATIO, GRID);
}

function ratiosBelow(margin: number): readonly number[] {
  return logGrid(margin / HIGHEST_RATIO, margin, GRID);
}

export function startRatioTest(margin: number): RatioTest {
  const none = Array.from({ length: GRID }, () => 0);
  const ratios = { above: ratiosAbove(margin), below: ratiosBelow(margin) };
  return { margin, ratios, above: none, below: none, change: none.map(() => Number.NEGATIVE_INFINITY) };
}

/** A new checkpoint: the test begins anew, the watch over the whole bake goes on. */
export function restartRatioTest(test: RatioTest): RatioTest {
  const none = test.above.map(() => 0);
  return { ...test, above: none, below: none };
}

/**
 * One span added. Counts are divided by `dispersion` (1 where they scatter as chance alone would have it), which raises each
 * likelihood ratio to 1/dispersion and so keeps it valid. A span without bad requests, or with requests on one side only, says nothing.
 *
 * `change` is a mixture of Shiryaev-Roberts e-detectors: in each period a new e-process is begun, and all that were begun are
 * summed, `R := (R + begun) LR`. Under the null the expected sum is the number of periods, so the chance of `mean R >= periods / alpha`
 * within the bake is at most alpha (Shin, Ramdas and Rinaldo, arXiv 2203.03532). It is never below the e-CUSUM, which keeps only the
 * largest of the same processes, and so never later; see docs/decisions/0014. A test that only sums up since the start grows deaf.
 */
export function addToRatioTest(
  test: RatioTest,
  { canary, stable }: Pair,
  { dispersion, begun }: { readonly dispersion: number; readonly begun: number },
): RatioTest {
  const opened = begun === 0 ? test.change : test.change.map((log) => logAddExp(log, Math.log(begun)));
  const w = canary.requests / (canary.requests + stable.requests);
  if (canary.bad + stable.bad === 0 || !(w > 0 && w < 1)) return { ...test, change: opened };
  const span = { w, canaryBad: canary.bad / dispersion, stableBad: stable.bad / dispersion };
  const evidence = (ratio: number): number => logRatioEvidence(ratio, test.margin, span);
  const above = test.ratios.above.map(evidence);
  const below = test.ratios.below.map(evidence);
  return {
    ...test,
    above: test.above.map((log, index) => log + (above[index] ?? 0)),
    below: test.below.map((log, index) => log + (below[index] ?? 0)),
    change: opened.map((log, index) => log + (above[index] ?? 0)),
  };
}

/** ln of the e-values: against "at most the margin" (`bad`), against "at least the margin" (`good`), and of a change somewhere in the bake. */
export function ratioEvidence({ above, below, change }: RatioTest): {
  readonly bad: number;
  readonly good: number;
  readonly change: number;
} {
  return { bad: logMeanExp(above), good: logMeanExp(below), change: logMeanExp(change) };
}

/** The ratios that the counts since the checkpoint began do not exclude at `alpha`: a confidence sequence, valid at every look. */
export function ratioInterval({ ratios: grid, above, below }: RatioTest, alpha: number): { readonly low: number; readonly high: number } {
  const logs = [...below, ...above];
  const ratios = [...grid.below, ...grid.above];
  const mixture = logMeanExp(logs);
  const kept = ratios.filter((_ratio, index) => mixture - (logs[index] ?? 0) < Math.log(1 / alpha));
  const low = kept[0] ?? 0;
  const high = kept.at(-1) ?? Number.POSITIVE_INFINITY;
  // The grid's ends stand for everything beyond them.
  return { low: low === ratios[0] ? 0 : low, high: high === ratios.at(-1) ? Number.POSITIVE_INFINITY : high };
}
