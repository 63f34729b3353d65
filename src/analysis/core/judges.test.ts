import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pair } from './counts.ts';
import { NO_FACTS, type TickFacts } from './documented-facts.ts';
import { addTick, atCheckpoint, judgementOf, startJudge, verdictOf, type Judge, type JudgePolicy } from './judge.ts';
import { KAYENTA_DEFAULTS, KAYENTA_METRIC_DEFAULTS } from './kayenta.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { THRESHOLD_DEFAULTS } from './threshold.ts';
import type { Tick } from './tick.ts';

const MINUTE = 60_000;
const shape = { checkpoints: 2, periods: 8_640 };
const threshold = {
  ...THRESHOLD_DEFAULTS,
  name: 'errors',
  value: 'bad',
  intervalMs: MINUTE,
  failureCondition: { is: '>', than: 0.05 },
} as const;

const POLICIES: Readonly<Record<string, JudgePolicy>> = {
  sequential: DEFAULT_POLICY,
  documented: { kind: 'documented', custom: {} },
  threshold: { kind: 'threshold', metrics: [{ ...threshold, failureLimit: 1 }] },
  'threshold once': { kind: 'threshold', metrics: [{ ...threshold, intervalMs: null }] },
  'mann-whitney': { ...KAYENTA_DEFAULTS, metrics: [{ ...KAYENTA_METRIC_DEFAULTS, name: 'errors' }] },
};
const policies = Object.entries(POLICIES);

const arm = (requests: number, bad: number): Pair['canary'] => ({ requests, bad });
const durations = { bounds: [100, 200, 400], counts: [900, 90, 10, 0] };
const whole: TickFacts = {
  ...NO_FACTS,
  durations: { canary: durations, stable: durations },
  cpu: { canary: 1, stable: 1 },
  memory: { canary: 1, stable: 1 },
  memoryOfLimit: 0.5,
  breakersOpen: false,
};

/** A checkpoint of so many minutes, each of which is told by one tick. */
function play(policy: JudgePolicy, minutes: number, tickOf: (minute: number) => Omit<Tick, 'at'>): Judge {
  let judge = atCheckpoint(startJudge(policy, shape), 0);
  for (let minute = 1; minute <= minutes; minute++) judge = addTick(judge, { at: minute * MINUTE, ...tickOf(minute) });
  return judge;
}

/** Fails as often as the stable version, a little more in every other minute. */
const fine = (minute: number): Omit<Tick, 'at'> => ({
  metrics: {
    errors: { canary: arm(6_000, 30 + (minute % 2)), stable: arm(54_000, 270 + 9 * ((minute + 1) % 2)) },
    latency: { canary: arm(6_000, 60), stable: arm(54_000, 540) },
  },
  facts: whole,
});
const bad = (): Omit<Tick, 'at'> => ({
  metrics: {
    errors: { canary: arm(6_000, 1_200), stable: arm(54_000, 270) },
    latency: { canary: arm(6_000, 60), stable: arm(54_000, 540) },
  },
  facts: whole,
});

describe.each(policies)('judge %s', (_name, policy) => {
  it('does not pass on no data, however long, nor on silence or on the canary having no requests', () => {
    const nothing = fc.constantFrom<Tick['metrics']>(
      {},
      { errors: null, latency: null },
      { errors: { canary: arm(0, 0), stable: arm(900, 9) }, latency: null },
      { errors: { canary: arm(0, 0), stable: arm(0, 0) }, latency: { canary: arm(0, 0), stable: arm(0, 0) } },
    );
    fc.assert(
      fc.property(fc.array(nothing, { maxLength: 130 }), (ticks) => {
        const judge = play(policy, ticks.length, (minute) => ({ metrics: ticks[minute - 1] ?? {}, facts: whole }));
        expect(verdictOf(judge)).not.toBe('pass');
      }),
      { numRuns: 40 },
    );
    expect(judgementOf(startJudge(policy, shape)).verdict).toBe('unknown');
  });

  it('passes what is as good, fails what is not, and says why with sample sizes', () => {
    const passed = judgementOf(play(policy, 90, fine));
    expect(passed.verdict, passed.because).toBe('pass');
    const failed = judgementOf(play(policy, 90, bad));
    expect(failed.verdict, failed.because).toBe('fail');
    expect(failed.because).not.toBe('');
    expect(failed.metrics.some(({ seen }) => (seen?.canary.requests ?? 0) > 0)).toBe(true);
  });

  it('must be earned anew at each weight, and a failure stays one', () => {
    expect(verdictOf(atCheckpoint(play(policy, 90, fine), 91 * MINUTE))).toBe('unknown');
    const failed = atCheckpoint(play(policy, 90, bad), 91 * MINUTE);
    // The sequential judge asks anew; what it knows of the whole bake stays, and fails again at the next tick.
    if (policy.kind !== 'sequential') expect(verdictOf(failed)).toBe('fail');
  });

  it('is a fold of plain data: the same ticks give the same judge, and the quick verdict is that of the judgement', () => {
    const tick = fc.record({ requests: fc.nat({ max: 500 }), bad: fc.nat({ max: 500 }), silent: fc.boolean() });
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 20 }), (ticks) => {
        const of = (minute: number): Omit<Tick, 'at'> => {
          const { requests, bad: wrong, silent } = ticks[minute - 1] ?? { requests: 0, bad: 0, silent: true };
          return { metrics: { errors: silent ? null : { canary: arm(requests, Math.min(wrong, requests)), stable: arm(900, 9) } } };
        };
        const judge = play(policy, ticks.length, of);
        expect(structuredClone(judge)).toEqual(judge);
        expect(play(policy, ticks.length, of)).toEqual(judge);
        expect(verdictOf(judge)).toBe(judgementOf(judge).verdict);
        expect(judgementOf(judge).because).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });
});

