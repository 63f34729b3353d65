import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEnvFile } from './env-file.ts';
import { SlipwayError } from './errors.ts';

test('reads plain, exported, quoted and commented lines', () => {
  const text =
    '\uFEFF# top\nA=1\r\nexport B = two words # note\nC=\'$x "y"\' # note\nD="a\\n\\"b\\"\\\\"\nE=\nF=a#b\nURL=postgres://u:p@h/d?x=1\nA=last\n';
  expect(parseEnvFile(text, '.env')).toEqual({
    A: 'last',
    B: 'two words',
    C: '$x "y"',
    D: 'a\n"b"\\',
    E: '',
    F: 'a#b',
    URL: 'postgres://u:p@h/d?x=1',
  });
});

test.each(['NOVALUE', '=x', '1A=x', 'A-B=x', 'A="open', "A='x' y", 'A="x" y'])('refuses %s by line and never quotes it', (line) => {
  const parse = (): unknown => parseEnvFile(`OK=1\n${line}secretvalue\n`, 'prod.env');
  expect(parse).toThrow(SlipwayError);
  expect(parse).toThrow(/prod\.env:2: /);
  expect(parse).not.toThrow(/secretvalue/);
});

test('any value written in double quotes comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const quoted = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
      // Other line ends of Unicode are no line ends of a .env file.
      expect(parseEnvFile(`X="${quoted}"`, '.env')).toEqual({ X: value });
    }),
  );
});
