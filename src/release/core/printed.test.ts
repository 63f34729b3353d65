import { describe, expect, it } from 'vitest';
import { printedFact, printedOf } from './printed.ts';

describe('what a program printed last', () => {
  it('is kept as a fact, bounded in lines and length, and without anything that steers a terminal', () => {
    const lines = [...Array.from({ length: 20 }, (_, index) => `line ${index}`), `\u001B]0;title\u0007${'x'.repeat(600)}`];
    const printed = printedOf(printedFact({ of: 'api#0', lines }));
    expect(printed?.of).toBe('api#0');
    expect(printed?.lines).toHaveLength(10);
    expect(printed?.lines[0]).toBe('line 11');
    expect(printed?.lines.at(-1)).toMatch(/^ \]0;title x+…$/);
    expect(printed?.lines.at(-1)?.length).toBe(501);
  });

  it('is no fact where nothing was printed', () => {
    expect(printedFact({ of: 'api#0', lines: [] })).toEqual({});
    expect(printedOf({})).toBeNull();
    expect(printedOf({ output: { of: 3, lines: 'x' } })).toBeNull();
  });
});
