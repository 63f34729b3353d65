import type { Pair } from './counts.ts';
import { logAddExp, logGrid, logMeanExp, logRatioEvidence, logRatioEvidences } from './mixture.ts';

/** Points on each side of the margin. */
const GRID = 60;
/** The highest ratio of rates that is told apart from higher ones; the lowest is `margin / 100`. */
const HIGHEST_RATIO = 100;
/** What is more than so many times as bad as usual is an outage. */
const UNUSUAL = 2;
/** So many bad requests are no outage yet, and are assumed before the first ones are seen. */
const FEW = 3;

/**
 * What is known about the ratio of the canary's bad rate to the stable one, against a margin. All values are natural logarithms
 * of e-processes: under the hypothesis they speak against, the chance that one ever reaches ln(x) is at most 1/x, however often one looks.
 */
export interface RatioTest {
  readonly margin: number;
  readonly grid: { readonly above: Grid; readonly below: Grid };
  /** Evidence of each ratio against the margin, since the checkpoint began. */
  readonly above: readonly number[];
  readonly below: readonly number[];
  /** Bad requests of both versions as far as they counted for {@link below}, and all requests. */
  readonly usual: { readonly bad: number; readonly requests: number };
  /** Evidence of each ratio above what is tolerated against that, since the checkpoint began; see {@link addToRatioTest}. */
  readonly bad: readonly number[];
  /** The same since the moment that suits it best, over the whole bake. */
  readonly change: readonly number[];
}

/** Ratios, and ln of how many times the margin each is. */
export interface Grid {
  readonly ratios: readonly number[];
  readonly logs: readonly number[];
}

/** How one span is weighed. All of it must be known before the span. */
export interface Weighing {
  /** Counts are divided by it; 1 where they scatter as chance alone would have it. */
  readonly dispersion: number;
  /** Ratios up to this are no reason to fail a canary; not below the margin. */
  readonly tolerated: number;
  /** The most that this one span may add to {@link RatioTest.bad} and {@link RatioTest.change}. */
  readonly most: { readonly bad: number; readonly change: number };
  /** Periods in which a change might have begun since the last span. */
  readonly begun: number;
}

function gridOf(from: number, to: number, margin: number): Grid {
  const ratios = logGrid(from, to, GRID);
  return { ratios, logs: ratios.map((ratio) => Math.log(ratio / margin)) };
}

/** Above the margin a canary is bad, below it is good. */
export function startRatioTest(margin: number): RatioTest {
  const none = Array.from({ length: GRID }, () => 0);
  const grid = { above: gridOf(margin, HIGHEST_RATIO, margin), below: gridOf(margin / HIGHEST_RATIO, margin, margin) };
  return {
    margin,
    grid,
    above: none,
    below: none,
    usual: { bad: 0, requests: 0 },
    bad: none,
    change: none.map(() => Number.NEGATIVE_INFINITY),
  };
}

/** A new checkpoint: the test begins anew, the watch over the whole bake goes on. */
export function restartRatioTest(test: RatioTest): RatioTest {
  const none = test.above.map(() => 0);
  return { ...test, above: none, below: none, usual: { bad: 0, requests: 0 }, bad: none };
}

/**
 * One span added. Counts are divided by `dispersion`, which raises each likelihood ratio to 1/dispersion and so keeps it valid; so
 * does cutting it off at `most`, without which one client that retries would be enough. Ratios that are tolerated stay where they are.
 * A span without bad requests, or with requests on one side only, says nothing.
 *
 * `change` is a mixture of Shiryaev-Roberts e-detectors: in each period a new e-process is begun, and all that were begun are
 * summed, `R := (R + begun) LR`. Under the null the expected sum is the number of periods, so the chance of `mean R >= periods / alpha`
 * within the bake is at most alpha (Shin, Ramdas and Rinaldo, arXiv 2203.03532). It is never below the e-CUSUM, which keeps only the
 * largest of the same processes, and so never later; see docs/decisions/0014. A test that only sums up since the start grows deaf.
 */
