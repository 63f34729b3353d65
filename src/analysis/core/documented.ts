import type { Duration, Instant, Verdict } from '../../kernel/pure.ts';
import { MINUTE_MS, type DocumentedTick, type Reading } from './documented-facts.ts';
import type { Compared } from './judgement.ts';
import { shareOver, everyMinute, meanRatio, latestReading, quantileRatio, restartsOver } from './documented-windows.ts';

/**
 * The policy `documented`: the rules of the source documents with exactly their figures. The default policy is another one, because these
 * compare rates without asking how many requests they were made of (docs/judge.md has measured what that does).
 *
 * A canary passes only if ALL criteria hold, each over its whole window; a fact that nobody measured is `unknown`, and so is a criterion
 * that does not hold: it is a reason to hold the weight and to ask a person. It fails if ANY trigger fires, which stays so.
 */
export interface DocumentedJudge {
  readonly startedAt: Instant | null;
  /** Ticks of the longest window. */
  readonly ticks: readonly DocumentedTick[];
  readonly fired: readonly string[];
  /** Custom metrics that were declared with a tolerance; each must be measured. */
  readonly custom: Readonly<Record<string, number>>;
  /** What a service says that it does not have: no limit of memory, no breakers. Absent in looks of older builds. */
  readonly without?: readonly WatchedFact[];
}

/** Facts of which only a trigger speaks: nobody may call it silent who does not look. */
const WATCHED = {
  'memory-of-limit': ({ memoryOfLimit }: DocumentedTick) => memoryOfLimit !== null,
  breakers: ({ breakersOpen }: DocumentedTick) => breakersOpen !== null,
} as const;
export type WatchedFact = keyof typeof WATCHED;

/** All must hold: what, at most how much, over how long. Ratios are the canary's value over the stable one's. */
const CRITERIA = {
  errors: { moreThanStable: 0.005, windowMs: 15 * MINUTE_MS },
  p99: { ratio: 1.2, windowMs: 15 * MINUTE_MS },
  p50: { ratio: 1.1, windowMs: 15 * MINUTE_MS },
  cpu: { ratio: 1.5, windowMs: 10 * MINUTE_MS },
  memory: { ratio: 1.3, windowMs: 10 * MINUTE_MS },
  custom: { windowMs: 30 * MINUTE_MS },
} as const;

/** Any one takes the canary back. */
const TRIGGERS = {
  errors: { share: 0.05, minutes: 2 },
  p99: { ratio: 3, minutes: 5 },
  restarts: { atLeast: 3, withinMs: 5 * MINUTE_MS },
  probes: { share: 0.5 },
  memory: { ofLimit: 0.9, minutes: 3 },
} as const;

/** The decision matrix. Its first row is also a trigger; data that are wrong are beyond what a rollback of code repairs. */
const MATRIX = { rollbackAbove: 0.05, personAbove: 0.01, p99Ratio: 2 } as const;

/** A value of exactly the limit holds, also where sums of fractions are a little off. */
const ROUNDING = 1e-9;
const LONGEST_MS: Duration = CRITERIA.custom.windowMs;

/** Begins to judge; `custom` are the tolerances of the declared business metrics, as the largest ratio to the stable value. */
export function startDocumented(custom: DocumentedJudge['custom'] = {}, without: readonly WatchedFact[] = []): DocumentedJudge {
  return { startedAt: null, ticks: [], fired: [], custom, without };
}

export function addToDocumented(judge: DocumentedJudge, tick: DocumentedTick): DocumentedJudge {
  const ticks = [...judge.ticks.filter(({ at }) => at > tick.at - LONGEST_MS), tick];
  const next = { ...judge, startedAt: judge.startedAt ?? tick.at - tick.lengthMs, ticks };
  return judge.fired.length > 0 ? next : { ...next, fired: triggersOf(ticks) };
}

