import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from './policy.ts';
import { answerOf, catchPlot, playOnce, upperBound, usualRuns, type WhatIf, type WhatIfAnswer } from './what-if.ts';

const MINUTE = 60_000;
const what: WhatIf = {
  policy: DEFAULT_POLICY,
  schedule: [{ share: 0.1, forMs: 60 * MINUTE }],
  withinMs: 60 * MINUTE,
  everyMs: 500,
  shape: { checkpoints: 1, periods: 8_640 },
  perMinute: 6_000,
  baseline: 0.005,
  onsetMs: 0,
  dispersions: {},
  seed: 7,
  runs: 30,
};

function answer(errors: number | null, change: Partial<WhatIf> = {}): WhatIfAnswer {
  const asked = { ...what, ...change };
  return answerOf(
    asked,
    errors,
    Array.from({ length: asked.runs }, (_run, run) => playOnce(asked, errors, run)),
  );
}

describe('what a policy would do', () => {
  it('catches what is worse sooner, and at less cost, the worse it is', () => {
    const [two, ten] = [answer(0.02), answer(0.1)];
    expect([two.failed, ten.failed]).toEqual([1, 1]);
    expect(ten.failMs.median).toBeLessThan(two.failMs.median ?? 0);
    expect(ten.harmed).toBeGreaterThan(0);
    expect(two.failMs.median).toBeLessThanOrEqual(two.failMs.p95 ?? 0);
  });

  it('leaves a canary that is no worse alone, and says how sure that is', () => {
    const healthy = answer(null);
    expect(healthy).toMatchObject({ errors: null, failed: 0, harmed: 0 });
    // 1 - 0.05^(1/30)
    expect(healthy.failedAtMost).toBeCloseTo(0.095, 3);
    expect(healthy.passed).toBeGreaterThan(0.8);
  });

  it('counts the time from when it turned bad', () => {
    const late = answer(0.1, { onsetMs: 30 * MINUTE });
    expect(late.failed).toBe(1);
    expect(late.failMs.p95).toBeLessThan(10 * MINUTE);
    expect(late.caughtMs.every((ms) => ms > 0)).toBe(true);
  });

  it('holds a canary that nothing is known of, and never calls that passed', () => {
    const quiet = answer(null, { perMinute: 5, schedule: [{ share: 0.1, forMs: 0 }], withinMs: 20 * MINUTE });
    expect(quiet).toMatchObject({ failed: 0, passed: 0, unknown: 1 });
  });

  it('plays a schedule of seconds in ticks that are shorter', () => {
    const schedule = [
      { share: 0.2, forMs: 5_000 },
      { share: 0.5, forMs: 5_000 },
    ];
    const bad = answer(0.5, { schedule, withinMs: 10_000, shape: { checkpoints: 2, periods: 8_640 } });
    expect(bad.failed).toBe(1);
    expect(bad.failMs.median).toBeLessThan(5_000);
  });

  it('ends a weight exactly after its time, so that a schedule lasts as long as it says', () => {
    const schedule = [
      { share: 0.2, forMs: 20 * MINUTE },
      { share: 0.5, forMs: 20 * MINUTE },
    ];
    const good = answer(null, { schedule, perMinute: 60_000, withinMs: 40 * MINUTE, shape: { checkpoints: 2, periods: 8_640 } });
    expect(good.passMs).toEqual({ median: 40 * MINUTE, p95: 40 * MINUTE });
  });

  it('is the same for the same seed', () => {
    expect(answer(0.02)).toEqual(answer(0.02));
    expect(answer(0.02, { seed: 8 })).not.toEqual(answer(0.02));
  });

  it('plots the share caught by each time', () => {
    const { lines } = catchPlot(what, [{ ...answer(null), errors: 0.1, runs: 4, caughtMs: [10_000, 20_000] }]);
    expect(lines).toEqual([
      {
        name: '10 %',
        points: [
          { x: 0, y: 0 },
          { x: 10_000, y: 0.25 },
          { x: 20_000, y: 0.5 },
        ],
      },
    ]);
  });

  it('takes fewer runs for a day than for an hour', () => {
    expect(usualRuns({ ...what, schedule: [{ share: 0.5, forMs: 24 * 60 * MINUTE }] })).toBeLessThan(usualRuns(what));
  });
});

describe('upper bound of a share', () => {
  it('is that of Clopper and Pearson', () => {
    // R: binom.test(k, n, alternative = "less")$conf.int[2]
    expect(upperBound(0, 100)).toBeCloseTo(0.029513, 5);
    expect(upperBound(3, 20)).toBeCloseTo(0.343664, 4);
    expect([upperBound(5, 5), upperBound(0, 0)]).toEqual([1, 1]);
  });
});