export function addToRatioTest(test: RatioTest, { canary, stable }: Pair, { dispersion, tolerated, most, begun }: Weighing): RatioTest {
  const requests = canary.requests + stable.requests;
  const opened = begun === 0 ? test.change : test.change.map((log) => logAddExp(log, Math.log(begun)));
  const w = canary.requests / requests;
  const comparable = w > 0 && w < 1;
  const { grid, margin } = test;
  const part = comparable ? partOfShared(test, canary.bad + stable.bad, requests) : 0;
  const usual = { bad: test.usual.bad + part * (canary.bad + stable.bad), requests: test.usual.requests + (comparable ? requests : 0) };
  if (canary.bad + stable.bad === 0 || !comparable) return { ...test, usual, change: opened };
  const span = { w, canaryBad: canary.bad / dispersion, stableBad: stable.bad / dispersion };
  const above = logRatioEvidences(grid.above, margin, span);
  const below = logRatioEvidences(grid.below, margin, span);
  const atTolerated = logRatioEvidence(tolerated, margin, span);
  const beyond = above.map((log, index) => ((grid.above.ratios[index] ?? 0) > tolerated ? log - atTolerated : 0));
  return {
    ...test,
    above: test.above.map((log, index) => log + (above[index] ?? 0)),
    below: test.below.map((log, index) => log + part * (below[index] ?? 0)),
    usual,
    bad: test.bad.map((log, index) => log + Math.min(most.bad, beyond[index] ?? 0)),
    change: opened.map((log, index) => log + Math.min(most.change, beyond[index] ?? 0)),
  };
}

/**
 * How much of a span counts as evidence that the canary is good. When both versions suffer from something they share, alike, that hides
 * what only the canary does wrong, so of an outage no more counts than of a span {@link UNUSUAL} times as bad as usual; and where
 * the canary could hardly be `margin` times as bad, nothing. The test is conditional on how many requests were bad in all, so a weight
 * that depends on that, and on earlier spans, keeps it valid.
 */
function partOfShared({ margin, usual }: RatioTest, bad: number, requests: number): number {
  if (bad / requests > 1 / (2 * margin)) return 0;
  const allowed = (UNUSUAL * requests * (usual.bad + FEW)) / (usual.requests + requests);
  return Math.min(1, Math.max(FEW, allowed) / Math.max(1, bad));
}

/** What one span may add at most, so that no fewer than `spans` of them reach `threshold`, however the mixture spends its evidence. */
export function mostOfOneSpan(threshold: number, spans: number): number {
  return spans <= 1 ? Number.POSITIVE_INFINITY : Math.min(threshold * 0.99, (threshold + Math.log(GRID)) / spans);
}

/** ln of the e-values: against "at most what is tolerated" (`bad`), against "at least the margin" (`good`), and of a change somewhere in the bake. */
export function ratioEvidence({ bad, below, change }: RatioTest): {
  readonly bad: number;
  readonly good: number;
  readonly change: number;
} {
  return { bad: logMeanExp(bad), good: logMeanExp(below), change: logMeanExp(change) };
}

/** The ratios that the counts since the checkpoint began do not exclude at `alpha`: a confidence sequence, valid at every look. */
export function ratioInterval({ grid, above, below }: RatioTest, alpha: number): { readonly low: number; readonly high: number } {
  const logs = [...below, ...above];
  const ratios = [...grid.below.ratios, ...grid.above.ratios];
  const mixture = logMeanExp(logs);
  const kept = ratios.filter((_ratio, index) => mixture - (logs[index] ?? 0) < Math.log(1 / alpha));
  const low = kept[0] ?? 0;
  const high = kept.at(-1) ?? Number.POSITIVE_INFINITY;
  // The grid's ends stand for everything beyond them.
  return { low: low === ratios[0] ? 0 : low, high: high === ratios.at(-1) ? Number.POSITIVE_INFINITY : high };
}
