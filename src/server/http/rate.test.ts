import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRate } from './rate.ts';

test('a burst passes, then so many a second; keys do not share', () => {
  let now = 0;
  const rate = createRate({ perSecond: 10, burst: 3 }, { monotonic: () => now });
  expect([1, 2, 3].map(() => rate.take('a'))).toEqual([0, 0, 0]);
  expect(rate.take('a')).toBeCloseTo(100);
  expect(rate.take('b')).toBe(0);
  now = 100;
  expect(rate.take('a')).toBe(0);
  expect(rate.take('a')).toBeCloseTo(100);
});

test('however it is asked, no more than the burst and the rate passes, and whoever waits as told passes', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { maxLength: 200 }), (gaps) => {
      let now = 0;
      const rate = createRate({ perSecond: 5, burst: 4 }, { monotonic: () => now });
      let passed = 0;
      for (const gap of gaps) {
        now += gap;
        const wait = rate.take('a');
        if (wait === 0) passed += 1;
        else {
          now += wait + 0.001;
          expect(rate.take('a')).toBe(0);
          passed += 1;
        }
      }
      expect(passed).toBeLessThanOrEqual(4 + (now / 1_000) * 5 + 0.01);
    }),
  );
});

test('made-up keys take no memory without end, and whoever was refused is not let in by them', () => {
  const rate = createRate({ perSecond: 1, burst: 1 }, { monotonic: () => 0 });
  for (let key = 0; key < 25_000; key++) rate.take(`made up ${key}`);
  expect(rate.take('made up 24999')).toBeGreaterThan(0);
});

test('what is granted passes besides, once each, for half a minute, and to nobody else', () => {
  let now = 0;
  const rate = createRate({ perSecond: 1, burst: 1 }, { monotonic: () => now });
  const passing = (key: string, tries: number): number =>
    Array.from({ length: tries }, () => rate.take(key)).filter((wait) => wait === 0).length;
  rate.grant('a', 5);
  rate.grant('a', 2);
  expect([passing('a', 20), passing('b', 20), passing('a', 20)]).toEqual([1 + 7, 1, 0]);
  rate.grant('a', 5);
  now = 30_000;
  expect(passing('a', 20)).toBe(1);
});
