import { describe, expect, it } from 'vitest';
import { compile, validate, validateFlag, validateSegment, type Condition, type Flag } from '../src/index.ts';
import { aFlag, aSet, flagFor, share } from './support.ts';

/** Paths and messages of what is wrong with a flag that differs from a right one by these parts. */
function problemsOf(parts: Readonly<Record<string, unknown>>, key = 'release_it'): readonly string[] {
  const flag = { ...aFlag(), ...parts } as unknown;
  const set = {
    ...aSet({}),
    flags: { [key]: flag },
    segments: { beta: { description: '', when: { attribute: 'beta', operator: 'exists' } } },
  };
  return validate(set).map(({ path, message }) => `${path}: ${message}`);
}

const ofCondition = (when: unknown): readonly string[] => problemsOf({ rules: [{ name: 'it', when, serve: { variant: 'on' } }] });

/** One problem, at this place below the flag, saying this. */
function expectOne(problems: readonly string[], path: string, message: RegExp): void {
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^flags\\.release_it${path.replaceAll(/[.[\]]/g, '\\$&')}: `));
  expect(problems[0]).toMatch(message);
}

it('finds nothing wrong with what is right', () => {
  expect(problemsOf({})).toEqual([]);
  expect(problemsOf({ default: share(33_333), stale: { afterMs: 60_000 } })).toEqual([]);
});

describe('a comparison', () => {
  it.each<[unknown, string, RegExp]>([
    [{ operator: 'eq', value: null }, '.value', /string, a number or a boolean/],
    [{ operator: 'eq', value: [1] }, '.value', /string, a number or a boolean/],
    [{ operator: 'lt', value: '5' }, '.value', /must be a number/],
    [{ operator: 'gte', value: Number.NaN }, '.value', /must be a number/],
    [{ operator: 'in', values: [] }, '.values', /1 to 10000 elements/],
    [{ operator: 'in', values: ['a', 1] }, '.values', /one type/],
    [{ operator: 'in', values: 'a' }, '.values', /must be a list/],
    [{ operator: 'contains', value: '' }, '.value', /empty/],
    [{ operator: 'startsWith', values: ['a', ''] }, '.values[1]', /empty/],
    [{ operator: 'startsWith', values: ['a'], ignoreCase: 1 }, '.ignoreCase', /true or false/],
    [{ operator: 'matches', value: '(?=a)' }, '.value', /linear time/],
    [{ operator: 'matches', value: '((a{50}){50}){50}' }, '.value', /repeats too much/],
    [{ operator: 'semverGt', value: '1.2.3.4' }, '.value', /no version/],
    [{ operator: 'semverGt', value: 2 }, '.value', /must be a string/],
    [{ operator: 'before', value: '2026-11-30' }, '.value', /no instant with a zone/],
    [{ operator: 'after', value: 'soon' }, '.value', /no instant with a zone/],
    [{ operator: 'like', value: 'a' }, '.operator', /must be one of exists/],
    [{ operator: 'constructor', value: 'a' }, '.operator', /must be one of exists/],
    [{ operator: 'exists', value: 'a' }, '.value', /not known here/],
    [{ operator: 'eq', values: ['a'], value: 'a' }, '.values', /not known here/],
    [{ operator: 'eq' }, '', /lacks "value"/],
    [{ operator: 'exists', attribute: 'a..b' }, '.attribute', /no path/],
    [{ operator: 'exists', attribute: '' }, '.attribute', /empty/],
    [{ operator: 'eq', value: '\ud800' }, '.value', /half a surrogate pair/],
  ])('%j is refused at %s', (parts, path, message) => {
    expectOne(ofCondition({ attribute: 'a', ...(parts as object) }), `.rules[0].when${path}`, message);
  });
});

describe('a condition', () => {
  const nested = (depth: number): Condition => (depth === 0 ? { attribute: 'a', operator: 'exists' } : { not: nested(depth - 1) });

  it.each<[unknown, string, RegExp]>([
    [{}, '', /must have one of attribute/],
    [null, '', /must be a condition/],
    [{ all: [] }, '.all', /1 to 500 elements/],
    [{ any: [{ all: 5 }] }, '.any[0].all', /must be a list/],
    [{ not: nested(1), any: [nested(0)] }, '.any', /not known here/],
    [{ segment: 'none' }, '.segment', /segment "none", which is not there/],
    [{ percentage: 50.5 }, '.percentage', /whole number from 0 to 100000/],
    [{ percentage: 100_001 }, '.percentage', /whole number from 0 to 100000/],
    [{ percentage: 1, by: 'a..b' }, '.by', /no path/],
    [nested(17), '.not'.repeat(17), /groups deep/],
  ])('%j is refused at %s', (when, path, message) => {
    expectOne(ofCondition(when), `.rules[0].when${path}`, message);
  });

  it('may use segments, and be as deep as sixteen groups', () => {
    expect(ofCondition({ segment: 'beta' })).toEqual([]);
    expect(ofCondition(nested(16))).toEqual([]);
  });
});

describe('a flag', () => {
  it.each<[Readonly<Record<string, unknown>>, string, RegExp]>([
    [{ enabled: 'yes' }, '.enabled', /true or false/],
    [{ valueType: 'text' }, '.valueType', /must be one of boolean/],
    [
      { variants: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [at < 2 ? ['on', 'off'][at] : `v${at}`, true])) },
      '.variants',
      /1 to 100 entries/,
    ],
    [{ variants: { on: 1, off: false } }, '.variants.on', /must be a boolean/],
    [{ valueType: 'number', variants: { on: 1, off: Infinity } }, '.variants.off', /must be a number/],
    [{ valueType: 'json', variants: { on: [undefined], off: null } }, '.variants.on[0]', /must be JSON/],
    [{ variants: { on: true, off: false, '': true } }, '.variants[""]', /letters, digits/],
    [{ off: 'none' }, '.off', /variant "none"/],
    [{ off: 'toString' }, '.off', /variant "toString"/],
    [{ default: { variant: 'none' } }, '.default.variant', /variant "none"/],
    [
      {
        default: {
          weights: [
            { variant: 'on', weight: -1 },
            { variant: 'off', weight: 1 },
          ],
        },
      },
      '.default.weights[0].weight',
      /whole number/,
    ],
    [
      { default: { weights: [{ variant: 'on', weight: 99_999 }] } },
      '.default.weights',
      /sum up to 100000 \(100 %\), and sum up to 99999 \(99.999 %\)/,
    ],
    [{ default: { weights: [{ variant: 'none', weight: 100_000 }] } }, '.default.weights[0].variant', /variant "none"/],
    [{ default: {} }, '.default', /lacks "weights"/],
    [{ prerequisites: [{ flag: 'release_none', variants: ['on'] }] }, '.prerequisites[0].flag', /flag "release_none"/],
    [{ salt: '' }, '.salt', /empty/],
    [{ hash: 2 }, '.hash', /must be 1/],
    [{ stale: { afterMs: 10 } }, '.stale.afterMs', /whole number from 1000/],
    [{ extra: 1 }, '.extra', /not known here/],
    [{ about: { ...aFlag().about, owner: '' } }, '.about.owner', /empty/],
    [{ about: { ...aFlag().about, expiresAt: null } }, '.about.expiresAt', /when a flag of the type release should be gone/],
    [{ about: { ...aFlag().about, expiresAt: 'soon' } }, '.about.expiresAt', /instant/],
    [{ rules: [flagFor({ segment: 'beta' }).rules[0], flagFor({ segment: 'beta' }).rules[0]] }, '.rules[1].name', /another rule/],
    [{ valueType: 'string', variants: { on: 'x'.repeat(300_000), off: '' } }, '', /larger than 256 KiB/],
    [{ valueType: 'string', variants: { on: '\ud800', off: '' } }, '.variants.on', /half a surrogate pair/],
    [{ valueType: 'string', variants: { on: 'a\0', off: '' } }, '.variants.on', /NUL/],
    [{ valueType: 'json', variants: { on: { a: ['\udfff'] }, off: null } }, '.variants.on.a[0]', /half a surrogate pair/],
    [{ about: { ...aFlag().about, description: 'a\0b' } }, '.about.description', /NUL/],
  ])('with %j is refused at %s', (parts, path, message) => {
    expectOne(problemsOf(parts), path, message);
  });

  it.each(['it', 'release', 'release_', 'release_It', 'release__it', 'ops_it', 'release_it!', `release_${'x'.repeat(100)}`])(
    'is not named %s',
    (key) => {
      expect(problemsOf({}, key)).toHaveLength(1);
    },
  );

  it.each(['release_new-checkout', 'release_checkout_v2', 'release_a_b_c-d'])('may be named %s', (key) => {
    expect(problemsOf({}, key)).toEqual([]);
  });

  it.each(['ops', 'permission'])('of the type %s may stay for ever', (type) => {
    expect(problemsOf({ type, about: { ...aFlag().about, expiresAt: null } }, `${type}_it`)).toEqual([]);
  });

  it.each(['\0', '\ud800'])('with a JSON value that has the name %j is refused', (name) => {
    const problems = problemsOf({ valueType: 'json', variants: { on: { [name]: 1 }, off: null } });
    expect(problems).toEqual([expect.stringMatching(/^flags\.release_it\.variants\.on\[.*no character/)]);
  });

  it('that holds itself is refused, not followed for ever', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(problemsOf({ valueType: 'json', variants: { on: value, off: null } })).toContainEqual(expect.stringMatching(/holds itself/));
  });
});

describe('circles', () => {
  const requires = (...flags: readonly string[]): Flag => aFlag({ prerequisites: flags.map((flag) => ({ flag, variants: ['on'] })) });

  it('of prerequisites are refused, and shown', () => {
    const set = aSet({
      release_a: requires('release_b'),
      release_b: requires('release_c'),
      release_c: requires('release_a'),
      release_d: aFlag(),
    });
    expect(validate(set)).toContainEqual({
      path: 'flags.release_a',
      message: 'requires itself: release_a requires release_b requires release_c requires release_a',
    });
    expect(validate(set).map(({ path }) => path)).not.toContain('flags.release_d');
  });

  it('are told although something else is wrong by itself; what leans on that is not', () => {
    const broken = { ...aFlag(), off: 'nobody' };
    const set = aSet({
      release_a: requires('release_b'),
      release_b: requires('release_a'),
      release_broken: broken,
      release_leans: requires('release_broken'),
      release_closes: requires('release_other', 'release_broken'),
      release_other: requires('release_closes'),
    });
    expect(validate(set).map(({ path }) => path)).toEqual(['flags.release_broken.off', 'flags.release_a', 'flags.release_b']);
    const inside = (name: string) => ({ description: '', when: { any: [{ segment: name }] } });
    const segments = { a: inside('b'), b: inside('a'), broken: { description: '', when: {} }, leans: inside('broken') };
    const paths = validate(aSet({ release_a: flagFor({ segment: 'leans' }) }, segments as never)).map(({ path }) => path);
    expect(paths).toEqual(['segments.broken.when', 'segments.a', 'segments.b']);
  });

  it('are refused for the flag that would close one', () => {
    const beside = aSet({ release_a: requires('release_b'), release_b: aFlag() });
    expect(validateFlag('release_b', requires('release_a'), beside)).toContainEqual({
      path: 'flags.release_b',
      message: 'requires itself: release_b requires release_a requires release_b',
    });
    expect(validateFlag('release_b', aFlag({ enabled: false }), beside)).toEqual([]);
    expect(validateFlag('release_b', requires('release_b'), beside)).toHaveLength(1);
  });

  it('of segments are refused', () => {
    const segment = (name: string) => ({ description: '', when: { all: [{ segment: name }] } });
    const problems = validate(
      aSet({}, { a: segment('b'), b: segment('a'), c: { description: '', when: { attribute: 'x', operator: 'exists' } } }),
    );
    expect(problems.map(({ path }) => path)).toEqual(['segments.a', 'segments.b']);
    expect(validateSegment('a', segment('a'), aSet({}))).toContainEqual({
      path: 'segments.a',
      message: expect.stringMatching(/within itself/),
    });
  });
});

it('refuses conditions that cost too much once their segments are written out', () => {
  const both = (name: string, value: string): Condition => ({ all: [{ segment: name }, { attribute: 'x', operator: 'ne', value }] });
  const tripling = Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [
      `s${at}`,
      {
        description: '',
        when:
          at === 0 ? { attribute: 'x', operator: 'exists' as const } : { any: ['a', 'b', 'c'].map((value) => both(`s${at - 1}`, value)) },
      },
    ]),
  );
  const set = aSet({ release_it: flagFor({ segment: 's9' }) }, tripling);
  expect(validate(set)).toContainEqual({ path: 'flags.release_it', message: expect.stringMatching(/more than 10000 comparisons/) });
  expect(compile(set).evaluate('release_it', {}).errorCode).toBe('PARSE_ERROR');
});

it('allows the same depth, in whatever order segments are met', () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => [
        `s${at}`,
        { description: '', when: at === 0 ? { attribute: 'x', operator: 'exists' as const } : { segment: `s${at - 1}` } },
      ]),
    );
  const flags = (length: number, order: readonly number[]) =>
    compile(aSet(Object.fromEntries(order.map((at) => [`release_f${at}`, flagFor({ segment: `s${at}` })])), chain(length)));
  const upwards = Array.from({ length: 40 }, (_, at) => at);
  const wrong = flags(40, upwards).problems.map(({ flag }) => flag);
  expect(wrong).toEqual(upwards.slice(31).map((at) => `release_f${at}`));
  expect(
    flags(40, upwards.toReversed())
      .problems.map(({ flag }) => flag)
      .toReversed(),
  ).toEqual(wrong);
});
