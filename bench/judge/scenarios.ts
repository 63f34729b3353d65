import { sampleGamma, sampleLognormal, type Random } from '../../src/analysis/core/sample.ts';
import type { ScheduledWeight } from '../../src/analysis/core/simulate.ts';
import { L1_SHARE, slowShare, type LatencyKind } from './latency.ts';
import type { Metric, Truth } from './truth.ts';

/** One kind of canary, healthy or not. */
export interface Scenario {
  readonly id: string;
  readonly says: string;
  /** `never`: healthy, so it must not be failed; `report`: worse, but within the margin. */
  readonly fail: 'never' | 'must' | 'report';
  /** From when on the canary is bad, in minutes. */
  readonly onset: number;
  readonly minutes: number;
  /** What rivals look at. */
  readonly metric: Metric;
  /** How the canary's latencies differ. */
  readonly latency: LatencyKind;
  readonly truth: (random: Random) => Truth;
  /** The default schedule instead of one pod of ten all the time. */
  readonly schedule?: readonly ScheduledWeight[];
  /** Too long to be played a thousand times with ticks of one second. */
  readonly long?: true;
}

const HOUR = 60;
const DAY = 24 * HOUR;

/** The default schedule up to the last weight at which there is something to compare. */
const DEFAULT_SCHEDULE: readonly ScheduledWeight[] = (
  [
    [0.05, 1],
    [0.1, 3],
    [0.25, 8],
    [0.5, 12],
  ] as const
).map(([share, hours]) => ({ share, forMs: hours * 3_600_000 }));

type Change = Partial<Omit<Truth, 'base' | 'canary'>> & {
  readonly rpm?: number;
  /** Errors of the stable version and of the canary, at a minute. */
  readonly errors?: (minute: number) => number;
  readonly canaryErrors?: (minute: number) => number;
  readonly canarySlow?: (minute: number) => number;
};

/** A service with 0.5 % errors and 1 % slow requests, and what differs from that. */
function truthOf(change: Change = {}): Truth {
  const errors = change.errors ?? always(0.005);
  const slow = always(0.01);
  return {
    perMinute: change.perMinute ?? always(change.rpm ?? 600),
    base: { errors, latency: slow },
    canary: { errors: change.canaryErrors ?? errors, latency: change.canarySlow ?? slow },
    factor: change.factor ?? always(1),
    silent: change.silent ?? ((): boolean => false),
  };
}

function always(value: number): () => number {
  return () => value;
}

function from(onset: number, before: number, after: number): (minute: number) => number {
  return (minute) => (minute < onset ? before : after);
}

type Options = Partial<Omit<Scenario, 'id' | 'says' | 'fail' | 'truth'>>;

function scenario(
  fail: Scenario['fail'],
  [id, says]: readonly [string, string],
  truth: Change | Scenario['truth'],
  options: Options = {},
): Scenario {
  const plain: Omit<Scenario, 'id' | 'says' | 'fail' | 'truth'> = { onset: 0, minutes: HOUR, metric: 'errors', latency: 'same' };
  return { ...plain, ...options, id, says, fail, truth: typeof truth === 'function' ? truth : (): Truth => truthOf(truth) };
}

/** Bursts: each pod's rate is multiplied by a gamma of mean 1 and CV 1, anew every `minutes`. */
function bursts(minutes: number): Scenario['truth'] {
  return (random) => {
    const known = new Map<string, number>();
    return truthOf({
      factor: (pod, minute, metric) => {
        if (metric !== 'errors') return 1;
        const key = `${pod}/${Math.floor(minute / minutes)}`;
        const factor = known.get(key) ?? sampleGamma(1, random);
        known.set(key, factor);
        return factor;
      },
    });
  };
}

/** Pods that differ for good, by a lognormal factor. */
function unlikePods(sigma: number, metrics: readonly Metric[]): Scenario['truth'] {
  return (random) => {
    const factors = new Map<string, number>();
    return truthOf({
      factor: (pod, _minute, metric) => {
        if (!metrics.includes(metric)) return 1;
        const key = `${pod}/${metric}`;
        const factor = factors.get(key) ?? sampleLognormal(1, sigma, random);
        factors.set(key, factor);
        return factor;
      },
    });
  };
}

/** Traffic and error rate go up and down once a day, at most at different hours. */
function daily(): Truth {
  const wave = (minute: number, shift: number): number => Math.sin((2 * Math.PI * (minute + shift)) / DAY);
  return truthOf({
    perMinute: (minute) => 600 * (1 + 0.8 * wave(minute, 0)),
    errors: (minute) => 0.005 * (1 + 0.5 * wave(minute, 300)),
  });
}

