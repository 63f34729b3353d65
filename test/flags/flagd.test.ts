import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFlags, exportFlagd, importFlagd, type FlagValue } from '../../src/flags/index.ts';
import { refuseInvalid } from '../../src/flags/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { flagSets } from '../support/flags.ts';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };
const defaults = { type: 'release' as const, owner: 'team', createdAt: '2026-11-30T00:00:00.000Z', expiresAt: '2027-03-31T00:00:00.000Z' };
const EMPTY = { format: 1 as const, environment: 'prd', seq: 0, flags: {}, segments: {} };

type Evaluate = NonNullable<ReturnType<FlagdCore['getFlag']>>['evaluate'];

/** What flagd answers: the value of every flag that has one. */
function flagd(document: JsonObject): (key: string, context: Record<string, FlagValue>) => FlagValue | undefined {
  const core = new FlagdCore(undefined, silent);
  core.setConfigurations(JSON.stringify(document));
  return (key, context) => core.getFlag(key)?.evaluate(context as Parameters<Evaluate>[0], silent).value;
}

/** Contexts whose attributes are missing or of the one type that each has. */
const contexts = fc.record(
  {
    targetingKey: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' }),
    plan: fc.constantFrom('pro', 'free', 'x', ''),
    country: fc.constantFrom('AT', 'DE', 'on', 'no'),
    age: fc.oneof(fc.integer({ min: -10, max: 100 }), fc.constant(0.5)),
    version: fc.constantFrom('1.2.3', '2.0.0', 'v2.1', '3.0.0-rc.1', '3', '10.0.1'),
    beta: fc.boolean(),
    tags: fc.array(fc.constantFrom('pro', 'AT', 'x'), { maxLength: 3 }),
    user: fc.record({ email: fc.constantFrom('a@example.com', 'x') }, { requiredKeys: [], noNullPrototype: true }),
  },
  { requiredKeys: [] },
);

/** Of whatever type: what does not fit is to match nothing there either. */
const anything: fc.Arbitrary<FlagValue> = fc.oneof(
  fc.constantFrom('pro', 'AT', 'x', '', '5', 'true', '1.2.3'),
  fc.oneof(fc.integer({ min: -10, max: 100 }), fc.constantFrom(0, -0, 0.5, 1e21)),
  fc.constantFrom(true, false, null),
  fc.array(fc.constantFrom('pro', 'AT', 5, true), { maxLength: 3 }),
  fc.record({ email: fc.constantFrom('a@example.com', 'x', 5) }, { requiredKeys: [], noNullPrototype: true }),
);
const ODD = ['targetingKey', 'plan', 'country', 'age', 'version', 'beta', 'tags', 'user'];
const oddContexts = fc
  .tuple(contexts, fc.dictionary(fc.constantFrom(...ODD), anything, { maxKeys: 4 }))
  .map(([usual, odd]): Record<string, FlagValue> => ({ ...usual, ...odd }));

