import { expect, it } from 'vitest';
import { strangers } from './servers.ts';

const server = (process: string, keys: readonly string[] | null, ended: { readonly at: number; readonly until: number } | null = null) => ({
  process,
  host: 'web-1',
  pid: 17,
  keys,
  ended,
});
const pairs = (...servers: readonly ReturnType<typeof server>[]): readonly string[] =>
  strangers(servers).map((pair) => pair.map(({ process }) => process).join('-'));

it('processes that sign with the same key, or are in the middle of a change of keys as it should be, are no strangers', () => {
  expect(pairs()).toEqual([]);
  expect(pairs(server('a', ['x']), server('b', ['x']), server('c', ['x', 'y']))).toEqual([]);
  expect(pairs(server('a', ['x', 'y']), server('b', ['y', 'x']), server('c', ['x', 'y', 'z']))).toEqual([]);
});

it('those are between which a client would be told a key that it does not know', () => {
  expect(pairs(server('a', ['x']), server('b', ['y']), server('c', ['x']))).toEqual(['a-b', 'b-c']);
  expect(pairs(server('a', ['x']), server('b', ['y', 'x']))).toEqual(['a-b']);
  expect(pairs(server('a', ['y', 'x']), server('b', ['x']))).toEqual(['a-b']);
});

it('one that ended, or did not say, is nobody to compare with', () => {
  expect(pairs(server('a', ['x']), server('b', ['y'], { at: 1, until: 2 }), server('c', null))).toEqual([]);
});
