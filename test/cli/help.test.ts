import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS, GROUPS } from '../../src/cli/commands/catalogue.ts';
import { DEMO_FAULTS } from '../../src/cli/demo/demo.ts';
import { FORMAT_NAMES } from '../../src/database/index.ts';
import { ERRORS, EXIT_BUG } from '../../src/kernel/index.ts';
import { runNode, withTree } from '../house/support.ts';
import { inProcess, ROOT, slipway } from './support.ts';

const EXITS = new Set<number>([0, 130, EXIT_BUG, ...Object.values(ERRORS).map(({ exit }) => exit)]);

describe('--help', () => {
  it.each(COMMANDS.map((spec) => [spec.path, spec] as const))(
    '%s: purpose, options, examples, exit codes and the shape of --json',
    async (name, spec) => {
      const { exit, out, err } = await inProcess([...name.split(' '), '--help']);
      expect({ exit, err }).toEqual({ exit: 0, err: '' });
      expect(out.replaceAll(/\s+/g, ' ')).toContain(spec.purpose);
      expect(spec.examples.length).toBeGreaterThanOrEqual(2);
      for (const { line } of spec.examples) expect(out).toContain(line);
      for (const section of ['Examples:', 'Exit codes:', 'With --json:', 'Global options:', '-C, --dir <folder>'])
        expect(out).toContain(section);
      for (const [code] of spec.exits ?? []) expect(EXITS, `exit ${code} of ${name}`).toContain(code);
    },
  );

  it.each(COMMANDS.map((spec) => [spec.path, spec] as const))('%s: its examples are understood by the parser', (name, spec) => {
    const lines = spec.examples.map(({ line }) => line);
    for (const line of lines) expect(line).toMatch(new RegExp(`^([A-Z_]+=\\S+ )*slipway (-C \\S+ )?${name}( |$)`));
    const known = ['--json', '--env', ...(spec.options ?? []).map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0])];
    for (const option of lines.flatMap((line) => line.split(/\|| -- /)[0]?.match(/ --[a-z-]+/g) ?? []))
      expect(known).toContain(option.trim());
  });

  it('the program and its groups name every command', async () => {
    const { exit, out } = await inProcess(['--help']);
    expect(exit).toBe(0);
    for (const name of [...COMMANDS.map((spec) => spec.path.split(' ')[0] ?? ''), ...Object.keys(GROUPS)])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect((await inProcess(['evidence'])).exit).toBe(2);
    expect((await inProcess([])).exit).toBe(2);
  });

  it('the demo offers the faults it has', () => {
    const fault = COMMANDS.find(({ path }) => path === 'demo')?.options?.find(({ flags }) => flags.startsWith('--fault'));
    expect(fault?.choices).toEqual(DEMO_FAULTS);
  });

  it('offers the formats that are read, but for SQL that is no folder', () => {
    const spec = COMMANDS.find(({ path }) => path === 'db lint');
    const format = spec?.options?.find(({ flags }) => flags.startsWith('--format '));
    expect(format?.choices).toEqual(FORMAT_NAMES.filter((name) => name !== 'printed'));
  });
});

describe('docs/cli.md', () => {
  const script = path.join(ROOT, 'scripts/cli-doc.ts');

  it('says what --help says', () => {
    expect(runNode([script, '--check'])).toEqual({ status: 0, output: '' });
  });

  it('is refused when it differs', () => {
    const changed = readFileSync(path.join(ROOT, 'docs/cli.md'), 'utf8').replace('slipway init', 'slipway innit');
    const answer = withTree({ 'cli.md': changed }, (root) => runNode([script, '--check', path.join(root, 'cli.md')]));
    expect(answer).toMatchObject({ status: 1, output: expect.stringContaining('npm run cli-doc') });
  });
});

describe('the built program', () => {
  it('tells its version, alone and behind a global option', () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    for (const args of [['--version'], ['-V'], ['-C', '/', '--version']])
      expect(slipway(args)).toEqual({ exit: 0, out: `${version}\n`, err: '' });
  });

  it('`release --version` is the version to release, not a question for ours', () => {
    expect(slipway(['release', '--version', '1.2.3'], { cwd: '/' })).toMatchObject({
      exit: 2,
      out: '',
      err: expect.stringContaining('slipway.yaml'),
    });
  });

  it('nothing is loaded for --version', () => {
    const main = readFileSync(path.join(ROOT, 'src/cli/main.ts'), 'utf8');
    expect(main).not.toMatch(/^import /m);
  });

  it('`db lint` loads neither the server nor what reads slipway.yaml', () => {
    const loaded = new Set<string>();
    const load = (chunk: string): void => {
      if (loaded.has(chunk)) return;
      loaded.add(chunk);
      const text = readFileSync(path.join(ROOT, 'dist/chunks', chunk), 'utf8');
      for (const [, next = ''] of text.matchAll(/^import (?:.*? from )?"\.\/(.*?)";$/gm)) load(next);
    };
    load('cli-commands-db-lint.js');
    expect(loaded).toContain('database-index.js');
    expect([...loaded].filter((chunk) => /^(server|hono|zod|config)/.test(chunk))).toEqual([]);
  });
});
