import { expect, test } from 'vitest';
import { ByteCache } from './byte-cache.ts';

test('what was used last is kept, up to the bytes there are', () => {
  const cache = new ByteCache<string>(10);
  cache.set('a', 'A', 4);
  cache.set('b', 'B', 4);
  expect(cache.get('a')).toBe('A');
  cache.set('c', 'C', 4);
  expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual(['A', undefined, 'C']);
});

test('the same key counts once, and what is larger than all is not kept', () => {
  const cache = new ByteCache<string>(10);
  for (let time = 0; time < 5; time++) cache.set('a', `A${time}`, 6);
  cache.set('b', 'B', 4);
  expect([cache.get('a'), cache.get('b')]).toEqual(['A4', 'B']);
  cache.set('b', 'too large', 11);
  expect([cache.get('a'), cache.get('b')]).toEqual(['A4', undefined]);
});
