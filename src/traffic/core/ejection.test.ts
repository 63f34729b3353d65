import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ejection, IN_SERVICE, afterFailure, inService, mayProbe, mustProbe } from './ejection.ts';

const limits = { ejectAfter: 3, ejectMs: 500, ejectMaxMs: 4_000 };

function probed(state: Ejection): Ejection {
  return { ...state, probing: true };
}

function failTimes(times: number, now: number, from: Ejection = IN_SERVICE): Ejection {
  return Array.from({ length: times }).reduce<Ejection>((state) => afterFailure(state, now, limits), from);
}

describe('ejection', () => {
  it('takes an endpoint out at the third failure in a row, not before', () => {
    expect(inService(failTimes(2, 0))).toBe(true);
    expect(failTimes(3, 100)).toMatchObject({ until: 600, level: 1 });
  });

  it('doubles the time with each failed probe up to the most, and starts over after an answer', () => {
    let state = failTimes(3, 0);
    const times = Array.from({ length: 5 }, () => {
      const now = state.until ?? 0;
      expect(mayProbe(state, now)).toBe(true);
      state = afterFailure(probed(state), now, limits);
      return (state.until ?? 0) - now;
    });
    expect(times).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(failTimes(3, 0, IN_SERVICE).until).toBe(500);
  });

  it('is tried by any request once its time is over and no better one came for as long as the longest time', () => {
    const state = failTimes(3, 0);
    expect([499, 500, 4_499, 4_500].map((now) => mustProbe(state, now, limits))).toEqual([false, false, false, true]);
    expect(mustProbe(probed(state), 9_000, limits)).toBe(false);
    expect(mustProbe(IN_SERVICE, 9_000, limits)).toBe(false);
  });

  it('is never longer out than the most, never shortened by a late failure, and probed by one request at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ wait: fc.nat({ max: 3_000 }), probe: fc.boolean() }), { maxLength: 60 }), (steps) => {
        let now = 0;
        let state = IN_SERVICE;
        for (const { wait, probe } of steps) {
          now += wait;
          if (probe && mayProbe(state, now)) {
            state = probed(state);
            expect(mayProbe(state, now)).toBe(false);
          }
          const before = state;
          state = afterFailure(state, now, limits);
          if (state.until !== null && state.until !== before.until) expect(state.until - now).toBeLessThanOrEqual(limits.ejectMaxMs);
          if (before.until !== null && !before.probing) expect(state.until).toBe(before.until);
        }
      }),
    );
  });
});
