import fc from 'fast-check';
import { Strategy } from 'unleash-client';
import { describe, expect, it } from 'vitest';
import { compileFlags, importUnleash, type FlagValue } from '../../src/flags/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';

const defaults = { type: 'release', owner: 'shop', createdAt: '2026-11-30T00:00:00.000Z', expiresAt: '2027-03-01T00:00:00.000Z' } as const;
/** The real one, whose answer is that of its constraints. */
const strategy = new Strategy('any', true);

interface Asked {
  readonly operator: string;
  readonly value: JsonValue;
  readonly inverted: boolean;
  /** Of the context; undefined: it has none. */
  readonly it: FlagValue | undefined;
}

const there = ({ it: given, ...constraint }: Asked): boolean =>
  strategy.checkConstraint(
    { contextName: 'it', values: [], caseInsensitive: false, ...constraint } as never,
    { properties: { it: given } } as never,
  );

/** What the imported flag answers; null: it was left out. */
function here({ it: given, ...constraint }: Asked): boolean | null {
  const constraints: JsonObject[] = [{ contextName: 'it', values: [], ...constraint }];
  const document = {
    features: [{ name: 'f', type: 'release', enabled: true, strategies: [{ name: 'default', parameters: {}, constraints }] }],
  };
  const { flags, segments } = importUnleash(document, defaults);
  if (flags['release_f'] === undefined) return null;
  const set = { format: 1, environment: 'dev', seq: 0, flags, segments } as const;
  return compileFlags(set).boolean('release_f', given === undefined ? {} : { it: given }, false);
}

const numbers = fc.constantFrom('NUM_EQ', 'NUM_LT', 'NUM_LTE', 'NUM_GT', 'NUM_GTE');
const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true }), fc.constantFrom(0, -0, 18, 20.5, 1e21, 2 ** 53));
const numeric = fc.oneof(
  number.map(String),
  number,
  fc.constantFrom<JsonValue>(
    '',
    ' ',
    ' 18 ',
    '0x10',
    '1e3',
    '1_000',
    '18,5',
    'x',
    '٣',
    'Infinity',
    null,
    true,
    false,
    [],
    ['3'],
    [1, 2],
    {},
  ),
);

const identifier = fc.constantFrom('0', '1', '10', 'a', 'b', 'alpha', 'rc-1', '-', '9007199254740993');
const part = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(10, 99_999)).map(String);
const strict = fc
  .tuple(part, part, part, fc.array(identifier, { maxLength: 3 }), fc.array(identifier, { maxLength: 2 }))
  .map(
    ([one, two, three, before, build]) =>
      `${one}.${two}.${three}${before.length > 0 ? `-${before.join('.')}` : ''}${build.length > 0 ? `+${build.join('.')}` : ''}`,
  );
const none = fc.constantFrom('', 'x', '1.2.3.4', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3+', '1.2.3-a..b', '1.2.x', '=1.2.3', 'V1.2.3');
const versions = fc.constantFrom('SEMVER_EQ', 'SEMVER_LT', 'SEMVER_LTE', 'SEMVER_GT', 'SEMVER_GTE');
const version = fc.oneof(
  strict,
  none,
  strict.map((text) => `v${text}`),
  strict.map((text) => ` ${text} `),
  fc.constantFrom<JsonValue>('1', '1.2', 'v2', null, 5, ['1.2.3']),
);

describe('a constraint of Unleash, carried over, answers what unleash-client answers', () => {
  it('for numbers', () => {
    let compared = 0;
    const asked = fc.record({ operator: numbers, value: numeric, inverted: fc.boolean(), it: fc.option(number, { nil: undefined }) });
    fc.assert(
      fc.property(asked, (one) => {
        const answer = here(one);
        // A bound that has no end is the one that is left out.
        expect(answer === null).toBe(Math.abs(Number(one.value)) === Number.POSITIVE_INFINITY);
        if (answer === null) return;
        compared += 1;
        expect(answer).toBe(there(one));
      }),
      { numRuns: 2_000 },
    );
    expect(compared).toBeGreaterThan(1_500);
  });

  it('for versions', () => {
    // Of one or two parts, with a v or with blanks, a version of the context is told apart on purpose, and said so.
    const asked = fc.record({
      operator: versions,
      value: version,
      inverted: fc.boolean(),
      it: fc.option(fc.oneof(strict, none), { nil: undefined }),
    });
    fc.assert(
      fc.property(asked, (one) => {
        // What is no version is in what is inverted there, and in neither here: told, and in the cases of unleash.test.ts.
        const isVersion = one.it === undefined || there({ it: one.it, value: one.it, operator: 'SEMVER_EQ', inverted: false });
        if (!one.inverted || isVersion) expect(here(one)).toBe(there(one));
      }),
      { numRuns: 2_000 },
    );
  });
});
