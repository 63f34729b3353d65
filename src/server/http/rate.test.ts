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
