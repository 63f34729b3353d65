import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flagSet } from '../../../packages/flags/test/arbitraries.ts';
import type { FlagSet } from '../evaluator.ts';
import { differences } from './diff.ts';
import { rewound } from './rewind.ts';
import { same } from './same.ts';
import { currentOf, setWith, turnedOn, type Target } from './targets.ts';

const flagOf = ({ flags }: FlagSet, key = 'release_f0') => flags[key] ?? null;

describe('differences', () => {
  it('are none exactly where nothing is different, and each names a place that is', () => {
    fc.assert(
      fc.property(flagSet, flagSet, (a, b) => {
        const [left, right] = [flagOf(a), flagOf(b)];
        expect(differences(left, left)).toEqual([]);
        const found = differences(left, right);
        expect(found.length === 0).toBe(JSON.stringify(left) === JSON.stringify(right));
        for (const { before, after } of found) expect(JSON.stringify(before)).not.toBe(JSON.stringify(after));
        expect(new Set(found.map(({ path }) => path)).size).toBe(found.length);
      }),
    );
  });

  it.each([
    [{ enabled: true }, { enabled: false }, [{ path: 'enabled', before: true, after: false }]],
    [{ about: { owner: 'a', name: '' } }, { about: { owner: 'b', name: '' } }, [{ path: 'about.owner', before: 'a', after: 'b' }]],
    [{ default: { variant: 'a' } }, { default: { weights: [] } }, [{ path: 'default', before: { variant: 'a' }, after: { weights: [] } }]],
    [{ rules: [{ name: 'a', x: 1 }] }, { rules: [] }, [{ path: 'rules.a', before: { name: 'a', x: 1 }, after: undefined }]],
    [
      { rules: [{ name: 'a' }, { name: 'b' }] },
      { rules: [{ name: 'b' }, { name: 'a' }] },
      [{ path: 'rules', before: ['a', 'b'], after: ['b', 'a'] }],
    ],
    [{ tags: ['a'] }, { tags: ['b'] }, [{ path: 'tags', before: ['a'], after: ['b'] }]],
    [null, { a: 1 }, [{ path: '', before: null, after: { a: 1 } }]],
  ])('of %j and %j', (before, after, expected) => {
    expect(differences(before, after)).toEqual(expected);
  });
});

it('the same JSON is the same, whatever the order of its names', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => same(value, JSON.parse(JSON.stringify(value)))));
  expect(same({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(same({ a: -0 }, { a: 0 })).toBe(true);
  expect(same({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  for (const [a, b] of [
    [
      [1, 2],
      [2, 1],
    ],
    [{}, []],
    [{ a: 1 }, { b: 1 }],
    [null, {}],
    [1, '1'],
    [{ a: 1 }, { a: 1, b: 1 }],
  ] as const)
    expect([same(a, b), same(b, a)], JSON.stringify([a, b])).toEqual([false, false]);
});

describe('a set', () => {
  const keys = fc.constantFrom('release_f0', 'release_f1', 'release_new', 'constructor');
  const target = fc
    .record({ kind: fc.constantFrom('flag' as const, 'segment' as const), key: keys, from: fc.option(flagSet) })
    .map(({ kind, key, from }): Target => {
      if (kind === 'flag') return { kind, key, after: from === null ? null : flagOf(from) };
      return { kind, key, after: from === null ? null : (from.segments['one'] ?? null) };
    });

  it('is again what it was when its changes are taken back, to any of them', () => {
    fc.assert(
      fc.property(flagSet, fc.array(target, { maxLength: 8 }), fc.nat(8), (start, targets, to) => {
        const sets = [{ ...start, seq: 0 }];
        const changes = targets.map((one, index) => {
          const before = sets.at(-1) ?? start;
          sets.push({ ...setWith(before, [one]), seq: index + 1 });
          return { seq: index + 1, writes: [{ ...one, before: currentOf(before, one) }] };
        });
        const seq = Math.min(to, targets.length);
        const newest = sets.at(-1) ?? start;
        const back = rewound(newest, changes.slice(seq).toReversed(), seq);
        expect(same(back, sets[seq])).toBe(true);
      }),
    );
  });

  it('tells which flags a change turns on', () => {
    const on = { kind: 'flag', key: 'release_f0', after: { enabled: true } } as unknown as Target;
    const set = (enabled: boolean) => ({ flags: { release_f0: { enabled } }, segments: {} }) as unknown as FlagSet;
    expect(turnedOn(set(false), [on])).toEqual(['release_f0']);
    expect(turnedOn(set(true), [on])).toEqual([]);
    expect(turnedOn({ ...set(true), flags: {} }, [on])).toEqual([]);
    expect(turnedOn(set(false), [{ kind: 'flag', key: 'release_f0', after: null }])).toEqual([]);
  });
});
