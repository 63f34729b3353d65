import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeBetween, checkedReading, edgeOf, type Heard, type Histogram, type Measured } from './reading.ts';

const NOW = 1_800_000_000_000;
const counts = (canary: readonly [number, number], stable: readonly [number, number]): Measured => ({
  kind: 'counts',
  versions: { canary: { requests: canary[0], bad: canary[1] }, stable: { requests: stable[0], bad: stable[1] } },
});
const at = (measured: Measured, moment = NOW, epoch = 'a'): Heard => ({ ...measured, at: moment, epoch });
const buckets = (canary: Histogram, stable: Histogram): Measured => ({ kind: 'histogram', versions: { canary, stable } });
const bounds = [0.1, 0.5, null];

const arm = fc.nat(1_000_000).chain((requests) => fc.nat(requests).map((bad) => ({ requests, bad })));
const pair = fc.record({ canary: arm, stable: arm });

describe('the change between two readings', () => {
  it('is the difference of the counts, whatever was counted before', () => {
    fc.assert(
      fc.property(pair, pair, (before, more) => {
        const sum = {
          canary: { requests: before.canary.requests + more.canary.requests, bad: before.canary.bad + more.canary.bad },
          stable: { requests: before.stable.requests + more.stable.requests, bad: before.stable.bad + more.stable.bad },
        };
        const change = changeBetween(at({ kind: 'counts', versions: before }), at({ kind: 'counts', versions: sum }, NOW + 1_000), null);
        expect(change).toEqual({ pair: more });
      }),
    );
  });

  it('is counts that can be, or nothing with a reason: never a guess', () => {
    const any = fc.record({ canary: fc.record({ requests: fc.integer(), bad: fc.integer() }), stable: arm });
    fc.assert(
      fc.property(any, any, fc.integer({ min: -5_000, max: 5_000 }), fc.boolean(), (one, other, ms, again) => {
        const change = changeBetween(
          at({ kind: 'counts', versions: one }),
          at({ kind: 'counts', versions: other }, NOW + ms, again ? 'b' : 'a'),
          null,
        );
        if (change.pair === null) expect(change.reason).not.toBe('');
        else {
          expect(ms >= 0 && !again).toBe(true);
          for (const { requests, bad } of Object.values(change.pair)) expect(bad >= 0 && bad <= requests).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['another epoch', at(counts([1, 0], [1, 0])), at(counts([2, 0], [2, 0]), NOW, 'b'), /began anew/],
    ['a clock that went back', at(counts([1, 0], [1, 0])), at(counts([2, 0], [2, 0]), NOW - 61_000), /went back by 1m01s/],
    ['a count that went back', at(counts([5, 0], [1, 0])), at(counts([4, 0], [2, 0])), /a count went back/],
    ['bad ones that went back', at(counts([5, 5], [1, 0])), at(counts([9, 4], [2, 0])), /a count went back/],
    ['more bad ones than requests', at(counts([5, 0], [1, 0])), at(counts([6, 3], [2, 0])), /3 bad requests, but only 1/],
    ['another kind', at(counts([5, 0], [1, 0])), at(buckets({ bounds, counts: [1, 1, 1] }, { bounds, counts: [1, 1, 1] })), /another kind/],
  ])('is unknown after %s', (_name, before, after, reason) => {
    expect(changeBetween(before, after, 0.5)).toMatchObject({ pair: null, reason: expect.stringMatching(reason) as string });
  });

  it('of buckets counts those above the edge as bad, and knows when buckets are others', () => {
    const before = buckets({ bounds, counts: [10, 5, 1] }, { bounds, counts: [100, 50, 10] });
    const after = buckets({ bounds, counts: [20, 8, 3] }, { bounds, counts: [200, 60, 11] });
    expect(changeBetween(at(before), at(after), 0.5)).toEqual({
      pair: { canary: { requests: 15, bad: 2 }, stable: { requests: 111, bad: 1 } },
    });
    expect(changeBetween(at(before), at(after), 0.3)).toMatchObject({
      pair: null,
      reason: /0\.3 is not the bound of a bucket.*0\.1, 0\.5/,
    });
    expect(changeBetween(at(before), at(after), null)).toMatchObject({ pair: null, reason: /too few/ });
    const others = [0.1, 0.4, null];
    const changed = buckets({ bounds: others, counts: [20, 8, 3] }, { bounds: others, counts: [200, 60, 11] });
    expect(changeBetween(at(before), at(changed), 0.5)).toMatchObject({ pair: null, reason: 'its buckets changed' });
    const back = buckets({ bounds, counts: [20, 4, 3] }, { bounds, counts: [200, 60, 11] });
    expect(changeBetween(at(before), at(back), 0.5)).toMatchObject({ pair: null, reason: /went back/ });
  });
});

describe('a reading', () => {
  const good = at(counts([10, 1], [100, 2]));
  it('is taken as it is when its numbers can be', () => expect(checkedReading(good, NOW)).toBe(good));

  it.each([
    ['NaN', at(counts([Number.NaN, 0], [1, 0])), /canary: 0 bad of NaN/],
    ['a negative count', at(counts([1, 0], [-1, 0])), /stable: 0 bad of -1/],
    ['half a request', at(counts([1.5, 0], [1, 0])), /canary/],
    ['more bad ones than requests', at(counts([1, 2], [1, 0])), /2 bad requests, but only 1/],
    ['a gauge that is no number', at({ kind: 'gauge', versions: { canary: Number.NaN, stable: 1 } }), /canary: NaN is no number/],
    ['a clock far ahead', at(counts([1, 0], [1, 0]), NOW + 600_000), /10m ahead/],
    ['a clock far behind', at(counts([1, 0], [1, 0]), NOW - 600_000), /10m behind/],
    ['no time at all', at(counts([1, 0], [1, 0]), Number.NaN), /no time/],
    ['buckets out of order', at(buckets({ bounds: [2, 1, null], counts: [1, 1, 1] }, { bounds, counts: [1, 1, 1] })), /not in order/],
    ['buckets without an end', at(buckets({ bounds: [1], counts: [1] }, { bounds, counts: [1, 1, 1] })), /upper bound/],
    ['counts without buckets', at(buckets({ bounds, counts: [1] }, { bounds, counts: [1, 1, 1] })), /1 counts for 3 buckets/],
    ['a bucket that counts less than nothing', at(buckets({ bounds, counts: [1, -1, 1] }, { bounds, counts: [1, 1, 1] })), /counts -1/],
    [
      'versions with different buckets',
      at(buckets({ bounds: [1, null], counts: [1, 1] }, { bounds, counts: [1, 1, 1] })),
      /different buckets/,
    ],
  ])('with %s is silence, with the reason', (_name, reading, reason) => {
    expect(checkedReading(reading, NOW)).toMatchObject({ kind: 'silent', reason: expect.stringMatching(reason) as string });
  });
});

describe('the edge above which a sample is slow', () => {
  it('is the bound of the bucket that holds the 99th percentile', () => {
    expect(edgeOf({ bounds, counts: [900, 95, 5] })).toBe(0.5);
    expect(edgeOf({ bounds, counts: [995, 4, 1] })).toBe(0.1);
  });
  it('is not known of few samples, or beyond the last bound', () => {
    expect(edgeOf({ bounds, counts: [90, 9, 1] })).toBeNull();
    expect(edgeOf({ bounds, counts: [900, 50, 50] })).toBeNull();
  });
});
