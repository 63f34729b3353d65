import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from './body.ts';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test('JSON is read as it is', () => {
  const same = (value: unknown): void => {
    expect(JSON.stringify(parseJson(JSON.stringify(value)))).toBe(JSON.stringify(value));
  };
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), same));
});

test('what is too deep is refused before it is parsed, however it is written', () => {
  expect(parseJson(nested(64))).toBeTypeOf('object');
  for (const text of [nested(65), nested(500_000), '{"a":'.repeat(100_000), `"a"${nested(100)}`, `["\\"${'['.repeat(5)}",${nested(70)}]`])
    expect(() => parseJson(text), text.slice(0, 20)).toThrow('deep');
});

test('brackets in strings are no depth', () => {
  const text = JSON.stringify({ a: '['.repeat(10_000), [`"${'{'.repeat(100)}\\`]: 1 });
  expect(JSON.stringify(parseJson(text))).toBe(text);
});

test('a refusal does not quote the body', () => {
  for (const text of ['', '{', 'password=hunter22', '{"a":hunter22}', '\u0000']) {
    expect(() => parseJson(text)).toThrow('no JSON');
    expect(() => parseJson(text)).not.toThrow('hunter22');
  }
});
