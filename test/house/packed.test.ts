import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'dist/cli/main.js');

/** Says on stderr which files a run of the program loads. */
const SPY = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  import { writeSync } from 'node:fs';
  registerHooks({ load: (url, context, next) => (url.startsWith('file:') && writeSync(2, 'loads ' + url + '\\n'), next(url, context)) });
`)}`;

/** Names of the files, without their folders and `.js`. */
function loadedBy(...args: readonly string[]): readonly string[] {
  const { status, stderr } = spawnSync(process.execPath, ['--import', SPY, MAIN, ...args], { cwd: tmpdir(), encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return [...stderr.matchAll(/^loads (.*)\.js$/gm)].map((match) => path.posix.basename(match[1] ?? ''));
}

describe('the packed program', () => {
  it('loads next to nothing to say its version', () => {
    const files = loadedBy('--version');
    expect(files[0]).toBe('main');
    expect(files.length).toBeLessThan(5);
  });

  it('leaves out what a command does not need', () => {
    const files = loadedBy('release', '--help');
    expect(files).toContain('cli-program');
    expect(files.length).toBeLessThan(30);
    expect(files).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(undici|pg|pg-boss|yaml|zod|kysely|hono|cli-compose)\d*$/)]));
  });

  it('carries the licences of what is packed', () => {
    const text = readFileSync(path.join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['commander', 'kysely', 'pg', 'pg-boss', 'undici', 'yaml', 'zod', '@hono/node-server']) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.`, 'm'));
    }
    expect(text).not.toContain('undefined');
  });
});

describe('the packer', () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  /** Packs a house of a few files; answers its folder. */
  function packed(files: Readonly<Record<string, string>>): { readonly folder: string; readonly error: string } {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'slipway-pack-')));
    folders.push(folder);
    const entries = ['cli/main', 'cli/compose', 'kernel/guard-main', 'targets/adapters/keeper-main'];
    const house = { ...Object.fromEntries(entries.map((entry) => [`${entry}.ts`, ''])), ...files };
    for (const [file, text] of Object.entries(house)) {
      mkdirSync(path.dirname(path.join(folder, 'src', file)), { recursive: true });
      writeFileSync(path.join(folder, 'src', file), text);
    }
    mkdirSync(path.join(folder, 'packages/service/src'), { recursive: true });
    writeFileSync(path.join(folder, 'packages/service/src/index.ts'), 'export {};');
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    const script = `import { pack } from ${JSON.stringify(pathToFileURL(path.join(ROOT, 'scripts/pack.mjs')).href)}; await pack(${JSON.stringify(folder)}, 'dist');`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
    return { folder, error: stderr };
  }

  it('lets a module see the place it would have unpacked, whichever file it ended in', () => {
    const place = 'export const place: string = import.meta.url;';
    const say = "import { place } from '../targets/adapters/deep.ts'; console.log(place, import.meta.url);";
    const { folder, error } = packed({ 'targets/adapters/deep.ts': place, 'cli/main.ts': say, 'cli/compose.ts': say });
    expect(error).toBe('');
    const dist = pathToFileURL(path.join(folder, 'dist')).href;
    const said = execFileSync(process.execPath, [path.join(folder, 'dist/cli/main.js')], { encoding: 'utf8' });
    expect(said).toBe(`${dist}/targets/adapters/deep.js ${dist}/cli/main.js\n`);
  });

  it('refuses what would mean something else when packed, and what does not resolve', () => {
    expect(packed({ 'cli/main.ts': 'console.log(import.meta.dirname);' }).error).toContain('of import.meta only url and resolve()');
    expect(packed({ 'cli/main.ts': "import 'no-such-package';" }).error).toContain('no-such-package');
  });
});
