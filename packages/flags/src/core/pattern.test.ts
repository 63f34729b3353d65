import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automaton, boundariesOf, compilePattern, MAX_STATES, patternProblem, programOf } from './pattern.ts';

/** Patterns of the subset over few letters, so that texts match now and then. */
const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  pattern: fc.array(tie('piece'), { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '[a-b]', '\\w', '\\d', '\\W', '^', '$', 'é', '😀', '\\.', '[.-]'),
    fc
      .tuple(fc.constantFrom('a', '[bc]', '.', '(?:ab)', '😀'), fc.constantFrom('*', '+', '?', '{2}', '{1,}', '{0,2}'))
      .map((two) => two.join('')),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(${one}|${other})`),
    fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{0,3}')).map(([one, many]) => `(?:${one})${many}`),
  ),
}));
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀', '.', '1', '\n', '-'), maxLength: 12 });

describe('a pattern', () => {
  it('is found where the engine of JavaScript finds it', () => {
    fc.assert(
      fc.property(pattern, text, (some, within) => {
        fc.pre(patternProblem(some) === null);
        return compilePattern(some)(within) === new RegExp(some, 'u').test(within);
      }),
      { numRuns: 3_000 },
    );
  });

  it('keeps its answers when it has met more than it remembers', () => {
    const many = compilePattern('a.{9}b$');
    const plain = /a.{9}b$/;
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 200, maxLength: 400 });
    fc.assert(fc.property(letters, (some) => many(some) === plain.test(some)));
  });

  it.each(['(a+)+$', '(a|a)*b', '(a|aa)+$', '(.*)*x', '(a*)*(a*)*b'])('%s takes no time to speak of for what hangs others', (hostile) => {
    // An engine that tries and goes back needs more than the age of the world for it.
    expect(compilePattern(hostile)(`${'a'.repeat(100_000)}!`)).toBe(false);
  });

  it.each([
    '(?=a)',
    '(?<name>a)',
    '\\1',
    '\\b',
    '\\p{L}',
    'a**',
    'a*?',
    '*a',
    '(a',
    'a)',
    '[a',
    '[]',
    '[b-a]',
    'a{2',
    'a{3,2}',
    'a{101}',
    '{',
    ']',
    '}',
    '\\',
    '^*',
    '[\\d-z]',
    'a'.repeat(501),
  ])('%j is refused', (wrong) => {
    expect(patternProblem(wrong)).toEqual(expect.any(String));
  });

  it.each(['((a{50}){50}){50}', '((((){100}){100}){100}){100}a{100}(a{100}){100}', '('.repeat(21) + ')'.repeat(21)])(
    '%s is refused as too large, or is empty, at once',
    (large) => {
      const problem = patternProblem(large);
      expect(problem).toMatch(/repeats too much|deep/);
    },
  );
});

describe('what a pattern keeps', () => {
  it('is bounded, whatever texts somebody sends it', () => {
    const program = programOf('^(a|b)*a(a|b){12}$');
    const boundaries = boundariesOf(program);
    const { first, step } = automaton(program, boundaries);
    const kinds = ['a', 'b'].map((letter) => boundaries.findLastIndex((from) => from <= letter.charCodeAt(0)));
    let bits = 1;
    for (let text = 0; text < 40; text++) {
      let state = first();
      for (let at = 0; at < 100; at++) {
        bits = (Math.imul(bits, 1_103_515_245) + 12_345) >>> 0;
        const kind = kinds[(bits >>> 16) & 1] ?? 0;
        state = state.next[kind] ?? step(state, kind);
      }
    }
    const reached = new Set([first()]);
    for (const state of reached) for (const next of state.next) if (next !== undefined) reached.add(next);
    expect(reached.size).toBeLessThanOrEqual(MAX_STATES + 1);
  });
});