const v = (name: string): JsonValue => ({ var: name });
/** Conditions of flagd over attributes of the type each has; `<` guarded, since a missing attribute is 0 there. */
const leaf: fc.Arbitrary<JsonValue> = fc.oneof(
  fc
    .tuple(fc.constantFrom('==', '===', '!=', '!=='), fc.constantFrom('plan', 'country', 'user.email'), fc.constantFrom('pro', 'AT', 'x'))
    .map(([op, name, to]) => ({ [op]: [v(name), to] })),
  fc.tuple(fc.constantFrom('===', '!=='), fc.constantFrom('plan', 'age')).map(([op, name]) => ({ [op]: [v(name), null] })),
  fc.constantFrom<JsonValue>({ '==': [true, v('beta')] }, { '!': [v('beta')] }, v('beta'), { missing: ['plan', 'age'] }, true, false),
  fc.tuple(fc.constantFrom('plan', 'country'), fc.subarray(['pro', 'AT', 'on'])).map(([name, list]) => ({ in: [v(name), list] })),
  fc.constantFrom<JsonValue>({ in: ['pro', v('tags')] }, { in: ['r', v('plan')] }, { '==': [{ var: ['plan', 'pro'] }, 'pro'] }),
  fc
    .tuple(fc.constantFrom('<', '<=', '>', '>='), fc.integer({ min: 0, max: 60 }))
    .map(([op, n]) => ({ and: [{ '!==': [v('age'), null] }, { [op]: [v('age'), n] }] })),
  fc
    .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 30, max: 60 }))
    .map(([a, b]) => ({ and: [{ '!==': [v('age'), null] }, { '<=': [a, v('age'), b] }] })),
  fc
    .tuple(fc.constantFrom('starts_with', 'ends_with'), fc.constantFrom('p', 'ro', 'AT'))
    .map(([op, part]) => ({ [op]: [v('plan'), part] })),
  fc
    .tuple(fc.constantFrom('=', '<', '<=', '>', '>=', '^', '~'), fc.constantFrom('1.2.3', '2.0.0', '3.0.0', '2.1'))
    .map(([op, to]) => ({ sem_ver: [v('version'), op, to] })),
);
const { condition } = fc.letrec<{ condition: JsonValue }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc
      .tuple(fc.constantFrom('and', 'or'), fc.array(tie('condition'), { minLength: 1, maxLength: 3 }))
      .map(([op, list]) => ({ [op]: list })),
    tie('condition').map((one) => ({ if: [one, true, { '==': [v('plan'), 'pro'] }] })),
    fc.constant({ $ref: 'isPro' }),
  ),
}));
const variant = fc.constantFrom('a', 'b', 'c');
const fractional: fc.Arbitrary<JsonValue> = fc
  .tuple(fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 1 }), fc.infiniteStream(fc.constantFrom(1, 2, 5, 25, 50)))
  .filter(([names]) => names.length > 0)
  .map(([names, weights]) => {
    const list = names.slice(0, -1).map((name): readonly [string, number] => [name, weights.next().value as number]);
    const rest = 100 - list.reduce((sum, [, weight]) => sum + weight, 0);
    return { fractional: [...list, [names.at(-1) ?? 'a', rest]] };
  });
const { targeting } = fc.letrec<{ targeting: JsonValue }>((tie) => ({
  targeting: fc.oneof(
    { maxDepth: 2 },
    fc.oneof<fc.Arbitrary<JsonValue>[]>(variant, fc.constant(null), fractional),
    fc.tuple(condition, tie('targeting'), tie('targeting')).map((parts) => ({ if: parts })),
    fc.tuple(condition, variant).map((parts) => ({ if: parts })),
    fc.tuple(condition, variant, condition, tie('targeting'), variant).map((parts) => ({ if: parts })),
  ),
}));

