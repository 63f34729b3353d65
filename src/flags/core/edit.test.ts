import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { context, flagSet } from '../../../packages/flags/test/arbitraries.ts';
import { compile, validateFlag, type Flag } from '../evaluator.ts';
import { newFlag } from './draft.ts';
import { EVERYBODY, withoutRule, withRule, withShare, withSplit, withVariants } from './edit.ts';

const NOW = Date.UTC(2026, 10, 30);
const BESIDE = { flags: {}, segments: {} };

const draft = (changes: Partial<Parameters<typeof newFlag>[1]> = {}): Flag =>
  newFlag(
    'release_cart',
    {
      type: 'release',
      owner: 'shop',
      valueType: 'boolean',
      variants: {},
      off: null,
      serve: null,
      expiresAt: NOW + 1,
      name: '',
      description: '',
      tags: [],
      ...changes,
    },
    NOW,
  );

const serves = (flag: Flag, targetingKey: string): string | null =>
  compile({ format: 1, environment: 'dev', seq: 1, flags: { release_cart: { ...flag, enabled: true } }, segments: {} }).evaluate(
    'release_cart',
    { targetingKey, company: `of ${targetingKey}` },
  ).variant;

const weight = fc.integer({ min: 0, max: EVERYBODY });

describe('a new flag', () => {
  it('is valid, and off: everybody gets the safe variant', () => {
    const flag = draft();
    expect(validateFlag('release_cart', flag, BESIDE)).toEqual([]);
    expect(flag).toMatchObject({ enabled: false, off: 'off', default: { variant: 'on' }, salt: 'release_cart' });
  });

  it.each([
    [{ red: 'r', blue: 'b' }, null, null, 'red', 'red'],
    [{ red: 'r', blue: 'b' }, 'blue', null, 'blue', 'blue'],
    [{ red: 'r', blue: 'b' }, null, 'blue', 'red', 'blue'],
    [{ on: 'r', off: 'b' }, null, null, 'off', 'on'],
  ] as const)('%j, safe %s, serving %s: %s and %s', (variants, off, serve, safe, served) => {
    expect(draft({ valueType: 'string', variants, off, serve })).toMatchObject({ off: safe, default: { variant: served } });
  });
});

describe('a share', () => {
  it('only adds people when it is raised, and deals as it dealt before', () => {
    fc.assert(
      fc.property(
        weight,
        weight,
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (a, b, users, byCompany) => {
          const by = byCompany ? 'company' : null;
          const small = withShare(draft(), { weight: Math.min(a, b), variant: null, by });
          // Who deals by something goes on doing so without saying it again, also by way of nobody and everybody.
          const large = [0, EVERYBODY, Math.max(a, b)].reduce(
            (flag, next) => withShare(flag, { weight: next, variant: null, by: null }),
            small,
          );
          expect(validateFlag('release_cart', large, BESIDE)).toEqual([]);
          expect((large.default as { by?: string }).by).toBe(byCompany ? 'company' : undefined);
          for (const user of users) if (serves(small, user) === 'on') expect(serves(large, user)).toBe('on');
        },
      ),
    );
  });

  it('grows from where it is, whichever variant was dealt first and however that is said', () => {
    fc.assert(
      fc.property(weight, weight, fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }), (a, b, users) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        const shares = (on: number) => [
          { variant: 'off', weight: EVERYBODY - on },
          { variant: 'on', weight: on },
        ];
        const small = { ...draft(), default: { weights: shares(less) } };
        for (const large of [
          withShare(small, { weight: more, variant: null, by: null }),
          withSplit(small, shares(more).toReversed(), null),
        ]) {
          expect(large.default).toEqual({ weights: shares(more) });
          for (const user of users) if (serves(small, user) === 'on') expect(serves(large, user)).toBe('on');
        }
      }),
    );
  });

  it.each([
    [0, 'off'],
    [EVERYBODY, 'on'],
  ])('of %i is nobody or everybody', (share, variant) => {
    const flag = withShare(draft(), { weight: share, variant: null, by: null });
    for (let user = 0; user < 200; user++) expect(serves(flag, `user ${user}`)).toBe(variant);
  });

  it('says when it is not clear which variant is meant', () => {
    const flag = draft({ valueType: 'string', variants: { red: 'r', blue: 'b', green: 'g' } });
    expect(() => withShare(flag, { weight: 1, variant: null, by: null })).toThrow(/red, blue, green/);
    expect(withShare(flag, { weight: 1, variant: 'blue', by: null }).default).toMatchObject({
      weights: [{ variant: 'blue', weight: 1 }, {}],
    });
    const both = withSplit(
      flag,
      [
        { variant: 'red', weight: 1 },
        { variant: 'blue', weight: 0 },
        { variant: 'green', weight: 99_999 },
      ],
      null,
    );
    expect(() => withShare(both, { weight: 1, variant: null, by: null })).toThrow(/not clear/);
  });

  it('keeps a salt of its own', () => {
    const flag = { ...draft(), default: { weights: [{ variant: 'on', weight: EVERYBODY }], salt: 'shared' } };
    expect(withShare(flag, { weight: 7, variant: null, by: null }).default).toMatchObject({ salt: 'shared' });
  });
});