/** The canary makes `times` as many errors and slow requests in its first `seconds`. */
function cold(times: number, seconds: number, rpm: number): Change {
  const end = seconds / 60;
  return { rpm, canaryErrors: from(end, 0.005 * times, 0.005), canarySlow: from(end, 0.01 * times, 0.01) };
}

const blip = (minute: number): number => (minute >= 20 && minute < 25 ? 0.2 : 0.002);

function effects(): readonly Scenario[] {
  return [0, 20, DAY].flatMap((onset) => {
    const options: Options = { onset, minutes: onset + HOUR, ...(onset === DAY ? { minutes: onset + 2 * HOUR, long: true } : {}) };
    const after = onset === 0 ? '' : ` after ${onset === DAY ? '24 h' : '20 min'}`;
    return ([0.02, 0.1] as const).map((canary, index) =>
      scenario(
        'must',
        [`E${index + 1}${onset === 0 ? '' : `+${onset}`}`, `0.5 -> ${canary * 100} %${after}`],
        { canaryErrors: from(onset, 0.005, canary) },
        options,
      ),
    );
  });
}

/** All of them: nulls (N, L0, L3, P, B, D, C, H, S6), effects (E, L1), a shift that is only reported (L2), too little traffic (S5). */
export const SCENARIOS: readonly Scenario[] = [
  scenario('never', ['N1', '0.5 %'], {}),
  scenario('never', ['N2', '0.5 %, 12 rpm'], { rpm: 12 }),
  scenario('never', ['N3', '2 %'], { errors: always(0.02) }),
  scenario('never', ['N4', '20 % in both for 5 min'], { errors: blip }),
  scenario('never', ['N4b', 'all fail in both for 5 min'], { errors: (minute) => (blip(minute) > 0.1 ? 1 : 0.002) }),
  scenario('never', ['N5', 'bursts of 1 min'], bursts(1)),
  scenario('never', ['N6', 'pods differ, sigma 0.2'], unlikePods(0.2, ['errors'])),
  scenario('never', ['L0', '1 % slow'], {}, { metric: 'latency' }),
  scenario('never', ['L3', '1 % slow, 12 rpm'], { rpm: 12 }, { metric: 'latency' }),
  scenario('never', ['P1', 'pods differ, sigma 0.3'], unlikePods(0.3, ['errors', 'latency'])),
  scenario('never', ['P2', 'pods differ, sigma 0.2, 24 h'], unlikePods(0.2, ['errors', 'latency']), { minutes: DAY, long: true }),
  scenario('never', ['B1', 'bursts of 5 min'], bursts(5)),
  scenario('never', ['D1', 'daily rhythm, schedule'], daily, { minutes: DAY, long: true, schedule: DEFAULT_SCHEDULE }),
  scenario('never', ['C1', 'cold: 3x for 60 s'], cold(3, 60, 600)),
  scenario('never', ['C2', 'cold: 3x for 60 s, 6000 rpm'], cold(3, 60, 6_000)),
  scenario('never', ['H1', '0.5 % for 24 h'], {}, { minutes: DAY, long: true }),
  scenario('never', ['S6a', 'source silent, last 60 s'], { silent: (minute) => minute >= 59 }),
  scenario('never', ['S6b', 'source silent, last 5 min'], { silent: (minute) => minute >= 55 }),
  scenario('never', ['S6c', 'source silent, min 20-25'], { silent: (minute) => minute >= 20 && minute < 25 }),
  scenario('never', ['S5', '0.5 %, 0.5 rpm'], { rpm: 0.5 }),
  ...effects(),
  scenario('must', ['E3', '0.01 -> 0.3 %'], { errors: always(0.0001), canaryErrors: always(0.003) }),
  scenario('must', ['E4', '0 -> 1 in 1,500'], { errors: always(0), canaryErrors: always(1 / 1_500) }),
  scenario('must', ['E5', '0.5 -> 20 %, 12 rpm'], { rpm: 12, canaryErrors: always(0.2) }),
  scenario('must', ['E6', '0.5 -> 10 %, bursts of 1 min'], (random) => ({
    ...bursts(1)(random),
    canary: truthOf({ canaryErrors: always(0.1) }).canary,
  })),
  scenario('must', ['L1', '2 % + 1.5 s'], { canarySlow: always(L1_SHARE) }, { metric: 'latency', latency: 'tail' }),
  scenario('report', ['L2', 'all x1.15'], { canarySlow: always(slowShare(1.15)) }, { metric: 'latency', latency: 'shifted' }),
];