describe('a flagd document', () => {
  it('answers here what it answers there, buckets too, for attributes of the type that is asked for', () => {
    let carried = 0;
    fc.assert(
      fc.property(targeting, fc.array(contexts, { minLength: 5, maxLength: 20 }), (logic, people) => {
        const flag = {
          state: 'ENABLED',
          variants: { a: 'A', b: 'B', c: 'C' },
          defaultVariant: 'c',
          ...(logic === null || typeof logic === 'string' ? {} : { targeting: logic }),
        };
        const document = {
          flags: { 'release_my-flag': flag },
          $evaluators: { isPro: { '==': [v('plan'), 'pro'] } },
        } as unknown as JsonObject;
        const { flags, segments, told } = importFlagd(document, defaults);
        expect(told.filter(({ kind }) => kind === 'left-out')).toEqual([]);
        const set = { ...EMPTY, flags, segments };
        refuseInvalid(EMPTY, set);
        const [there, here] = [flagd(document), compileFlags(set)];
        for (const context of people) expect(here.evaluate('release_my-flag', context).value).toEqual(there('release_my-flag', context));
        carried++;
      }),
      { numRuns: 600 },
    );
    expect(carried).toBeGreaterThan(500);
  });

  it.each([
    ['renamed', { variants: { on: true, off: false }, defaultVariant: 'off' }, 'renamed', 'is called release_new-welcome here'],
    ['no default variant', { variants: { on: true } }, 'left-out', 'has no default variant'],
    [
      'the time',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '>': [v('$flagd.timestamp'), 5] }, 'on'] } },
      'left-out',
      'asks for the time',
    ],
    [
      'arithmetic',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '==': [{ '%': [v('age'), 2] }, 0] }, 'on'] } },
      'left-out',
      'compares two things of which none is an attribute',
    ],
    [
      'an unknown operator',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ some: [v('a'), true] }, 'on'] } },
      'left-out',
      'uses some, for which there is nothing here',
    ],
    [
      'an evaluator that is not there',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ $ref: 'x' }, 'on'] } },
      'left-out',
      'uses the evaluator x, which is not there',
    ],
    [
      'a variant that is not there',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [true, 'x'] } },
      'left-out',
      'serves "x", which is no variant of it',
    ],
    [
      'a missing number',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '<': [v('age'), 5] }, 'on'] } },
      'differs',
      'a context without age is not compared here; there it counts as 0',
    ],
    [
      'a shared bucket',
      { variants: { on: true, off: false }, defaultVariant: 'off', targeting: { fractional: [v('org'), ['on', 1], ['off', 1]] } },
      'differs',
      'is dealt anew',
    ],
    [
      'thirds',
      {
        variants: { on: true, off: false, x: true },
        defaultVariant: 'off',
        targeting: {
          fractional: [
            ['on', 1],
            ['off', 1],
            ['x', 1],
          ],
        },
      },
      'differs',
      'shares are rounded',
    ],
    [
      'off',
      { state: 'DISABLED', variants: { on: true, off: false }, defaultVariant: 'off' },
      'differs',
      'while it is off everybody gets off here',
    ],
  ])('tells of %s', (_what, flag, kind, message) => {
    const { flags, told } = importFlagd({ flags: { newWelcome: { state: 'ENABLED', ...flag } } }, defaults);
    expect(told).toContainEqual({ flag: 'newWelcome', kind, message: expect.stringContaining(message) });
    expect(Object.keys(flags)).toEqual(kind === 'left-out' ? [] : ['release_new-welcome']);
  });

  it('is no crash, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue(), (logic, more) => {
        const flag = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: logic };
        const { told, flags } = importFlagd({ flags: { a: flag, b: more } } as unknown as JsonObject, defaults);
        expect(told.length + Object.keys(flags).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('an export to flagd', () => {
  it('answers there what is answered here, buckets too, for attributes of whatever type', () => {
    let compared = 0;
    fc.assert(
      fc.property(flagSets(), fc.array(oddContexts, { minLength: 5, maxLength: 20 }), (set, people) => {
        const { document, told } = exportFlagd(set);
        const left = new Set(told.filter(({ kind }) => kind === 'left-out').map(({ flag }) => flag));
        const [there, here] = [flagd(document), compileFlags(set)];
        for (const key of Object.keys(set.flags)) {
          const expected = left.has(key) ? [] : people.map((context) => here.evaluate(key, context).value);
          if (!left.has(key)) expect(people.map((context) => there(key, context))).toEqual(expected);
          compared += expected.length;
        }
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  it('carries prerequisites and a flag that is off, and tells what flagd has nothing for', () => {
    const flag = (changes: object) => ({
      ...(importFlagd({ flags: { release_a: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' } } }, defaults)
        .flags['release_a'] as object),
      ...changes,
    });
    const flags = {
      release_a: flag({ default: { variant: 'on' } }),
      release_b: flag({ default: { variant: 'on' }, prerequisites: [{ flag: 'release_a', variants: ['on'] }] }),
      release_c: flag({ default: { variant: 'on' }, prerequisites: [{ flag: 'release_d', variants: ['on'] }] }),
      release_d: flag({ enabled: false, default: { variant: 'on' } }),
      release_f: flag({
        rules: [
          {
            name: 'r',
            when: {
              all: [
                { attribute: 'tags', operator: 'contains', value: 'x' },
                { attribute: 'age', operator: 'gte', value: 0 },
              ],
            },
            serve: { variant: 'on' },
          },
        ],
      }),
      release_e: flag({ rules: [{ name: 'r', when: { attribute: 'a', operator: 'matches', value: 'x' }, serve: { variant: 'on' } }] }),
    };
    const { document, told } = exportFlagd({ ...EMPTY, flags } as never);
    const there = flagd(document);
    expect(['a', 'b', 'c', 'd'].map((name) => there(`release_${name}`, {}))).toEqual([true, true, false, false]);
    expect(
      [{ tags: ['x'], age: 0 }, { tags: ['y'], age: 1 }, { tags: 'axb', age: -1 }, { age: 3 }, { tags: ['x'] }].map((context) =>
        there('release_f', context),
      ),
    ).toEqual([true, false, false, false, false]);
    expect(told).toEqual([
      { flag: 'release_d', kind: 'differs', message: expect.stringContaining('is ENABLED there') },
      { flag: 'release_e', kind: 'left-out', message: 'compares by matches, for which flagd has nothing' },
    ]);
  });
});
