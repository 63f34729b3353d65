import type { Duration, Verdict } from '../../kernel/pure.ts';
import { addPairs, NO_REQUESTS, type Pair } from './counts.ts';
import type { Tick } from './tick.ts';
import { commonLanguage, shiftOf, type Shift } from './mann-whitney.ts';

/**
 * A judge with the semantics of Kayenta's `NetflixACAJudge` (spinnaker `kayenta/`): per metric a Mann-Whitney interval for the shift between
 * two series, per group a score, in all a score that is held against `marginal` and `pass`. Ask it once per checkpoint, when the
 * checkpoint is over: nothing in it allows for repeated looks, and asked every minute it takes back 12 of 100 good canaries.
 *
 * It differs where Kayenta's behaviour is a defect. A metric that cannot be classified is `Nodata`, as is one with fewer than `leastPoints`
 * points: Kayenta leaves out what threw, and separates series of two points. A canary with bad spans against a stable series
 * that is all zero is `Nodata`, not `Pass`, where the ranks see no shift. Weights of groups without metrics go to the others.
 */
export interface KayentaPolicy {
  readonly kind: 'mann-whitney';
  /** Length of a point of the series. */
  readonly spanMs: Duration;
  /** A checkpoint is scored each time this has passed; the newest score is the verdict. */
  readonly intervalMs: Duration;
  readonly confidence: number;
  /** Shifts inside this part of the estimated shift are none. Relative to the shift, as Kayenta has it, not to the stable value. */
  readonly tolerance: number;
  readonly leastPoints: number;
  readonly metrics: readonly KayentaMetric[];
  /** Weight per group, in percent; groups without one share what is left. */
  readonly groupWeights: Readonly<Record<string, number>>;
  readonly marginal: number;
  readonly pass: number;
}

export interface KayentaMetric {
  readonly name: string;
  readonly groups: readonly string[];
  readonly direction: 'increase' | 'decrease' | 'either';
  readonly critical: boolean;
  /** Nodata counts against the group. */
  readonly mustHaveData: boolean;
  readonly effectSize: 'meanRatio' | 'cles';
  /** The effect from which on a shift matters; 1: any. */
  readonly allowedIncrease: number;
  readonly allowedDecrease: number;
}

export const KAYENTA_DEFAULTS: Omit<KayentaPolicy, 'metrics'> = {
  kind: 'mann-whitney',
  spanMs: 60_000,
  intervalMs: 3_600_000,
  confidence: 0.98,
  tolerance: 0.25,
  leastPoints: 50,
  groupWeights: {},
  marginal: 75,
  pass: 95,
};

export const KAYENTA_METRIC_DEFAULTS: Omit<KayentaMetric, 'name'> = {
  groups: ['all'],
  direction: 'increase',
  critical: false,
  mustHaveData: true,
  effectSize: 'meanRatio',
  allowedIncrease: 1,
  allowedDecrease: 1,
};

export type Classification = 'Pass' | 'High' | 'Low' | 'Nodata' | 'NodataFailMetric';

/** The two series of one metric: the bad share per span, of spans with requests on that side. */
export interface Series {
  readonly canary: readonly number[];
  readonly stable: readonly number[];
}

/** Counts per metric of consecutive spans, by number; a span in which nothing was told is missing. */
export interface Spans {
  readonly byNumber: readonly { readonly number: number; readonly metrics: Readonly<Record<string, Pair>> }[];
}

/** One tick added; it tells of the time before it. A silent tick is missing from both series. */
export function addToSpans(
  { byNumber }: Spans,
  { at, metrics }: Tick,
  { since, spanMs }: { readonly since: number; readonly spanMs: Duration },
): Spans {
  const number = Math.ceil((at - since) / spanMs);
  const last = byNumber.at(-1);
  const before = last?.number === number ? last.metrics : {};
  const told = Object.entries(metrics).flatMap(([name, pair]) =>
    pair === null ? [] : [[name, addPairs(before[name] ?? NO_REQUESTS, pair)] as const],
  );
  const newest = { number, metrics: { ...before, ...Object.fromEntries(told) } };
  return { byNumber: [...(last?.number === number ? byNumber.slice(0, -1) : byNumber), newest] };
}

/** The two series of one metric. */
export function seriesOf({ byNumber }: Spans, name: string): Series {
  const side = (arm: 'canary' | 'stable'): readonly number[] =>
    byNumber.flatMap(({ metrics }) => {
      const counts = metrics[name]?.[arm];
      return counts === undefined || counts.requests === 0 ? [] : [counts.bad / counts.requests];
    });
  return { canary: side('canary'), stable: side('stable') };
}

