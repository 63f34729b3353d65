import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitsOf, rollingMoves, shareOf } from './rolling.ts';

const size = fc.integer({ min: 1, max: 40 });
const amount = fc.oneof(
  fc.record({ count: fc.nat({ max: 45 }) }),
  fc.record({ share: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100) }),
);

describe('rollingMoves', () => {
  it('ends with the wanted new instances and no old one, within its limits after every move, and never without anybody', () => {
    fc.assert(
      fc.property(size, size, amount, amount, (wanted, before, surge, unavailable) => {
        const limits = limitsOf(Math.min(wanted, before), wanted, { surge, unavailable });
        const moves = rollingMoves(wanted, before, limits);
        let at = { fresh: 0, old: before };
        for (const { kind, fresh, old } of moves) {
          expect(kind === 'add' ? [fresh > at.fresh, old === at.old] : [fresh === at.fresh, old < at.old]).toEqual([true, true]);
          expect(fresh + old).toBeLessThanOrEqual(Math.max(wanted, before) + limits.surge);
          expect(fresh + old).toBeGreaterThanOrEqual(Math.max(1, Math.min(wanted, before) - limits.unavailable));
          at = { fresh, old };
        }
        expect(at).toEqual({ fresh: wanted, old: 0 });
      }),
    );
  });

  it('goes one by one with a surge of one, and makes room first without a surge', () => {
    const told = (surge: number, unavailable: number) =>
      rollingMoves(3, 3, { surge, unavailable }).map(({ kind, fresh, old }) => `${kind} ${fresh}+${old}`);
    expect(told(1, 0)).toEqual(['add 1+3', 'retire 1+2', 'add 2+2', 'retire 2+1', 'add 3+1', 'retire 3+0']);
    expect(told(0, 1)).toEqual(['retire 0+2', 'add 1+2', 'retire 1+1', 'add 2+1', 'retire 2+0', 'add 3+0']);
    expect(() => told(0, 0)).toThrow('needs a surge');
  });
});

describe('limitsOf', () => {
  it('rounds a surge up and unavailable ones down, and lets one start where nothing could move', () => {
    expect(limitsOf(10, 10, { surge: { share: 0.25 }, unavailable: { share: 0.25 } })).toEqual({ surge: 3, unavailable: 2 });
    expect(limitsOf(1, 1, { surge: { count: 0 }, unavailable: { count: 1 } })).toEqual({ surge: 1, unavailable: 0 });
  });
});

describe('shareOf', () => {
  it('is the share of the instances, in whole percent that leave neither version out', () => {
    expect([shareOf({ fresh: 1, old: 2 }), shareOf({ fresh: 1, old: 400 }), shareOf({ fresh: 400, old: 1 })]).toEqual([33, 1, 99]);
    expect([shareOf({ fresh: 0, old: 2 }), shareOf({ fresh: 2, old: 0 })]).toEqual([0, 100]);
  });
});
