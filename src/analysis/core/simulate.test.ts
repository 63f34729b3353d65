import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from './policy.ts';
import { seededRandom } from './sample.ts';
import { simulateMany, steadyWorld, summaryOf } from './simulate-many.ts';
import { shapeOf, simulateBake, type Bake, type Moment, type World } from './simulate.ts';

const MINUTE = 60_000;
const healthy = { stable: 0.005, canary: 0.005, onsetMs: 0 };
const slow = { stable: 0.01, canary: 0.01, onsetMs: 0 };

function aBake(world: World, change: Partial<Bake> = {}): Bake {
  return { policy: DEFAULT_POLICY, schedule: [{ share: 0.1, forMs: 60 * MINUTE }], tickMs: 10_000, patienceMs: null, world, ...change };
}

describe('simulated bake', () => {
  it('is the same for the same seed', () => {
    const bake = aBake(steadyWorld(600, { errors: { ...healthy, canary: 0.02 }, latency: slow }));
    expect(simulateBake(bake, seededRandom(5))).toEqual(simulateBake(bake, seededRandom(5)));
  });

  it('catches a canary that fails often, at once, and counts whom it harmed', () => {
    const world = steadyWorld(6_000, { errors: { ...healthy, canary: 0.3 }, latency: slow });
    const outcome = simulateBake(aBake(world), seededRandom(1));
    expect(outcome.verdict).toBe('fail');
    expect(outcome.endedAt).toBeLessThanOrEqual(MINUTE);
    // 600 requests per minute, 29.5 % more of them bad.
    expect(outcome.harmed / ((600 * 0.295 * outcome.endedAt) / MINUTE)).toBeCloseTo(1, 0);
  });

  it('goes through its weights one by one when it is good, and not before their time', () => {
    const schedule = [
      { share: 0.1, forMs: 40 * MINUTE },
      { share: 0.5, forMs: 40 * MINUTE },
    ];
    const world = steadyWorld(12_000, { errors: healthy, latency: slow });
    const outcome = simulateBake(aBake(world, { schedule }), seededRandom(2));
    expect(outcome).toMatchObject({ verdict: 'pass', endedAt: 80 * MINUTE });
    expect(outcome.passedAt[1]).toBeGreaterThan(40 * MINUTE);
    expect(shapeOf(schedule)).toEqual({ checkpoints: 2, periods: 480 });
  });

  it('waits for a pass as long as it has patience, and then ends unknown', () => {
    const outcome = simulateBake(aBake(steadyWorld(5, { errors: healthy, latency: slow }), { patienceMs: 30 * MINUTE }), seededRandom(3));
    expect(outcome).toMatchObject({ verdict: 'unknown', endedAt: 90 * MINUTE, passedAt: [null] });
  });

  it('is unknown while its source is silent', () => {
    const world: World = (at, share): Moment => ({
      ...steadyWorld(12_000, { errors: healthy, latency: slow })(at, share),
      silent: at > 55 * MINUTE,
    });
    expect(simulateBake(aBake(world), seededRandom(4)).verdict).toBe('unknown');
  });
});

describe('many simulated bakes', () => {
  it('give the chance of catching, its time, and what it costs', () => {
    const bad = simulateMany(() => aBake(steadyWorld(6_000, { errors: { ...healthy, canary: 0.02 }, latency: slow })), {
      runs: 20,
      seed: 1,
    });
    expect(bad).toMatchObject({ runs: 20, seed: 1, failed: 1, passed: 0, unknown: 0 });
    expect(bad.failMs.median).toBeLessThanOrEqual(bad.failMs.p95 ?? 0);
    expect(bad.passMs).toEqual({ median: null, p95: null });
    const good = simulateMany(() => aBake(steadyWorld(6_000, { errors: healthy, latency: slow })), { runs: 20, seed: 1 });
    expect([good.failed, good.harmed]).toEqual([0, 0]);
  });

  it('takes quantiles of the runs that got there', () => {
    const run = (verdict: 'pass' | 'fail', endedAt: number): Parameters<typeof summaryOf>[0][number] => ({
      verdict,
      endedAt,
      passedAt: [],
      harmed: 1,
    });
    const summary = summaryOf([run('fail', 30), run('fail', 10), run('fail', 20), run('pass', 99)]);
    expect(summary).toEqual({
      runs: 4,
      failed: 0.75,
      passed: 0.25,
      unknown: 0,
      failMs: { median: 20, p95: 30 },
      passMs: { median: 99, p95: 99 },
      harmed: 1,
    });
  });
});
