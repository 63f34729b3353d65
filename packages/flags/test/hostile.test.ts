import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, explain, validate, type Context, type FlagSet } from '../src/index.ts';
import { condition, flagSet } from './arbitraries.ts';
import { aFlag, aSet, flagFor } from './support.ts';

const throwing = (): never => {
  throw new Error('mine');
};
const PROXY = new Proxy({}, { get: throwing, getOwnPropertyDescriptor: throwing, has: throwing, ownKeys: throwing });
const GETTERS = Object.defineProperties(
  {},
  { plan: { get: throwing }, targetingKey: { get: throwing }, user: { get: throwing } },
) as Context;
const CIRCLE: Record<string, unknown> = { targetingKey: 'u', plan: 'pro' };
CIRCLE['user'] = CIRCLE;
const HUGE: Context = {
  targetingKey: 'é'.repeat(1_000_000),
  plan: 'a'.repeat(1_000_000),
  version: '1'.repeat(1_000_000),
  tags: Object.assign([], { length: 4_294_967_295 }),
};

/** Behind functions: the library of this test would look at a proxy. */
const HOSTILE: readonly unknown[] = [PROXY, GETTERS, CIRCLE, HUGE, null, undefined, 5, 'text', Symbol('s'), () => 1];

const hostile: fc.Arbitrary<() => Context> = fc.oneof(
  fc.nat({ max: HOSTILE.length - 1 }).map((index) => () => HOSTILE[index] as Context),
  fc
    .anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true })
    .map((value) => () => value as Context),
  fc
    .dictionary(fc.constantFrom('plan', 'age', 'user', 'tags', 'version', 'when', 'targetingKey'), fc.anything())
    .map((value) => () => value),
);

describe('no evaluation throws', () => {
  it('for any context', () => {
    fc.assert(
      fc.property(flagSet, hostile, (set, make) => {
        const given = make();
        const flags = compile(set);
        for (const key of flags.keys) {
          expect(typeof flags.string(key, given, 'mine')).toBe('string');
          expect(flags.boolean(key, given, true)).toBe(true);
          expect(['GENERAL', null]).toContain(flags.evaluate(key, given).errorCode);
          expect(flags.stringDetails(key, given, 'mine').value).toBe(flags.flag(key).string(given, 'mine'));
          expect(explain(set, key, given).evaluation.value).toEqual(flags.evaluate(key, given).value);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('for any key', () => {
    const flags = compile(aSet({ release_it: aFlag() }));
    const keys = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', ''), fc.anything());
    fc.assert(
      fc.property(keys, (key) => {
        expect(flags.boolean(key as string, {}, true)).toBe(true);
        expect(flags.evaluate(key as string, {}).errorCode).toBe('FLAG_NOT_FOUND');
      }),
    );
  });

  it('but says that reading the context failed', () => {
    const flags = compile(aSet({ release_it: flagFor({ attribute: 'plan', operator: 'eq', value: 'pro' }) }));
    for (const given of [PROXY, GETTERS]) {
      expect(flags.booleanDetails('release_it', given, true)).toMatchObject({ value: true, reason: 'ERROR', errorCode: 'GENERAL' });
    }
  });
});

describe('what objects inherit', () => {
  it.each(['constructor', 'toString', '__proto__', 'user.constructor.name', 'length'])('is not their attribute: %s', (attribute) => {
    const flags = compile(aSet({ release_it: flagFor({ attribute, operator: 'exists' }) }));
    expect(flags.boolean('release_it', { user: {} }, false)).toBe(false);
    expect(flags.boolean('release_it', ['length'] as unknown as Context, false)).toBe(attribute === 'length');
  });

  it('is nobody’s attribute when Object.prototype is polluted, nor a rule’s field', () => {
    // In a process of its own: what is done to Object.prototype is done to the test runner too.
    const program = `
      import { compile } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
      const set = JSON.parse(process.argv[1]);
      Object.assign(Object.prototype, { plan: 'pro', targetingKey: 'u', attribute: 'plan', all: [], salt: 'x', by: 'plan' });
      const { boolean } = compile(set);
      console.log(JSON.stringify([boolean('release_a', {}, false), boolean('release_b', {}, false), boolean('release_c', { targetingKey: 'u' }, false)]));`;
    const set = aSet({
      release_a: flagFor({ attribute: 'plan', operator: 'eq', value: 'pro' }),
      release_b: flagFor({ percentage: 100_000 }),
      release_c: flagFor({ percentage: 100_000 }),
    });
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(set)], { encoding: 'utf8' });
    expect(JSON.parse(answer)).toEqual([false, false, true]);
  });
});

describe('a set from a file nobody checked', () => {
  it('breaks the flags that are wrong, and throws for none of them', () => {
    const wrong = fc.oneof(
      fc.anything(),
      fc.record({ enabled: fc.constant(true), rules: fc.anything(), variants: fc.anything(), when: condition }),
    );
    fc.assert(
      fc.property(wrong, (flag) => {
        const set = { ...aSet({ release_fine: aFlag() }), flags: { release_it: flag, release_fine: aFlag() } } as unknown as FlagSet;
        const flags = compile(set);
        expect(flags.boolean('release_it', {}, true)).toBe(true);
        expect(flags.boolean('release_fine', {}, false)).toBe(true);
        expect(flags.problems.map((problem) => problem.flag)).toEqual(['release_it']);
        expect(validate(set)).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it.each([null, undefined, [], {}, { format: 2 }, 'text'])('is refused as a whole when it is none: %j', (set) => {
    expect(() => compile(set as unknown as FlagSet)).toThrow(TypeError);
    expect(validate(set)).not.toEqual([]);
  });
});

it('answers the same in another process', () => {
  const program = `
    import { compile } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    const { set, contexts } = JSON.parse(process.argv[1]);
    const flags = compile(set);
    console.log(JSON.stringify(contexts.map((context) => flags.evaluateAll(context))));`;
  const contexts = Array.from({ length: 50 }, (_, user) => ({ targetingKey: `üser-${user}`, plan: user % 2 === 0 ? 'pro' : 'free' }));
  for (const set of fc.sample(flagSet, { numRuns: 3, seed: 7 })) {
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program, JSON.stringify({ set, contexts })], {
      encoding: 'utf8',
    });
    const flags = compile(set);
    expect(JSON.parse(answer)).toEqual(contexts.map((given) => flags.evaluateAll(given)));
  }
});
