import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinCommand, splitCommand } from './split.ts';

const argvOf = (line: string): readonly string[] | string => {
  const split = splitCommand(line);
  return split.ok ? split.argv : split.reason;
};

describe('splitCommand', () => {
  it.each([
    ['npm ci', ['npm', 'ci']],
    ['  node\tserver.js  ', ['node', 'server.js']],
    [`sh -c 'a | b && c'`, ['sh', '-c', 'a | b && c']],
    [`echo "a \\"b\\" c" ''`, ['echo', 'a "b" c', '']],
    [`a\\ b c`, ['a b', 'c']],
    [`pre"mid dle"'post'`, ['premid dlepost']],
    ['node s.js --port ${port} "${env:A}/x"', ['node', 's.js', '--port', '${port}', '${env:A}/x']],
    ['git diff HEAD~1', ['git', 'diff', 'HEAD~1']],
    ['a 5$', ['a', '5$']],
  ])('%s', (line, argv) => expect(argvOf(line)).toEqual(argv));

  it.each(['a | b', 'a & b', 'a && b', 'a; b', 'a < b', 'a > b', 'a $(b)', 'a `b`', 'rm *', 'ls ~', '(a)', 'a\nb'])(
    'refuses what only a shell understands: %j',
    (line) => expect(argvOf(line)).toMatch(/\[sh, -c, "\.\.\."\]/),
  );

  it.each([
    ['echo $HOME', '${env:HOME}'],
    ['echo "$HOME"', '${env:HOME}'],
    ['echo "`id`"', 'single quotes'],
    ['CI=1 npm test', '"env"'],
    [`echo 'a`, 'never closed'],
    ['echo "a', 'never closed'],
    ['a \\', 'backslash'],
    ['', 'is empty'],
    [`'' a`, 'empty word'],
    ['a \0', 'NUL'],
  ])('%j is refused with the reason', (line, reason) => expect(argvOf(line)).toContain(reason));

  it('takes back what joinCommand wrote', () => {
    const words = fc.array(
      fc.string({ unit: 'binary' }).filter((word) => !word.includes('\0')),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(words, (argv) => {
        fc.pre(argv[0] !== '' && !/^[A-Za-z_][A-Za-z0-9_]*=/.test(argv[0] ?? ''));
        expect(argvOf(joinCommand(argv))).toEqual(argv);
      }),
    );
  });

  it('answers anything at all, and never lets an unquoted operator through as text', () => {
    const line = fc.string({ unit: fc.constantFrom(...Array.from(`ab '"\\$|&;<>()*~\`{}=\n`)) });
    fc.assert(
      fc.property(line, (text) => {
        const split = splitCommand(text);
        if (split.ok && !/['"\\$]/.test(text)) expect(split.argv.join(' ')).not.toMatch(/[|&;<>()*`\n]/);
      }),
    );
  });
});