export function classify(metric: KayentaMetric, series: Series, policy: Omit<KayentaPolicy, 'metrics'>): Classification {
  const nothing = metric.mustHaveData ? 'NodataFailMetric' : 'Nodata';
  const { canary, stable } = series;
  if (!isEnough(canary, policy.leastPoints) || !isEnough(stable, policy.leastPoints)) return nothing;
  const shift = shiftOf(canary, stable, policy.confidence);
  // Identical series, or all values equal: there is nothing to rank.
  if (shift === null || isSame(canary, stable)) return 'Pass';
  const moved = directionOf(shift, policy.tolerance * Math.abs(shift.estimate));
  if (moved === null) return stable.every((value) => value === 0) ? nothing : 'Pass';
  if (metric.direction !== 'either' && metric.direction !== moved) return 'Pass';
  const effect = metric.effectSize === 'cles' ? commonLanguage(canary, stable) : meanRatio(canary, stable);
  return effectOf(moved, effect, metric);
}

/** An effect that is no number is larger than any that is allowed. */
function effectOf(moved: 'increase' | 'decrease', effect: number, { allowedIncrease, allowedDecrease }: KayentaMetric): Classification {
  if (moved === 'increase') return effect < allowedIncrease ? 'Pass' : 'High';
  return effect > allowedDecrease ? 'Pass' : 'Low';
}

function directionOf({ low, high }: Shift, band: number): 'increase' | 'decrease' | null {
  if (low > band) return 'increase';
  return high < -band ? 'decrease' : null;
}

function isEnough(values: readonly number[], leastPoints: number): boolean {
  return values.length >= Math.max(1, leastPoints) && values.every(Number.isFinite);
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

/** NaN against a stable mean of 0: any effect is more than that. */
function meanRatio(canary: readonly number[], stable: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;
  return mean(stable) === 0 ? Number.NaN : mean(canary) / mean(stable);
}

/** The judgement on all metrics. */
export interface KayentaJudgement {
  readonly verdict: Verdict;
  readonly score: number;
  readonly groups: Readonly<Record<string, number>>;
  readonly metrics: readonly { readonly name: string; readonly classification: Classification }[];
}

/**
 * The verdict of a whole checkpoint: `pass` from the pass score on, `fail` up to the marginal one, `unknown` between them (Kayenta's
 * Marginal). A score that is low because data are missing is `unknown` too: no data takes back no canary.
 */
export function judgeKayenta(policy: KayentaPolicy, series: Readonly<Record<string, Series>>): KayentaJudgement {
  const metrics = policy.metrics.map((metric) => ({
    metric,
    name: metric.name,
    classification: classify(metric, series[metric.name] ?? { canary: [], stable: [] }, policy),
  }));
  const names = [...new Set(policy.metrics.flatMap(({ groups }) => groups))];
  const inGroup = (name: string): readonly Classification[] =>
    metrics.filter(({ metric }) => metric.groups.includes(name)).map(({ classification }) => classification);
  const groups = Object.fromEntries(
    names.map((name) => [name, groupScore(inGroup(name))] as const).filter((entry) => entry[1] !== null),
  ) as Record<string, number>;
  const missing = metrics.filter(({ classification }) => isMissing(classification)).length;
  const stopped =
    metrics.some(({ metric, classification }) => metric.critical && classification !== 'Pass') || missing * 2 >= metrics.length;
  const score = stopped ? 0 : totalScore(groups, policy.groupWeights);
  const worse = metrics.some(({ classification }) => classification === 'High' || classification === 'Low');
  return {
    verdict: verdictOf(score, policy, worse),
    score,
    groups,
    metrics: metrics.map(({ name, classification }) => ({ name, classification })),
  };
}

function verdictOf(score: number, { pass, marginal }: KayentaPolicy, worse: boolean): Verdict {
  if (score >= pass) return 'pass';
  return score <= marginal && worse ? 'fail' : 'unknown';
}

function isMissing(classification: Classification): boolean {
  return classification === 'Nodata' || classification === 'NodataFailMetric';
}

/** `Pass / (High + Low + Pass + NodataFailMetric) x 100`, to two places; null where nothing counts. */
function groupScore(classifications: readonly Classification[]): number | null {
  const counted = classifications.filter((one) => one !== 'Nodata');
  return counted.length === 0 ? null : toTwoPlaces((counted.filter((one) => one === 'Pass').length / counted.length) * 100);
}

function totalScore(groups: Readonly<Record<string, number>>, given: Readonly<Record<string, number>>): number {
  const names = Object.keys(groups);
  const left = Math.max(0, 100 - Object.values(given).reduce((sum, weight) => sum + weight, 0));
  const without = names.filter((name) => given[name] === undefined).length;
  const weights = names.map((name) => given[name] ?? left / without);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return 0;
  return toTwoPlaces(names.reduce((sum, name, index) => sum + (groups[name] ?? 0) * (weights[index] ?? 0), 0) / total);
}

function toTwoPlaces(value: number): number {
  return Math.round(value * 100) / 100;
}
