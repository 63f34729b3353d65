import {
  addTick,
  atCheckpoint,
  factsWanted,
  NO_FACTS,
  problemOfPair,
  retold,
  scatterOf,
  startJudge,
  type BakeShape,
  type Dispersions,
  type Judge,
  type Judgement,
  type Pair,
  type JudgePolicy,
  type Tick,
  type TickFacts,
} from '../../analysis/pure.ts';
import { formatDuration, type Duration, type Instant } from '../../kernel/pure.ts';
import type { Declared } from './canary-sources.ts';
import type { Need } from './set.ts';

/** Input of a `judge` step: which versions are compared, where, and by what rules. */
export interface CanaryInput extends Declared {
  /** Null for a service without traffic: only what it declares is counted. */
  readonly route: string | null;
  readonly canary: VersionName;
  readonly stable: VersionName;
  /** Whole percent of the requests that the canary gets meanwhile. */
  readonly weight: number;
  readonly everyMs: Duration;
  readonly policy: JudgePolicy;
  readonly shape: BakeShape;
  readonly maxRestarts: number;
  /** Instances of the canary that take requests. */
  readonly instances?: number;
  /** Canaries of other services that must pass this checkpoint too. */
  readonly companions?: readonly Need[];
}

interface VersionName {
  readonly group: string;
  readonly version: string;
}

/** Counters of one version since a moment; the same shape as the router's. */
interface VersionCounts extends VersionName {
  readonly requests: number;
  readonly errors: number;
  readonly latency: { readonly boundsMs: readonly (number | null)[]; readonly counts: readonly number[] };
}

/** What happened on a route between two readings; null when it cannot be known. */
export type RouteChange = { readonly versions: readonly VersionCounts[] } | null;

/** Metrics the router itself counts. */
const ERRORS = 'errors';
const LATENCY = 'latency';

/** A reading in which the router was silent; other sources have news of their own. */
export const ROUTER_SILENT: Tick['metrics'] = { [ERRORS]: null, [LATENCY]: null };

/** The counts of both versions between two readings, per metric; null for what nobody counted. */
export function pairsOf(change: RouteChange, { canary, stable }: CanaryInput, edgeMs: number | null): Tick['metrics'] {
  if (change === null) return {};
  const [one, other] = [canary, stable].map((name) =>
    change.versions.find((counts) => counts.version === name.version && counts.group === name.group),
  );
  const errors = counted({ canary: errorsOf(one), stable: errorsOf(other) });
  return { [ERRORS]: errors, [LATENCY]: edgeMs === null ? null : counted({ canary: slowOf(one, edgeMs), stable: slowOf(other, edgeMs) }) };
}

/** Instances of the canary at one reading. */
export interface InstancesSeen {
  /** Since they were started. */
  readonly restarts: number;
  readonly failing: number;
  readonly all: number;
}

interface FactsSeen {
  readonly seen: InstancesSeen | null;
  readonly restartsBefore: number | null;
  /** By the declared sources. */
  readonly told: Partial<TickFacts>;
}

/** What the chosen judge wants to know beside counts, as far as anybody knows it; undefined when it wants nothing. */
export function factsOf(
  change: RouteChange,
  { canary, stable, policy }: CanaryInput,
  { seen, restartsBefore, told }: FactsSeen,
): TickFacts | undefined {
  const wanted = factsWanted(policy);
  if (!wanted.durations && !wanted.instances) return undefined;
  const [one, other] = [canary, stable].map((name) => durationsOf(change, name));
  return {
    ...NO_FACTS,
    ...told,
    durations: one === null || other === null || one === undefined || other === undefined ? null : { canary: one, stable: other },
    restarts: seen === null || restartsBefore === null ? 0 : Math.max(0, seen.restarts - restartsBefore),
    probes: seen === null ? null : { failing: seen.failing, all: seen.all },
  };
}

function durationsOf(change: RouteChange, name: VersionName): NonNullable<TickFacts['durations']>['canary'] | null {
  const counts = change?.versions.find(({ version, group }) => version === name.version && group === name.group);
  if (counts === undefined) return null;
  return {
    bounds: counts.latency.boundsMs.flatMap((bound) => (bound === null || !Number.isFinite(bound) ? [] : [bound])),
    counts: counts.latency.counts,
  };
}

/** Numbers that contradict each other are no counts, and no counts are `unknown`. */
function counted(pair: Pair): Pair | null {
  return problemOfPair(pair) === null ? pair : null;
}

function errorsOf(counts: VersionCounts | undefined): Pair['canary'] {
  return { requests: counts?.requests ?? 0, bad: counts?.errors ?? 0 };
}

function slowOf(counts: VersionCounts | undefined, edgeMs: number): Pair['canary'] {
  if (counts === undefined) return { requests: 0, bad: 0 };
  const { boundsMs, counts: buckets } = counts.latency;
  return {
    requests: buckets.reduce((sum, count) => sum + count, 0),
    bad: buckets.reduce((sum, count, index) => sum + ((boundsMs[index] ?? Number.POSITIVE_INFINITY) > edgeMs ? count : 0), 0),
  };
}

/** Fewer requests than this have no 99th percentile worth the name. */
const LEAST_FOR_EDGE = 1_000;

/**
 * The latency above which a request is slow: the upper end of the bucket that holds the stable version's 99th percentile.
 * It is fixed before anything is compared, so what is compared cannot move it. Null while there are too few requests, or the
 * percentile lies beyond the last bound.
 */
export function latencyEdge(
  stable: { readonly requests: number; readonly p99: { readonly highMs: number | null } | null } | undefined,
): number | null {
  return stable === undefined || stable.requests < LEAST_FOR_EDGE ? null : (stable.p99?.highMs ?? null);
}