/** One rule: does it hold, and with which value. */
export interface DocumentedCheck {
  readonly name: keyof typeof CRITERIA;
  /** The declared metric; only of `custom`. */
  readonly of: string | null;
  readonly verdict: Verdict;
  readonly value: number | null;
  readonly most: number;
  readonly windowMs: Duration;
  /** Why it cannot be told: its window is not over, a source was silent in it, or nobody measures it; null where it can. */
  readonly open: 'early' | 'gap' | 'unmeasured' | null;
}

export interface DocumentedJudgement {
  readonly verdict: Verdict;
  /** What the decision matrix asks for; `restore`: stop traffic and restore the data. */
  readonly action: 'none' | 'alert' | 'ask' | 'rollback' | 'restore';
  readonly fired: readonly string[];
  readonly criteria: readonly DocumentedCheck[];
  /** Facts of triggers that are not known now, and whether they ever were. */
  readonly unwatched: readonly { readonly fact: WatchedFact; readonly open: 'gap' | 'unmeasured' }[];
}

export function documentedJudgement(judge: DocumentedJudge): DocumentedJudgement {
  const { fired } = judge;
  const criteria = judge.startedAt === null ? [] : criteriaOf(judge, judge.startedAt);
  const unwatched = unwatchedIn(judge);
  const holds = criteria.length > 0 && unwatched.length === 0 && criteria.every(({ verdict }) => verdict === 'pass');
  const verdict = fired.length > 0 ? 'fail' : holds ? 'pass' : 'unknown';
  return { verdict, action: actionOf(judge), fired, criteria, unwatched };
}

function unwatchedIn({ ticks, without = [] }: DocumentedJudge): DocumentedJudgement['unwatched'] {
  const own = ticks.filter(({ ofCustom }) => ofCustom !== true);
  return (Object.keys(WATCHED) as WatchedFact[]).flatMap((fact) => {
    const last = own.at(-1);
    if (without.includes(fact) || (last !== undefined && WATCHED[fact](last))) return [];
    return [{ fact, open: own.some(WATCHED[fact]) ? ('gap' as const) : ('unmeasured' as const) }];
  });
}

function actionOf({ ticks, fired }: DocumentedJudge): DocumentedJudgement['action'] {
  if (latestReading(ticks, ({ corrupted }) => corrupted) === true) return 'restore';
  if (fired.length > 0) return 'rollback';
  const share = shareOver(ticks, MINUTE_MS)?.canary ?? 0;
  if (share > MATRIX.personAbove) return 'ask';
  return (quantileRatio(ticks, 0.99, MINUTE_MS) ?? 0) > MATRIX.p99Ratio ? 'alert' : 'none';
}

function triggersOf(ticks: readonly DocumentedTick[]): readonly string[] {
  const { errors, p99, restarts, probes, memory } = TRIGGERS;
  const failing = latestReading(ticks, ({ probes }) => probes);
  const rules: readonly (readonly [string, boolean])[] = [
    ['errors', everyMinute(ticks, errors.minutes, (minute) => (shareOver(minute, MINUTE_MS)?.canary ?? 0) > errors.share)],
    ['p99', everyMinute(ticks, p99.minutes, (minute) => (quantileRatio(minute, 0.99, MINUTE_MS) ?? 0) > p99.ratio)],
    ['restarts', restartsOver(ticks, restarts.withinMs) >= restarts.atLeast],
    ['probes', failing !== null && failing.all > 0 && failing.failing / failing.all > probes.share],
    ['memory', everyMinute(ticks, memory.minutes, (minute) => minute.every(({ memoryOfLimit }) => (memoryOfLimit ?? 0) > memory.ofLimit))],
    ['breaker', latestReading(ticks, ({ breakersOpen }) => breakersOpen) === true],
    ['corruption', latestReading(ticks, ({ corrupted }) => corrupted) === true],
  ];
  return rules.filter(([, fires]) => fires).map(([name]) => name);
}

