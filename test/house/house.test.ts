import { copyFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, runNode, withTree } from './support.ts';

const HOUSE = path.join(ROOT, 'scripts/house.ts');
const OXLINT = path.join(ROOT, 'node_modules/oxlint/bin/oxlint');
const house = (files: Readonly<Record<string, string>>): ReturnType<typeof runNode> => withTree(files, (root) => runNode([HOUSE, root]));

describe('the house check', () => {
  it('passes on this repository', () => {
    expect(runNode([HOUSE])).toMatchObject({ status: 0 });
  });

  it('fails when there is nothing to check', () => {
    const answer = house({ 'src/readme.txt': 'no code here' });
    expect(answer).toMatchObject({ status: 1, output: expect.stringContaining('nothing was checked') });
  });

  it('caps a file at 300 lines', () => {
    expect(house({ 'src/cli/big.ts': '// line\n'.repeat(301), 'src/cli/a.ts': '//\n', 'src/cli/b.ts': '//\n' })).toMatchObject({
      status: 1,
      output: expect.stringContaining('cli/big.ts: 301 lines'),
    });
    expect(house({ 'src/cli/big.ts': '// line\n'.repeat(300), 'src/cli/a.ts': '//\n', 'src/cli/b.ts': '//\n' }).status).toBe(0);
  });

  it('caps the median file', () => {
    expect(house({ 'src/cli/a.ts': '//\n'.repeat(200), 'src/cli/b.ts': '//\n'.repeat(200) }).output).toContain(
      'the median file has 200 lines',
    );
  });

  it.each(['src/utils/a.ts', 'src/loose.ts'])('knows no room for %s', (name) => {
    expect(house({ [name]: '//\n' })).toMatchObject({ status: 1, output: expect.stringContaining('is no room') });
  });

  it.each([
    ['src/a.ts', "import '../../../src/kernel/index.ts';\n", 'is outside of the package'],
    ['src/core/a.ts', "import '../edge.ts';\n", 'a core imports only its own core'],
    ['src/core/a.ts', "import { readFileSync } from 'node:fs';\n", 'a core imports only its own core'],
    ['src/core/a.ts', 'export const now = Date.now();\n', 'reads the clock'],
    ['test/a.test.ts', '//\n'.repeat(301), '301 lines'],
  ])('looks into packages too (%s, %#)', (name, text, finding) => {
    expect(house({ 'src/cli/a.ts': '//\n', [`packages/kit/${name}`]: text })).toMatchObject({
      status: 1,
      output: expect.stringContaining(finding),
    });
  });

  it('lets a package import itself and what it installs', () => {
    const text = "import 'pino';\nimport './core/b.ts';\n";
    expect(
      house({ 'src/cli/a.ts': '//\n', 'packages/kit/src/a.ts': text, 'packages/kit/test/a.test.ts': "import '../src/a.ts';\n" }),
    ).toMatchObject({
      status: 0,
    });
  });

  it('reads code, not comments', () => {
    expect(house({ 'src/traffic/core/a.ts': "/* Date.now() and from '../x.ts' */\n// Math.random()\nexport const a = 1;\n" }).status).toBe(
      0,
    );
  });
});

describe('the linter', () => {
  const lint = (name: string, text: string, flags: readonly string[] = []): string =>
    withTree({ [name]: text }, (root) => {
      copyFileSync(path.join(ROOT, '.oxlintrc.json'), path.join(root, '.oxlintrc.json'));
      copyFileSync(path.join(ROOT, 'tsconfig.json'), path.join(root, 'tsconfig.json'));
      symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));
      return runNode([OXLINT, '--format=unix', ...flags, 'src', 'test'], root).output;
    });
  const long = (lines: number): string =>
    `export function long(): void {\n${'  work();\n'.repeat(lines - 2)}}\n\nfunction work(): void {}\n`;
  const branches = (count: number): string =>
    `export function f(n: number): number {\n${'  if (n > 1) return n;\n'.repeat(count - 1)}  return 0;\n}\n`;

  it.each([
    ['no-explicit-any', 'export const a: any = 1;\n'],
    ['no-default-export', 'export default 1;\n'],
    ['max-lines-per-function', long(61)],
    ['complexity', branches(13)],
    ['max-params', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1): unknown => [a, b, c, d, e];\n'],
    ['max-depth', 'export function f(n: number): number {\n  for (;;) { if (n) { while (n) { if (n > 1) return n; } } }\n}\n'],
    ['no-console', "console.log('x');\n"],
    ['max-lines)', '// line\n'.repeat(301)],
  ])('refuses: %s', (rule, text) => {
    expect(lint('src/traffic/a.ts', text)).toContain(rule);
  });

  it.each([
    ['a function of 60 lines', long(60)],
    ['complexity 12', branches(12)],
  ])('accepts %s', (_what, text) => {
    expect(lint('src/traffic/a.ts', text)).not.toMatch(/max-lines-per-function|complexity/);
  });

  it('refuses a promise nobody waits for', () => {
    const text = 'const later = async (): Promise<number> => 1;\n\nexport function f(): void {\n  later();\n}\n';
    expect(lint('src/traffic/a.ts', text, ['--type-aware'])).toContain('no-floating-promises');
  });

  it('lets a test be long', () => {
    expect(lint('test/a.test.ts', long(100))).not.toContain('max-lines-per-function');
  });
});