/** Fewer minutes say nothing of how counts scatter; what was known before stays. */
const LEAST_MINUTES = 5;

/** What the stable version's own instances say about how far a canary may be off without being worse. Only errors are counted by instance. */
export function scatterBefore(history: readonly InstanceMinutes[] | null, { instances }: CanaryInput): Dispersions {
  if (history === null || Math.min(...history.map(({ minutes }) => minutes.length)) < LEAST_MINUTES || history.length === 0) return {};
  const table = history.map(({ minutes }) => minutes.map(({ requests, errors }) => ({ requests, bad: errors })));
  return { [ERRORS]: scatterOf(table, Math.max(1, instances ?? 1)) };
}

/** One instance by whole minutes; the same shape as the router's. */
interface InstanceMinutes {
  readonly minutes: readonly { readonly requests: number; readonly errors: number }[];
}

/** What one look at a checkpoint left in the ledger. */
export interface LookRecord {
  /** The step it belongs to: another one is another checkpoint. */
  readonly step: string;
  readonly startedAt: Instant;
  /** How much the stable version's counts scattered before the checkpoint began; none where nothing was known. */
  readonly scatter: Dispersions;
  readonly ticks: readonly Tick[];
}

/** A judge part of the way through the recorded looks. */
export interface Fold {
  readonly judge: Judge;
  /** The checkpoint it is at; null before the first. */
  readonly step: string | null;
}

/** Before the first look. */
export function startFold({ policy, shape }: Pick<CanaryInput, 'policy' | 'shape'>): Fold {
  return { judge: startJudge(policy, shape), step: null };
}

/** One stop on the way: the judge after a tick of a look, or after a look that had none (`tick` null). */
export interface Stop<Record extends LookRecord> {
  readonly fold: Fold;
  readonly look: Record;
  readonly tick: Tick | null;
  readonly isLast: boolean;
}

/** Folds recorded looks, oldest first, tick by tick: the same records give the same judge, after a crash or in a replay. */
export function* foldLooks<Record extends LookRecord>(start: Fold, looks: readonly Record[]): Generator<Stop<Record>> {
  let { judge, step } = start;
  for (const look of looks) {
    if (look.step !== step) judge = atCheckpoint(judge, look.startedAt, look.scatter);
    step = look.step;
    const ticks = look.ticks.length === 0 ? [null] : look.ticks;
    for (const [index, tick] of ticks.entries()) {
      if (tick !== null) judge = addTick(judge, tick);
      yield { fold: { judge, step }, look, tick, isLast: index === ticks.length - 1 };
    }
  }
}

/** The judge as recorded looks leave it. */
export function foldAll(start: Fold, looks: readonly LookRecord[]): Fold {
  let fold = start;
  for (const stop of foldLooks(start, looks)) fold = stop.fold;
  return fold;
}

/** Why latency is not judged, where it is not the source that is silent. */
export function sayNoEdge(judgement: Judgement, edgeMs: number | null): Judgement {
  if (edgeMs !== null) return judgement;
  const why = `too few requests of the stable version are known (${LEAST_FOR_EDGE} are needed) to say what is slow`;
  const metrics = judgement.metrics.map((one) => (one.name === LATENCY && one.rule === 'silent' ? { ...one, because: why } : one));
  return retold(judgement, metrics);
}

/** Requests of the canary that were read and are not in a tick yet. */
export interface Unjudged {
  readonly requests: number;
  /** How often a tick is made of such readings. */
  readonly everyMs: Duration;
}

/** An open verdict with what was read since the last tick named: who watches must not be told of fewer requests than there were. */
export function sayUnjudged(judgement: Judgement, { requests, everyMs }: Unjudged): Judgement {
  // What the other judges say is of their windows.
  if (requests === 0 || judgement.thresholds === null) return judgement;
  const metrics = judgement.metrics.map((one) => {
    if (one.verdict !== 'unknown' || one.rule === 'silent' || (one.name !== ERRORS && one.name !== LATENCY)) return one;
    const every = `judged every ${formatDuration(Math.ceil(everyMs / 1_000) * 1_000)}`;
    const because =
      one.seen?.canary.requests === 0
        ? `${requests} requests of the canary so far, ${every}`
        : `${one.because}; ${requests} more requests of it were read since, ${every}`;
    return { ...one, because };
  });
  return retold(judgement, metrics);
}

/** So many times the tolerated rate is a surprise. */
const SURPRISE = 3;

interface Gathered {
  /** Since the last tick. */
  readonly sinceMs: Duration;
  /** Readings are put together up to this long, see `longestTickMs`. */
  readonly longestMs: Duration;
}

/**
 * True when what was read since the last tick should be judged now: it is old enough, or holds more bad canary requests than a
 * tolerable canary usually has. A busy canary has some in every reading, and a tick for each of them would fill the ledger.
 * Where a tick ends does not change what the judge may promise: its e-values hold at every stopping time.
 */
export function closesTick(metrics: Tick['metrics'], judge: Judge, { sinceMs, longestMs }: Gathered): boolean {
  // Below zero: the router's clock was set back.
  if (sinceMs >= longestMs || sinceMs < 0) return true;
  // What the other judges look at are windows of minutes.
  if (judge.kind !== 'sequential') return false;
  return judge.metrics.some(({ policy, bake: { stable } }) => {
    const pair = metrics[policy.name];
    if (pair === null || pair === undefined) return false;
    const usual = stable.requests === 0 ? 0 : (stable.bad / stable.requests) * pair.canary.requests * policy.margin;
    return pair.canary.bad > SURPRISE * usual;
  });
}