describe('rules', () => {
  const rule = (name: string, variant = 'on') => ({ name, when: { attribute: 'plan', operator: 'exists' as const }, serve: { variant } });
  const names = (flag: Flag): readonly string[] => flag.rules.map(({ name }) => name);
  const named = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 12 });

  it('are put where one of that name is, else last, first or before another; never twice', () => {
    fc.assert(
      fc.property(
        named,
        fc.constantFrom('a', 'b', 'c'),
        fc.constantFrom('usual' as const, 'front' as const, 'before' as const),
        (before, name, how) => {
          const flag = before.reduce((made, each) => withRule(made, rule(each), { at: 'usual' }), draft());
          const kept = names(flag).filter((one) => one !== name);
          expect(names(flag)).toEqual([...new Set(before)]);
          const [target = ''] = kept;
          if (how === 'before' && target === '') return;
          const after = withRule(flag, rule(name, 'off'), how === 'before' ? { before: target } : { at: how });
          // Nobody else changed places.
          expect(names(after).filter((one) => one !== name)).toEqual(kept);
          expect(after.rules.filter((one) => one.name === name)).toEqual([rule(name, 'off')]);
          const expected = how === 'usual' ? (names(flag).includes(name) ? names(flag).indexOf(name) : kept.length) : 0;
          expect(names(after).indexOf(name)).toBe(expected);
          expect(names(withoutRule(after, name))).toEqual(kept);
        },
      ),
    );
  });

  it('that are not there are refused with those that are', () => {
    const flag = withRule(draft(), rule('a'), { at: 'usual' });
    for (const act of [() => withoutRule(flag, 'b'), () => withRule(flag, rule('b'), { before: 'x' })])
      expect(act).toThrow('There is no rule');
    expect(() => withoutRule(flag, 'b')).toThrow(expect.objectContaining({ code: 'not_found', hint: 'The flag has a.' }));
  });
});

it('variants are added, changed and taken away', () => {
  expect(withVariants(draft(), [['third', true]], ['off']).variants).toEqual({ on: true, third: true });
  expect(() => withVariants(draft(), [], ['third'])).toThrow(/There is no variant third/);
});

it('nothing of it changes what was given', () => {
  fc.assert(
    fc.property(flagSet, context, ({ flags }, _context) => {
      const [flag] = Object.values(flags);
      if (flag === undefined) return;
      const before = JSON.stringify(flag);
      withShare(flag, { weight: 5, variant: 'on', by: null });
      withRule(flag, { name: 'x', when: { segment: 'one' }, serve: { variant: 'on' } }, { at: 'front' });
      withVariants(flag, [['on', 'x']], []);
      expect(JSON.stringify(flag)).toBe(before);
    }),
    { numRuns: 20 },
  );
});
