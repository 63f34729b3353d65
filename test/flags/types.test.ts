import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { accessors, type FlagSet, type FlagValue } from '../../src/flags/index.ts';
import { inProcess, ROOT, scratch } from '../cli/support.ts';
import { OFF_FLAG } from '../support/flag.ts';

const home = scratch();
afterAll(home.remove);
let folders = 0;

const FLAGS = `flags:
  release_new-checkout:
    type: release
    description: "The new page */ for paying."
    owner: shop
    expires: 2099-03-31
  ops_colour:
    type: ops
    owner: shop
    variants: { red: "red", blue: "blue" }
    off: red
  ops_size: { type: ops, owner: shop, variants: { small: 20, large: 100 }, off: small }
  ops_limits:
    type: ops
    owner: shop
    variants: { off: { "a b": [1, "x"], deep: { on: true } }, none: null }
    environments: { prd: { variants: { off: { other: [] } } } }
`;

function workspace(flags = FLAGS): string {
  const folder = path.join(home.path, String(folders++));
  mkdirSync(path.join(folder, 'flags'), { recursive: true });
  writeFileSync(path.join(folder, 'flags', 'all.yaml'), flags);
  return folder;
}

const types = (folder: string, ...args: readonly string[]) => inProcess(['-C', folder, 'flag', 'types', ...args]);

/** What the real compiler says of modules that stand in a strict project; empty: nothing. */
function compiled(folder: string): string {
  const paths = { '@slipway/flags': [path.join(ROOT, 'packages/flags/src/node.ts')] };
  const compilerOptions = {
    strict: true,
    noUnusedLocals: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules/@types')],
    skipLibCheck: true,
    paths,
  };
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const { stdout } = spawnSync(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' });
  return stdout.trim();
}

describe('flag types', () => {
  it('writes what compiles, whatever flags are called and serve, and refuses keys and defaults that are wrong', async () => {
    const folder = workspace();
    expect(await types(folder, '--out', 'made.ts')).toMatchObject({ exit: 0, out: 'Wrote 4 flags to made.ts.\n' });
    const lines = [
      "import { createClient } from '@slipway/flags';",
      "import { typedFlags, type Flags } from './made.ts';",
      "export const flags = typedFlags(createClient({ url: '', token: '', environment: 'prd' }));",
      "export const limits: Flags['ops_limits'] = null;",
      "export const a: boolean = flags.boolean('release_new-checkout', null, false);",
      "export const b: string = flags.stringDetails('ops_colour', { targetingKey: 'u' }, 'red').value;",
      "export const c: number = flags.number('ops_size', undefined, 20);",
      "const d = flags.json('ops_limits', null, limits);",
      "export const e: true | false | undefined = d !== null && 'deep' in d ? d.deep.on : undefined;",
    ];
    const wrong = [
      "flags.boolean('release_gone', null, false);",
      "flags.string('release_new-checkout', null, 'x');",
      "flags.number('ops_size', null, '20');",
      "flags.json('ops_limits', null, { other: [1] });",
      "export const f: string = flags.number('ops_size', null, 20);",
    ];
    const expected = wrong.flatMap((line) => ['// @ts-expect-error', line]);
    writeFileSync(path.join(folder, 'use.ts'), `${[...lines, ...expected].join('\n')}\n`);
    const flag = fc.tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }));
    for (const [index, set] of fc.sample(fc.array(flag, { maxLength: 5 }), { numRuns: 60, seed: 7 }).entries()) {
      const flags = set.map(([key, value, description]) => [
        key,
        { ...OFF_FLAG, valueType: 'json', variants: { off: value as FlagValue }, about: { ...OFF_FLAG.about, description } } as const,
      ]);
      const made = accessors([{ format: 1, environment: '', seq: 0, segments: {}, flags: Object.fromEntries(flags) as FlagSet['flags'] }]);
      writeFileSync(path.join(folder, `any-${index}.ts`), made.text);
    }
    expect(compiled(folder)).toBe('');
  });

  it('makes the folder that it writes to', async () => {
    expect(await types(workspace(), '--out', 'src/made/flags.ts')).toMatchObject({ exit: 0, out: 'Wrote 4 flags to src/made/flags.ts.\n' });
  });

  it('checks in CI that the file is as the flags are', async () => {
    const folder = workspace();
    expect(await types(folder, '--out', 'made.ts', '--check')).toMatchObject({
      exit: 6,
      out: expect.stringContaining('is not there: run'),
    });
    await types(folder, '--out', 'made.ts');
    expect(await types(folder, '--out', 'made.ts', '--check')).toMatchObject({ exit: 0 });
    // As git has it on Windows.
    writeFileSync(path.join(folder, 'made.ts'), readFileSync(path.join(folder, 'made.ts'), 'utf8').replaceAll('\n', '\r\n'));
    expect(await types(folder, '--out', 'made.ts', '--check')).toMatchObject({ exit: 0 });
    writeFileSync(path.join(folder, 'flags', 'all.yaml'), FLAGS.replace('small: 20, large: 100', 'small: "20", large: "100"'));
    expect(await types(folder, '--out', 'made.ts', '--check')).toMatchObject({
      exit: 6,
      out: expect.stringContaining('not as the flags are'),
    });
  });

  it.each([
    [
      'a type by environment',
      'flags: { ops_a: { type: ops, owner: x, environments: { prd: { variants: { off: 1 } } } } }',
      [],
      'boolean and number',
    ],
    ['no file', 'segments: {}', [], 'declares a flag'],
    ['--check without a file', FLAGS, ['--check'], 'name it with --out'],
    ['a file in the place of a folder', FLAGS, ['--out', 'flags/all.yaml/x.ts'], 'be read'],
    ['a flag without an owner', 'flags: { ops_a: { type: ops } }', [], 'owner'],
  ])('refuses %s', async (_what, flags, args, message) => {
    const { exit, err } = await types(workspace(flags), ...args);
    expect([exit, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
