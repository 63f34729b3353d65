import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTick, atCheckpoint, judgementOf, startJudge, type Judge } from './judge.ts';
import type { MetricJudgement } from './judgement.ts';
import { DEFAULT_POLICY, LATENCY } from './policy.ts';
import { seededRandom } from './sample.ts';
import { drawTick } from './simulate.ts';
import { steadyWorld } from './simulate-many.ts';

const TICK = 10_000;
const policy = { ...DEFAULT_POLICY, metrics: [{ ...LATENCY, warmupMs: 0 }] };
const shape = { checkpoints: 5, periods: 8_640 };

/** An hour at 6,000 requests per minute, a tenth of them on the canary. */
function anHour(
  canary: number,
  seed: number,
  luck = 1,
): { readonly verdict: string; readonly latency: MetricJudgement; readonly seenAtAll: boolean } {
  const random = seededRandom(seed);
  const world = steadyWorld(6_000, { latency: { stable: 0.01, canary, onsetMs: 0 } });
  let judge: Judge = atCheckpoint(startJudge(policy, shape, { latency: { dispersion: 1, luck } }), 0);
  let seenAtAll = false;
  for (let at = 0; at < 3_600_000; at += TICK) {
    judge = addTick(judge, drawTick(world(at, 0.1), at + TICK, TICK, random).tick);
    if ((at / TICK) % 6 === 0) seenAtAll ||= (judgementOf(judge).metrics[0]?.shift ?? null) !== null;
  }
  const { verdict, metrics } = judgementOf(judge);
  const [latency] = metrics;
  if (latency === undefined) throw new Error('There is one metric');
  return { verdict, latency, seenAtAll };
}

describe('a shift below the margin', () => {
  // L2 of the notes: all requests 1.15 times as slow, so 1.7 % are slower than the stable 99th percentile.
  it('is reported and not acted on: L2', () => {
    const runs = Array.from({ length: 20 }, (_run, seed) => anHour(0.0166, seed + 1));
    expect(runs.filter(({ verdict }) => verdict === 'fail').length).toBeLessThanOrEqual(1);
    const reported = runs.filter(({ latency }) => latency.shift?.direction === 'worse');
    expect(reported.length).toBeGreaterThanOrEqual(18);
    for (const { latency } of reported)
      expect(latency.because).toMatch(/; it is worse than the stable version \(1\.\d+ to .* which is tolerated$/);
    expect(runs.some(({ verdict, latency }) => verdict === 'pass' && latency.shift !== null)).toBe(true);
  });

  it('of a canary that is no worse is hardly ever seen, at whatever moment one looks', () => {
    const runs = Array.from({ length: 40 }, (_run, seed) => anHour(0.01, seed + 101));
    // At most 5 % each; 6 of 40 or more have a chance of 1 in 70 at that.
    expect(runs.filter(({ seenAtAll }) => seenAtAll).length).toBeLessThanOrEqual(5);
  });

  it('to the better is reported too', () => expect(anHour(0.005, 7).latency.shift).toMatchObject({ direction: 'better' }));

  it('is none when stable instances differ as much among themselves', () => expect(anHour(0.0166, 3, 2.5).latency.shift).toBeNull());

  it('never changes a verdict, and is never told of what failed or of nothing', () => {
    const arm = fc.nat({ max: 400 }).chain((requests) => fc.nat({ max: requests }).map((bad) => ({ requests, bad })));
    fc.assert(
      fc.property(fc.array(fc.record({ canary: arm, stable: arm }), { maxLength: 25 }), (pairs) => {
        const judge = pairs.reduce<Judge>(
          (state, latency, index) => addTick(state, { at: (index + 1) * TICK, metrics: { latency } }),
          startJudge(policy, shape),
        );
        const [metric] = judgementOf(judge).metrics;
        if (metric === undefined || metric.shift === null) return;
        expect(metric.verdict).not.toBe('fail');
        expect(metric.seen?.canary.requests).toBeGreaterThan(0);
        expect(metric.shift.direction === 'worse' ? metric.shift.low > 1 : (metric.shift.high ?? 9) < 1).toBe(true);
      }),
    );
  });
});