describe('what a judge cannot know', () => {
  it.each([
    ['cpu', { cpu: null }],
    ['memory', { memory: null }],
    ['memory-of-limit', { memoryOfLimit: null }],
    ['breakers', { breakersOpen: null }],
  ] as const)('documented: without %s it is unknown, and says which key to declare', (fact, missing) => {
    const without = { ...whole, ...missing };
    const of = (facts: (minute: number) => TickFacts): ReturnType<typeof judgementOf> => {
      const judge = play({ kind: 'documented', custom: {} }, 40, (minute) => ({ ...fine(minute), facts: facts(minute) }));
      expect(verdictOf(judge)).toBe(judgementOf(judge).verdict);
      return judgementOf(judge);
    };
    const undeclared = of(() => without);
    expect(undeclared.verdict).toBe('unknown');
    expect(undeclared.because).toContain(`declare where it comes from as \`strategy.documented.${fact}\``);
    // A source that fell silent is another thing than one that nobody declared.
    const silent = of((minute) => (minute > 38 ? without : whole));
    expect(silent.verdict).toBe('unknown');
    expect(silent.because).toMatch(/source (is|was) silent/);
  });

  it('documented: shows what its triggers saw beside their figures', () => {
    const facts = { ...whole, probes: { failing: 1, all: 4 }, memoryOfLimit: 0.7, restarts: 1 };
    const { metrics } = judgementOf(play({ kind: 'documented', custom: {} }, 2, (minute) => ({ ...fine(minute), facts })));
    expect(metrics[0]?.compared.map(({ value, limit }) => [value, limit])).toEqual([
      [30 / 6_000, 0.05],
      [1, 3],
      [2, 3],
      [0.25, 0.5],
      [0.7, 0.9],
      [0, 0],
    ]);
  });

  it('documented: what a service says it does not have needs no source', () => {
    const policy: JudgePolicy = { kind: 'documented', custom: {}, without: ['memory-of-limit', 'breakers'] };
    const facts = { ...whole, memoryOfLimit: null, breakersOpen: null };
    expect(verdictOf(play(policy, 40, (minute) => ({ ...fine(minute), facts })))).toBe('pass');
  });

  it('documented: a declared metric is held against its own ratio', () => {
    const policy: JudgePolicy = { kind: 'documented', custom: { queue: 1.2 } };
    const queue =
      (wrong: number) =>
      (minute: number): Omit<Tick, 'at'> => ({
        ...fine(minute),
        metrics: { ...fine(minute).metrics, queue: { canary: arm(100, wrong), stable: arm(100, 10) } },
      });
    expect(judgementOf(play(policy, 40, queue(12))).verdict).toBe('pass');
    expect(judgementOf(play(policy, 40, queue(13))).because).toMatch(/queue: 1.3 times/);
    const none = (wrong: number) => (minute: number) => ({
      ...fine(minute),
      metrics: { ...fine(minute).metrics, queue: { canary: arm(100, wrong), stable: arm(100, 0) } },
    });
    expect(verdictOf(play(policy, 40, none(0)))).toBe('pass');
    expect(judgementOf(play(policy, 40, none(1))).because).toMatch(/queue: the stable version has none of it/);
    expect(judgementOf(play(policy, 40, fine)).because).toMatch(/queue: no source measures it/);
  });

  it('waits for no news of a metric that is read at another pace, and is not disturbed by one', () => {
    const policy: JudgePolicy = { kind: 'documented', custom: { queue: 1.2 } };
    const queue = { metrics: { queue: { canary: arm(100, 10), stable: arm(100, 10) } } };
    let judge = atCheckpoint(startJudge(policy, shape), 0);
    for (let minute = 1; minute <= 40; minute++) {
      judge = addTick(judge, { at: minute * MINUTE, ...fine(minute) });
      judge = addTick(judge, { at: minute * MINUTE + 20_000, ...queue });
    }
    expect(judgementOf(judge).because).toMatch(/triggers/);
    expect(verdictOf(judge)).toBe('pass');
    const limits: JudgePolicy = { kind: 'threshold', metrics: [{ ...threshold, consecutiveErrorLimit: 0 }] };
    expect(verdictOf(play(limits, 10, (minute) => (minute % 2 === 0 ? queue : fine(minute))))).toBe('pass');
  });

  it('threshold: a percentile without durations is a failing source', () => {
    const p99 = { ...threshold, name: 'p99', of: 'latency', value: 'p99', failureCondition: { is: '>', than: 500 } } as const;
    const policy: JudgePolicy = { kind: 'threshold', metrics: [p99] };
    expect(verdictOf(play(policy, 20, (minute) => ({ metrics: fine(minute).metrics })))).toBe('unknown');
    expect(verdictOf(play(policy, 20, fine))).toBe('pass');
    const slow = { bounds: durations.bounds.map((bound) => bound * 4), counts: durations.counts };
    expect(
      verdictOf(play(policy, 20, (minute) => ({ ...fine(minute), facts: { ...whole, durations: { canary: slow, stable: durations } } }))),
    ).toBe('fail');
  });

  it('an unknown judge, of a newer build, is refused', () => {
    expect(() => startJudge({ kind: 'oracle' } as unknown as JudgePolicy, shape)).toThrow('no judge "oracle"');
  });
});
