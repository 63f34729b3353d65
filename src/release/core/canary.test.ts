import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, judgementOf } from '../../analysis/index.ts';
import { closesTick, foldAll, sayUnjudged, startFold, type LookRecord } from './canary.ts';

const input = { policy: DEFAULT_POLICY, shape: { checkpoints: 2, periods: 100 } };
const pair = (requests: number, bad: number, stableRequests = 0, stableBad = 0) => ({
  canary: { requests, bad },
  stable: { requests: stableRequests, bad: stableBad },
});
const look = (step: string, startedAt: number, ...metrics: readonly ReturnType<typeof pair>[]): LookRecord => ({
  step,
  startedAt,
  scatter: {},
  ticks: metrics.map((errors, index) => ({ at: startedAt + index, metrics: { errors, latency: null } })),
});

describe('closesTick', () => {
  const { judge: fresh } = startFold(input);
  // 1 % of the stable version's requests fail.
  const { judge: busy } = foldAll(startFold(input), [look('a', 0, pair(1_000, 10, 10_000, 100))]);

  it('judges the first bad canary request at once where the stable version has none', () => {
    expect(closesTick({ errors: pair(3, 1) }, fresh, { sinceMs: 500, longestMs: 10_000 })).toBe(true);
    expect(closesTick({ errors: pair(3, 0) }, fresh, { sinceMs: 500, longestMs: 10_000 })).toBe(false);
  });

  it('puts the usual failures of a busy canary together, and judges more than usual at once', () => {
    expect(closesTick({ errors: pair(100, 2) }, busy, { sinceMs: 500, longestMs: 10_000 })).toBe(false);
    expect(closesTick({ errors: pair(100, 10) }, busy, { sinceMs: 500, longestMs: 10_000 })).toBe(true);
  });

  it('waits for no tick for ever, and not at all when the clock was set back', () => {
    expect(closesTick({ errors: null }, busy, { sinceMs: 10_000, longestMs: 10_000 })).toBe(true);
    expect(closesTick({ errors: pair(1, 0) }, busy, { sinceMs: -1, longestMs: 10_000 })).toBe(true);
  });
});

describe('sayUnjudged', () => {
  const told = (judge: Parameters<typeof judgementOf>[0], requests: number): string =>
    sayUnjudged(judgementOf(judge), { requests, everyMs: 9_500 }).because;

  it('names the requests of a canary of which none were judged yet, instead of none', () => {
    const { judge } = foldAll(startFold(input), [look('a', 0, pair(0, 0))]);
    expect(told(judge, 43)).toContain('errors: 43 requests of the canary so far, judged every 10s');
    expect(told(judge, 43)).not.toContain('no requests');
    expect(told(judge, 0)).toContain("errors: none of the canary's requests");
  });

  it('adds what was read since to what was judged', () => {
    const { judge } = foldAll(startFold(input), [look('a', 0, pair(100, 1, 900, 9))]);
    expect(told(judge, 43)).toMatch(/\(1 of 100\).*; 43 more requests of it were read since, judged every 10s/);
  });
});

describe('foldAll', () => {
  const looks = fc.array(
    fc
      .record({ step: fc.constantFrom('a', 'b'), bad: fc.array(fc.nat({ max: 5 }), { maxLength: 4 }) })
      .map(({ step, bad }) => ({ step, bad })),
    { maxLength: 8 },
  );

  it('gives the same judge in one go and in parts, so what was folded before need not be folded again', () => {
    fc.assert(
      fc.property(looks, fc.nat({ max: 8 }), (given, cut) => {
        const records = given.map(({ step, bad }, index) => look(step, index * 1_000, ...bad.map((one) => pair(100, one, 900, 3))));
        const once = foldAll(startFold(input), records);
        expect(foldAll(foldAll(startFold(input), records.slice(0, cut)), records.slice(cut))).toEqual(once);
      }),
    );
  });

  it('begins anew at each checkpoint, also at one where nothing was counted', () => {
    const { judge, step } = foldAll(startFold(input), [look('a', 0, pair(10, 1, 90, 1)), look('b', 5_000)]);
    expect(step).toBe('b');
    expect(judge.lastAt).toBe(5_000);
    expect(judgementOf(judge).metrics[0]?.seen?.canary.requests).toBe(0);
  });
});
