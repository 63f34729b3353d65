import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, mayImport } from '../../scripts/rooms.ts';
import { ROOT, runNode, withTree } from './support.ts';

const OXLINT = path.join(ROOT, 'node_modules/oxlint/bin/oxlint');
const HOUSE = path.join(ROOT, 'scripts/house.ts');

/** Files refused by the linter, by our own check, and by each for which reason. */
function check(files: Readonly<Record<string, string>>): { readonly lint: ReadonlySet<string>; readonly house: ReadonlySet<string> } {
  return withTree(files, (root) => {
    copyFileSync(path.join(ROOT, '.oxlintrc.json'), path.join(root, '.oxlintrc.json'));
    const lint = runNode([OXLINT, '--format=unix', 'src'], root).output;
    const house = runNode([HOUSE, root]).output;
    return { lint: namesIn(lint, Object.keys(files)), house: namesIn(house, Object.keys(files)) };
  });
}

function namesIn(output: string, names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name) => output.includes(`${name}:`) || output.includes(`${name.replace('src/', '')}:`)));
}

const use = (specifier: string): string => `import { thing } from '${specifier}';\n\nexport const it = thing;\n`;

describe('direction', () => {
  it('is upheld for every pair of rooms by the linter and by the house check alike', () => {
    const pairs = ROOMS.flatMap((from) => ROOMS.filter((to) => to !== from).map((to) => ({ from, to })));
    const name = (from: string, to: string): string => `src/${from}/adapters/uses-${to}.ts`;
    const files = Object.fromEntries(pairs.map(({ from, to }) => [name(from, to), use(`../../${to}/index.ts`)]));
    const wrong = pairs.filter(({ from, to }) => !mayImport(from, to)).map(({ from, to }) => name(from, to));

    const found = check(files);

    expect(wrong.length).toBeGreaterThan(100);
    expect([...found.house].toSorted()).toEqual(wrong.toSorted());
    expect([...found.lint].toSorted()).toEqual(wrong.toSorted());
  });

  it('goes through a room by its index.ts only', () => {
    const files = {
      'src/cli/a.ts': use('../traffic/ports.ts'),
      'src/cli/b.ts': use('../traffic/core/schedule.ts'),
      'src/cli/c.ts': use('../kernel/effects.ts'),
      'src/cli/d.ts': use('../kernel/core/verdict.ts'),
      'src/cli/index.ts': use('../traffic/index.ts'),
      'src/cli/e.ts': use('../kernel/pure.ts'),
    };
    const wrong = ['src/cli/a.ts', 'src/cli/b.ts', 'src/cli/c.ts', 'src/cli/d.ts'];

    const found = check(files);

    expect([...found.house].toSorted()).toEqual(wrong);
    expect([...found.lint].toSorted()).toEqual(wrong);
  });

  it('keeps a core to itself and the pure part of lower rooms', () => {
    const files = {
      'src/traffic/core/a.ts': use('node:fs'),
      'src/traffic/core/b.ts': use('zod'),
      'src/traffic/core/c.ts': use('../ports.ts'),
      'src/traffic/core/d.ts': use('../../kernel/index.ts'),
      'src/traffic/core/e.ts': use('../../evidence/index.ts'),
      'src/traffic/core/f.ts': "export const later = import('../adapters/embedded.ts');\n",
      'src/traffic/core/deep/g.ts': use('../../ports.ts'),
      'src/traffic/core/deep/h.ts': use('../../../kernel/index.ts'),
      'src/traffic/core/deep/fine.ts': use('../../../kernel/pure.ts'),
      'src/traffic/core/deep/also-fine.ts': use('../fine.ts'),
      'src/traffic/core/fine.ts': use('../../kernel/pure.ts'),
      'src/traffic/core/also-fine.ts': use('./fine.ts'),
      'src/release/core/fine.ts': use('../../analysis/pure.ts'),
      'src/release/core/i.ts': use('../../analysis/index.ts'),
      'packages/kit/src/core/a.ts': 'export {};\n',
      'src/flags/core/fine.ts': use('../../../packages/kit/src/core/a.ts'),
      'src/flags/core/deep/fine.ts': use('../../../../packages/kit/src/core/a.ts'),
      'src/flags/core/j.ts': use('../../../packages/kit/src/index.ts'),
      'src/flags/core/k.ts': use('../../../scripts/rooms.ts'),
      'src/flags/core/deep/l.ts': use('../../../../packages/kit/src/index.ts'),
    };
    const wrong = ['a', 'b', 'c', 'd', 'deep/g', 'deep/h', 'e', 'f']
      .map((letter) => `src/traffic/core/${letter}.ts`)
      .concat('src/release/core/i.ts', 'src/flags/core/j.ts', 'src/flags/core/k.ts', 'src/flags/core/deep/l.ts')
      .toSorted();

    const found = check(files);

    expect([...found.house].toSorted()).toEqual(wrong);
    expect([...found.lint].toSorted()).toEqual(wrong);
  });

  it('allows no clock and no randomness in a core', () => {
    const files = {
      'src/traffic/core/a.ts': 'export const a = (): number => Date.now();\n',
      'src/traffic/core/b.ts': 'export const b = (): number => Math.random();\n',
      'src/traffic/core/c.ts': 'export const c = (): Date => new Date();\n',
      'src/traffic/core/d.ts': 'export const d = (): unknown => process.env;\n',
      'src/traffic/core/e.ts': "export const e = (): unknown => fetch('http://127.0.0.1');\n",
      'src/traffic/core/fine.ts': 'export const fine = (at: number): Date => new Date(at);\n',
      'src/traffic/clock.ts': 'export const now = (): number => Date.now();\n',
    };

    const found = check(files);

    // Each covers what the other cannot see; the compiler (types: []) is a third net under process and fetch.
    expect(new Set([...found.house, ...found.lint])).toEqual(
      new Set(['a', 'b', 'c', 'd', 'e'].map((letter) => `src/traffic/core/${letter}.ts`)),
    );
  });
});