/** What the triggers saw last. */
export function seenByTriggers({ ticks }: DocumentedJudge): readonly Compared[] {
  const { errors, p99, restarts, probes, memory } = TRIGGERS;
  const failing = latestReading(ticks, (tick) => tick.probes);
  const own = ticks.findLast(({ ofCustom }) => ofCustom !== true);
  const share = shareOver(ticks, MINUTE_MS)?.canary ?? Number.NaN;
  return [
    { what: 'failed share in the last minute', value: Number.isNaN(share) ? null : share, limit: errors.share },
    { what: "p99 in the last minute, times the stable version's", value: quantileRatio(ticks, 0.99, MINUTE_MS), limit: p99.ratio },
    { what: 'restarts in 5 minutes (that many fire)', value: restartsOver(ticks, restarts.withinMs), limit: restarts.atLeast },
    {
      what: 'share of its probes that fail',
      value: failing === null || failing.all === 0 ? null : failing.failing / failing.all,
      limit: probes.share,
    },
    { what: 'memory of its limit', value: own?.memoryOfLimit ?? null, limit: memory.ofLimit },
    { what: 'an open breaker', value: own === undefined || own.breakersOpen === null ? null : Number(own.breakersOpen), limit: 0 },
  ];
}

function criteriaOf({ ticks, custom }: DocumentedJudge, startedAt: Instant): readonly DocumentedCheck[] {
  const last = ticks.at(-1)?.at ?? startedAt;
  const check = (name: DocumentedCheck['name'], given: number | 'gap' | null, most: number): DocumentedCheck => {
    const { windowMs } = CRITERIA[name];
    const value = typeof given !== 'number' || Number.isNaN(given) ? null : given;
    const untold = given === 'gap' ? 'gap' : 'unmeasured';
    const open = last - startedAt < windowMs ? 'early' : isCovered(ticks, windowMs) ? (value === null ? untold : null) : 'gap';
    const holds = open === null && value !== null && value <= most * (1 + ROUNDING);
    return { name, of: null, value, most, windowMs, open, verdict: holds ? 'pass' : 'unknown' };
  };
  const shares = shareOver(ticks, CRITERIA.errors.windowMs);
  const ratio = (of: (tick: DocumentedTick) => Reading | null | undefined, windowMs: Duration): number | 'gap' | null =>
    meanRatio(ticks, of, windowMs);
  return [
    check('errors', shares === null || Number.isNaN(shares.stable) ? null : shares.canary - shares.stable, CRITERIA.errors.moreThanStable),
    check('p99', quantileRatio(ticks, 0.99, CRITERIA.p99.windowMs), CRITERIA.p99.ratio),
    check('p50', quantileRatio(ticks, 0.5, CRITERIA.p50.windowMs), CRITERIA.p50.ratio),
    check(
      'cpu',
      ratio(({ cpu, ofCustom }) => (ofCustom === true ? undefined : cpu), CRITERIA.cpu.windowMs),
      CRITERIA.cpu.ratio,
    ),
    check(
      'memory',
      ratio(({ memory, ofCustom }) => (ofCustom === true ? undefined : memory), CRITERIA.memory.windowMs),
      CRITERIA.memory.ratio,
    ),
    ...Object.entries(custom).map(([name, most]) => ({
      ...check(
        'custom',
        ratio((tick) => tick.custom[name], CRITERIA.custom.windowMs),
        most,
      ),
      of: name,
    })),
  ];
}

/** No tick of the window was silent: a rule over 15 minutes holds over 15 minutes. */
function isCovered(ticks: readonly DocumentedTick[], windowMs: Duration): boolean {
  const last = ticks.at(-1)?.at ?? 0;
  const window = ticks.filter(({ at, ofCustom }) => ofCustom !== true && at > last - windowMs);
  return window.every(({ errors }) => errors !== null) && window.reduce((sum, { lengthMs }) => sum + lengthMs, 0) >= windowMs;
}
