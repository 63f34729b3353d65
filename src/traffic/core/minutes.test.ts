import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMinuteRing, historyOf, type MinuteRing } from './minutes.ts';

const MINUTE = 60_000;

function ringOf(minutes: readonly number[], size = 31): MinuteRing {
  const ring = createMinuteRing(size);
  for (const minute of minutes) ring.add(minute * MINUTE, false);
  return ring;
}

describe('history of instances', () => {
  it('has the same whole minutes for all that still take requests, since the oldest began', () => {
    const rings = new Map([
      ['old', ringOf([1, 2, 3, 3, 4, 5, 6])],
      ['young', ringOf([3, 4, 4, 6])],
      ['gone', ringOf([1, 2])],
    ]);
    const minutes = (...requests: readonly number[]) => requests.map((one) => ({ requests: one, errors: 0 }));
    expect(historyOf(rings, 6 * MINUTE + 1)).toEqual([
      { instance: 'old', minutes: minutes(1, 2, 1, 1) },
      { instance: 'young', minutes: minutes(0, 0, 2, 0) },
    ]);
  });

  it('does not lose what is known of all others when one is added or replaced', () => {
    const since = (first: number): MinuteRing => ringOf(Array.from({ length: 41 - first }, (_none, index) => first + index));
    const rings = new Map([0, 20, 39].map((minute) => [String(minute), since(minute)]));
    const known = historyOf(rings, 40 * MINUTE + 1);
    expect(known.map(({ minutes }) => minutes.length)).toEqual([30, 30, 30]);
    expect(known.map(({ minutes }) => minutes.filter(({ requests }) => requests > 0).length)).toEqual([30, 19, 0]);
  });

  it('never mixes an old minute into a new one, whatever the size of the ring', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.integer({ min: 1, max: 40 }), fc.nat(120), (minutes, size, now) => {
        const sorted = minutes.toSorted((a, b) => a - b);
        const newest = sorted.at(-1) ?? 0;
        const from = Math.max(0, now - 5);
        const read = ringOf(sorted, size).read(from, now);
        for (const [index, { requests }] of read.entries()) {
          const told = sorted.filter((minute) => minute === from + index).length;
          expect(requests === told || (requests === 0 && newest - (from + index) >= size)).toBe(true);
        }
      }),
    );
  });

  it('is empty without instances and before a minute is whole', () => {
    expect(historyOf(new Map(), 10 * MINUTE)).toEqual([]);
    expect(historyOf(new Map([['new', ringOf([5])]]), 5 * MINUTE + 1)).toEqual([{ instance: 'new', minutes: [] }]);
  });
});
