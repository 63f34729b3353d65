import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersion, parseVersion } from './version.ts';

function compare(text: string, other: string): number {
  const version = parseVersion(other);
  if (version === null) throw new Error(`${other} is no version`);
  return compareVersion(text, version);
}

describe('versions', () => {
  it('are ordered as semver.org has them', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ];
    for (const [index, one] of ordered.entries()) {
      for (const [at, other] of ordered.entries()) expect([one, other, compare(one, other)]).toEqual([one, other, Math.sign(index - at)]);
    }
  });

  it.each([
    ['v2.0.0', '2.0.0'],
    ['2', '2.0.0'],
    ['2.0', 'v2.0.0'],
    ['2.0.0+build.7', '2.0.0'],
    ['2.0.0-rc.1+a', '2.0-rc.1+b'],
  ])('%s is %s', (text, other) => {
    expect(compare(text, other)).toBe(0);
  });

  it.each([
    '',
    'v',
    '1.',
    '1..2',
    '1.2.3.4',
    '01.2.3',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3-a..b',
    '1.2.3+',
    'V1.2.3',
    ' 1.2.3',
    '1.2.3 ',
    '1.2.x',
    '1,2',
    '9'.repeat(257),
  ])('%j is no version', (text) => {
    expect(parseVersion(text)).toBeNull();
    expect(compare(text, '1.0.0')).toBeNaN();
  });

  it('are the same with build metadata after them, which is read another way', () => {
    const number = fc.constantFrom(
      '0',
      '1',
      '7',
      '10',
      '01',
      '',
      'x',
      '123456789012345',
      '999999999999999',
      '1234567890123456',
      '99999999999999999999',
    );
    const text = fc
      .tuple(fc.constantFrom('', 'v'), fc.array(number, { maxLength: 4 }), fc.constantFrom('', '-1', '-a.1', '-', '.', ' '))
      .map(([before, parts, after]) => before + parts.join('.') + after);
    const target = fc.constantFrom('0', '1.7', '7.10.1', '7.10.1-a', '123456789012345', '1234567890123456.0.1', '99999999999999999999');
    fc.assert(
      fc.property(text, target, (one, other) => Object.is(compare(one, other), compare(`${one}+b`, other))),
      { numRuns: 3_000 },
    );
  });

  it('have no number that is too large', () => {
    expect(compare('1.0.0-20261130044000123457', '1.0.0-20261130044000123456')).toBe(1);
    expect(compare('99999999999999999999.0.0', '99999999999999999998.9.9')).toBe(1);
  });

  it('are ordered by their numbers', () => {
    const parts = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 3 });
    const order = (a: readonly number[], b: readonly number[]): number =>
      [0, 1, 2].map((at) => Math.sign((a[at] ?? 0) - (b[at] ?? 0))).find((sign) => sign !== 0) ?? 0;
    fc.assert(fc.property(parts, parts, (a, b) => compare(a.join('.'), b.join('.')) === order(a, b)));
  });
});
