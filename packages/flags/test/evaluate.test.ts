import { describe, expect, it } from 'vitest';
import { compile, type Context, type Evaluation, type Flag } from '../src/index.ts';
import { aFlag, aSet, flagFor, share } from './support.ts';

const pro = { attribute: 'plan', operator: 'eq', value: 'pro' } as const;

function evaluate(flag: Flag, context: Context = {}): Evaluation {
  return compile(aSet({ release_it: flag })).evaluate('release_it', context);
}

describe('the reason', () => {
  it('is STATIC where nothing could have made a difference', () => {
    expect(evaluate(aFlag())).toEqual({
      key: 'release_it',
      value: true,
      variant: 'on',
      reason: 'STATIC',
      rule: null,
      prerequisite: null,
      errorCode: null,
      errorMessage: null,
    });
  });

  it('is DISABLED while the flag is off, whatever its rules say', () => {
    expect(evaluate(flagFor(pro, { enabled: false }), { plan: 'pro' })).toMatchObject({ value: false, variant: 'off', reason: 'DISABLED' });
  });

  it('is TARGETING_MATCH, with the name of the rule, for the first rule that holds', () => {
    const rules = [
      { name: 'pros', when: pro, serve: { variant: 'on' } },
      { name: 'all', when: { not: pro }, serve: { variant: 'off' } },
    ];
    expect(evaluate(aFlag({ rules }), { plan: 'pro' })).toMatchObject({ value: true, reason: 'TARGETING_MATCH', rule: 'pros' });
    expect(evaluate(aFlag({ rules }), { plan: 'free' })).toMatchObject({ value: false, reason: 'TARGETING_MATCH', rule: 'all' });
  });

  it('is DEFAULT for whom no rule holds', () => {
    expect(evaluate(flagFor(pro), { plan: 'free' })).toMatchObject({ value: false, reason: 'DEFAULT', rule: null });
  });

  it('is SPLIT where buckets decided, and DEFAULT with `off` for who has no bucket', () => {
    expect(evaluate(aFlag({ default: share(100_000) }), { targetingKey: 'u' })).toMatchObject({ value: true, reason: 'SPLIT', rule: null });
    expect(evaluate(aFlag({ default: share(100_000) }), {})).toMatchObject({ value: false, variant: 'off', reason: 'DEFAULT' });
    const rules = [{ name: 'pros', when: pro, serve: share(100_000) }];
    expect(evaluate(aFlag({ rules }), { plan: 'pro', targetingKey: 'u' })).toMatchObject({ reason: 'SPLIT', rule: 'pros' });
  });
});

describe('prerequisites', () => {
  const requiring = (variants: readonly string[]): Flag => aFlag({ prerequisites: [{ flag: 'release_base', variants }] });

  it('serve `off` where another flag does not serve what they ask for', () => {
    const { evaluate } = compile(aSet({ release_it: requiring(['on']), release_base: flagFor(pro) }));
    expect(evaluate('release_it', { plan: 'pro' })).toMatchObject({ value: true, reason: 'DEFAULT', prerequisite: null });
    expect(evaluate('release_it', { plan: 'free' })).toMatchObject({ value: false, reason: 'DEFAULT', prerequisite: 'release_base' });
  });

  it('count what a flag serves while it is off', () => {
    const { boolean } = compile(aSet({ release_it: requiring(['off']), release_base: aFlag({ enabled: false }) }));
    expect(boolean('release_it', {}, false)).toBe(true);
  });

  it('break those that go in a circle, or need such a flag, and nothing else', () => {
    const flags = {
      a: aFlag({ prerequisites: [{ flag: 'b', variants: ['on'] }] }),
      b: aFlag({ prerequisites: [{ flag: 'a', variants: ['on'] }] }),
      c: aFlag({ prerequisites: [{ flag: 'b', variants: ['on'] }] }),
      d: aFlag(),
    };
    const { evaluate, problems, boolean } = compile(aSet(flags));
    expect(problems.map(({ flag }) => flag).toSorted()).toEqual(['a', 'b', 'c']);
    for (const key of ['a', 'b', 'c']) expect(evaluate(key, {})).toMatchObject({ reason: 'ERROR', errorCode: 'PARSE_ERROR' });
    expect(boolean('d', {}, false)).toBe(true);
  });

  it('are refused when they are too deep, however long the chain is', () => {
    const chain = (length: number): Record<string, Flag> =>
      Object.fromEntries(
        Array.from({ length }, (_, at) => [
          `f${at}`,
          aFlag(at + 1 < length ? { prerequisites: [{ flag: `f${at + 1}`, variants: ['on'] }] } : {}),
        ]),
      );
    expect(compile(aSet(chain(11))).problems).toEqual([]);
    expect(compile(aSet(chain(12))).problems.map(({ flag }) => flag)).toEqual(['f0']);
    expect(compile(aSet(chain(10_000))).problems).toHaveLength(10_000 - 11);
  });
});

describe('an answer of another type, or of nothing', () => {
  const flags = compile(aSet({ release_it: aFlag() }));

  it('is the default of the caller', () => {
    expect(flags.string('release_it', {}, 'mine')).toBe('mine');
    expect(flags.boolean('release_none', {}, true)).toBe(true);
    expect(flags.flag('release_none').boolean({}, true)).toBe(true);
    expect(flags.flag('release_it').number({}, 7)).toBe(7);
  });

  it('says in its details what was wrong', () => {
    expect(flags.stringDetails('release_it', {}, 'mine')).toMatchObject({ value: 'mine', reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
    expect(flags.booleanDetails('release_none', {}, true)).toMatchObject({ value: true, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
    expect(flags.booleanDetails('release_it', {}, false)).toMatchObject({ value: true, reason: 'STATIC', errorCode: null });
  });
});

it('serves JSON that nobody can change', () => {
  const flag = aFlag({ valueType: 'json', variants: { on: { list: [{ deep: 1 }] }, off: null } });
  const set = aSet({ release_it: flag });
  const { json } = compile(set);
  const value = json<{ readonly list: readonly { deep: number }[] }>('release_it', {}, { list: [] });
  expect(() => Object.assign(value.list[0] ?? {}, { deep: 2 })).toThrow(TypeError);
  expect(() => Array.prototype.push.call(value.list, 1)).toThrow(TypeError);
  expect(value).toEqual({ list: [{ deep: 1 }] });
  expect(Object.isFrozen(flag.variants['on'])).toBe(false);
});

describe('a client that hears nothing', () => {
  const set = aSet({ release_it: aFlag({ stale: { afterMs: 1_000 } }), release_other: aFlag() });

  it('serves `off` after the time its flags say, and only for those', () => {
    expect(compile(set).staleAfterMs).toEqual([1_000]);
    expect(compile(set, { silentForMs: 1_000 }).evaluate('release_it', {})).toMatchObject({ value: true });
    const silent = compile(set, { silentForMs: 1_001 });
    expect(silent.evaluate('release_it', {})).toMatchObject({ value: false, variant: 'off', reason: 'STALE' });
    expect(silent.boolean('release_other', {}, false)).toBe(true);
  });
});

describe('a pattern', () => {
  it('looks at texts of a length that users may not choose freely, and at no longer ones', () => {
    const flag = flagFor({ attribute: 'agent', operator: 'matches', value: 'x$' });
    const served = (length: number): unknown => evaluate(flag, { agent: 'x'.repeat(length) }).value;
    expect([served(2_000), served(2_001)]).toEqual([true, false]);
  });
});
