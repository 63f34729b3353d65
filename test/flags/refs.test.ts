import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { accessors, scanRepository } from '../../src/flags/index.ts';
import { aFlag } from '../server/bed.ts';
import { inProcess, scratch } from '../cli/support.ts';

const home = scratch();
afterAll(home.remove);
let count = 0;

function repository(files: Readonly<Record<string, string>>): string {
  const folder = path.join(home.path, String(count++));
  mkdirSync(folder);
  execFileSync('git', ['init', '-q', folder]);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** What is found in one file (beside others), as `line:column key by`. */
async function found(text: string, others: Readonly<Record<string, string>> = {}, name = 'a.tsx'): Promise<readonly string[]> {
  const { references } = await scanRepository(repository({ [name]: text, ...others }), new Set(['release_a', 'release_b']));
  return references.filter((one) => one.file === name).map(({ line, column, key, by }) => `${line}:${column} ${key ?? '?'} ${by}`);
}

/** An expression that is one of 2 to the `depth` keys. */
function choices(depth: number, name = 'z'): string {
  return depth === 0 ? `'release_${name}'` : `(x ? ${choices(depth - 1, `${name}a`)} : ${choices(depth - 1, `${name}b`)})`;
}

describe('references in code', () => {
  it.each([
    ['our client by its name', "flags.boolean('release_z', false)", ['1:1 release_z call']],
    ['our client as a member', "this.ctx.featureFlags?.string('release_z', '')", ['1:1 release_z call']],
    [
      'our client under another name',
      "import { connect } from '@slipway/flags';\nconst c = await connect();\nc.json('release_z', {});",
      ['3:1 release_z call'],
    ],
    [
      'our client by its type',
      "import type { Flags } from '@slipway/flags';\nexport const f = (c: Flags) => c.number('release_z', 1);",
      ['2:32 release_z call'],
    ],
    ['a handle', "export const a = flags.flag('release_z');", ['1:18 release_z call']],
    ['OpenFeature', "const x = await (client.getBooleanValue('release_z', false));", ['1:18 release_z call']],
    ['its details', "void client.getObjectDetails('release_z', {});", ['1:6 release_z call']],
    [
      'its hooks',
      "const a = useFlag('release_y', true); const b = useBooleanFlagValue('release_z', true);",
      ['1:11 release_y call', '1:49 release_z call'],
    ],
    ['a known key whoever is asked', "toggles.boolean('release_a', false)", ['1:1 release_a call']],
    ['not what looks alike', "z.string('must be text'); z.boolean('release_z'); yup.number('x')", []],
    ['a template', "flags.boolean(`release_${'z'}`, false)", ['1:1 release_z call']],
    ['a constant', "const K = 'release_' + 'z';\nflags.boolean(K as string, false)", ['2:1 release_z call']],
    [
      'a map of constants',
      "const K = Object.freeze({ a: { b: 'release_z' } } as const);\nflags.boolean(K.a['b'], false)",
      ['2:1 release_z call'],
    ],
    ['an enum', "enum K { A = 'release_z' }\nflags.boolean(K.A, false)", ['2:1 release_z call']],
    ['both ends of a choice', "flags.boolean(x ? 'release_y' : 'release_z', false)", ['1:1 release_y call', '1:1 release_z call']],
    ['a computed key, as not known', 'flags.boolean(`release_${name}`, false)', ['1:1 ? call']],
    [
      'a name that may change, as not known',
      "let k = 'release_a';\nk = f();\nflags.boolean(k, false)",
      ['1:9 release_a name', '3:1 ? call'],
    ],
    [
      'a name that hides another, as not known',
      "const k = 'release_a';\nexport const f = (k: string) => flags.boolean(k, false);",
      ['1:11 release_a name', '2:33 ? call'],
    ],
    [
      'a name that another one after it hides, as not known',
      "export const f = (k: string) => flags.boolean(k, false);\nexport const k = 'release_a';",
      ['1:33 ? call', '2:18 release_a name'],
    ],
    ['arguments that are spread, as not known', 'flags.boolean(...args)', ['1:1 ? call']],
    ['more keys than anybody follows, as not known', `flags.boolean(${choices(5)}, false)`, ['1:1 ? call']],
    [
      'a property of that name',
      'on(features.release_a, { release_b: 1 }); release_a = features[release_b];',
      ['1:13 release_a name', '1:26 release_b name'],
    ],
    ['a key that stands elsewhere', "isOn('release_a')", ['1:6 release_a name']],
    ['no key in a comment, nor the name of a module', "// 'release_a'\nimport 'release_a';", []],
    [
      'a component',
      "export const A = () => <B on={useFlag('release_a', false).value} key='release_b' />;",
      ['1:31 release_a call', '1:70 release_b name'],
    ],
  ])('are found for %s', async (_what, text, expected) => {
    expect(await found(text)).toEqual(expected);
  });

  it('follow imports, renamed and exported again, and give up on a circle', async () => {
    const others = {
      'lib/index.ts':
        "export * from './keys.js';\nexport { B as C } from './keys.js';\nexport * as all from './keys.js';\nexport { loop } from './loop.ts';\n",
      'lib/keys.ts': "export const A = 'release_a';\nconst inner = { b: 'release_b' };\nexport const B = inner.b;\nexport default A;\n",
      'lib/loop.ts': "export { loop } from './index.ts';\n",
    };
    const text =
      "import { A as X, C, loop } from './lib';\nimport * as keys from './lib/keys';\nimport last from './lib/keys.ts';\nimport { gone } from './gone';\n" +
      'flags.boolean(X, false);\nflags.boolean(C, false);\nflags.boolean(keys.B, false);\nflags.boolean(last, false);\nflags.boolean(gone, false);\nflags.boolean(loop, false);\n';
    expect(await found(text, others)).toEqual([
      '5:1 release_a call',
      '6:1 release_b call',
      '7:1 release_b call',
      '8:1 release_a call',
      '9:1 ? call',
      '10:1 ? call',
    ]);
  });

  it('know a client that another file makes', async () => {
    const others = { 'client.ts': "import { createClient } from '@slipway/flags/node';\nexport const client = createClient({});\n" };
    const text =
      "import { client } from './client.ts';\nclient.boolean('release_z', null, false);\nclient.booleanDetails('release_z', null, false);";
    expect(await found(text, others)).toEqual(['2:1 release_z call', '3:1 release_z call']);
  });

  it('leave out what git ignores, read new files, and search other languages as text', async () => {
    const folder = repository({
      '.gitignore': 'made/\n',
      'made/a.ts': "flags.boolean('release_a', false)",
      'new.go': 'if flags.Bool(ctx, "release_a", false) {\n\tx("release_c")\n}\n',
      'on.rb': 'on?(:release_a) if features.release_a && !features.release_a_b\n',
      'on.sh': "if on 'release_a'; then :; fi",
      'README.md': '`release_a`',
    });
    const { references, scanned } = await scanRepository(folder, new Set(['release_a']));
    expect(references[0]).toMatchObject({ file: 'new.go', line: 1, column: 20, key: 'release_a', by: 'text' });
    expect(references.map(({ file, column }) => `${file}:${column}`)).toEqual(['new.go:20', 'on.rb:6', 'on.rb:29', 'on.sh:7']);
    expect(scanned).toEqual({ parsed: 0, asText: 3 });
  });

  it('leave out what we wrote ourselves, for it names every flag', async () => {
    const flags = { release_a: aFlag(), release_b: aFlag() };
    const { text: made } = accessors([{ format: 1, environment: 'dev', seq: 1, flags, segments: {} }]);
    const folder = repository({
      'src/flags.generated.ts': `/* eslint-disable */\n${made}`,
      'src/windows.ts': made.replaceAll('\n', '\r\n'),
      'src/a.ts': "import { typedFlags } from './flags.generated.ts';\ntypedFlags(client).boolean('release_a', null, false);",
    });
    const { references, scanned } = await scanRepository(folder, new Set(['release_a', 'release_b']));
    expect(references.map(({ file, line, key }) => `${file}:${line} ${key}`)).toEqual(['src/a.ts:2 release_a']);
    expect(scanned).toEqual({ parsed: 1, asText: 0 });
  });

  it('survive files that are no code, and say what was not read', async () => {
    const folder = repository({
      'broken.ts': "flags.boolean('release_a', false); %%% ((( 'release_a'",
      'deep.js': `${'['.repeat(3_000)}'release_a'${']'.repeat(3_000)}`,
      'large.js': `//${' '.repeat(1024 * 1024)}`,
      'empty.ts': '',
    });
    const { references, unread } = await scanRepository(folder, new Set(['release_a']));
    expect(references.map(({ file }) => file)).toContain('broken.ts');
    expect(unread.map(({ file }) => file)).toContain('large.js');
  });

  it('need git', async () => {
    const ran = await inProcess(['-C', '/', 'flag', 'refs']);
    expect(ran).toMatchObject({ exit: 4, err: expect.stringContaining('cannot be listed') });
  });
});

const FILE = `flags:
  release_a:
    type: release
    owner: team
    expires: 2027-03-31
    default: { split: { on: 50%, off: 50% } }
    environments: { prd: { default: on } }
`;
const CODE = `import { flags } from './flags';
if (flags.boolean('release_a', false)) {
  a();
} else {
  b();
}
const isNew = await client.getBooleanValue('release_a', false);
use(isNew, !isNew);
export const c = !flags.boolean('release_a', false) ? 1 : 2;
export const d = flags.boolean('release_a', false) && e();
export const f = flags.flag('release_a');
flags.boolean(name, false);
`;

describe('slipway flag refs', () => {
  const folder = repository({ 'flags/a.yaml': FILE, 'src/a.ts': CODE });

  it('lists places by flag, and calls whose key cannot be known', async () => {
    const { exit, out } = await inProcess(['-C', folder, 'flag', 'refs']);
    expect(exit).toBe(0);
    expect(out).toContain("release_a\n  src/a.ts:2:5    flags.boolean('release_a')\n");
    expect(out).toContain('Which flag cannot be known (the key is computed)\n  src/a.ts:12:1  flags.boolean(name)\n');
    expect(out).toContain('1 file parsed, 0 files searched as text');
  });

  it.each([
    [
      'on',
      [
        'the if goes: keep lines 2-4, delete lines 4-6',
        'client.getBooleanValue(',
        'the choice goes: keep line 9, delete line 9',
        'keep only the right side (line 10)',
      ],
    ],
    [
      'off',
      [
        'the if goes: keep lines 4-6, delete lines 2-4',
        'client.getBooleanValue(',
        'the choice goes: keep line 9, delete line 9',
        'becomes false; delete the right side (line 10)',
      ],
    ],
  ])('says what every place becomes when the flag stays %s', async (variant, becomes) => {
    const { exit, out } = await inProcess(['-C', folder, 'flag', 'refs', 'release_a', '--cleanup', '--variant', variant, '--json']);
    expect(exit).toBe(0);
    const { cleanup } = JSON.parse(out) as { cleanup: { line: number; becomes: string }[] };
    expect(cleanup.map(({ line }) => line)).toEqual([2, 7, 9, 10, 11]);
    for (const [index, text] of becomes.entries()) expect(cleanup[index]?.becomes).toContain(text);
    expect(cleanup[1]?.becomes).toContain('isNew stands for it and is used in line 8');
  });

  it('knows the variant that everybody gets, and asks where there is none', async () => {
    expect((await inProcess(['-C', folder, 'flag', 'refs', 'release_a', '--cleanup', '-e', 'prd'])).out).toContain(
      'release_a stays on (true) for good',
    );
    const dev = await inProcess(['-C', folder, 'flag', 'refs', 'release_a', '--cleanup', '-e', 'dev']);
    expect(dev).toMatchObject({
      exit: 2,
      err: expect.stringContaining('does not serve one variant to everybody; say with --variant which one stays: on, off'),
    });
    expect(await inProcess(['-C', folder, 'flag', 'refs', 'release_a', '--cleanup', '--variant', 'x'])).toMatchObject({ exit: 2 });
    expect(await inProcess(['-C', folder, 'flag', 'refs', 'release_q', '--cleanup', '--variant', 'x'])).toMatchObject({ exit: 3 });
    expect(await inProcess(['-C', folder, 'flag', 'refs', '--cleanup'])).toMatchObject({ exit: 2 });
  });
});
