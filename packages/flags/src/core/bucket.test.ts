import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boundOf, bucketOf, EVERYBODY, stickyHash } from './bucket.ts';
import { hashPrefix, murmur3 } from './hash.ts';

const hash = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const share = fc.integer({ min: 0, max: EVERYBODY });

it('says by the bound of a hash what its bucket says', () => {
  fc.assert(fc.property(hash, share, (some, bucket) => some < boundOf(bucket) === bucketOf(some) < bucket));
});

it('is exact at the edges of every bucket', () => {
  const wrong = Array.from({ length: EVERYBODY }, (_, bucket) => bucket).filter((bucket) => {
    const bound = boundOf(bucket);
    return bucketOf(bound) !== bucket || (bucket > 0 && bucketOf(bound - 1) !== bucket - 1);
  });
  expect(wrong).toEqual([]);
});

it('counts in integers what BigInt counts', () => {
  fc.assert(fc.property(hash, (some) => BigInt(bucketOf(some)) === (BigInt(some) * 100_000n) >> 32n));
});

it('lets nobody in at 0 and everybody at 100 %', () => {
  fc.assert(fc.property(hash, (some) => !(some < boundOf(0)) && some < boundOf(EVERYBODY)));
});

it.each([undefined, null, '', true, Number.NaN, 1.5, Infinity, {}, []])('has nothing to stick to in %j', (value) => {
  expect(stickyHash(hashPrefix('s'), value)).toBe(-1);
});

it('takes a whole number as its digits', () => {
  expect(stickyHash(hashPrefix('s'), 42)).toBe(murmur3('s42'));
  expect(stickyHash(hashPrefix('s'), -7)).toBe(murmur3('s-7'));
});
