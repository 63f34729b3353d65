import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './support.ts';

const SHOP = path.join(ROOT, 'examples/shop');
const FAULTS = readdirSync(path.join(SHOP, 'faults'));

/** Versions of the demo of a migration, each on top of the one before. */
const MIGRATION = ['2.0.0', '2.1.0', '2.2.0', '2.3.0', '2.4.0', '2.5.0'];

/** Overlays of every version the demo can release, in the order they are copied. */
const VERSIONS: readonly (readonly [string, string, readonly string[]])[] = [
  ['1.0.0', '1.0.0', ['base']],
  ['1.1.0', '1.1.0', ['base', 'versions/1.1.0']],
  ['1.2.0', '1.2.0', ['base', 'versions/1.1.0', 'versions/1.2.0']],
  ['1.3.0', '1.3.0', ['base', 'versions/1.1.0', 'versions/1.3.0']],
  ...MIGRATION.map((version, index): [string, string, string[]] => [
    version,
    version,
    ['base', 'versions/1.1.0', ...MIGRATION.slice(0, index + 1).map((one) => `versions/${one}`)],
  ]),
  ...FAULTS.map((fault): [string, string, string[]] => [fault, '1.2.0', ['base', 'versions/1.1.0', `faults/${fault}`]]),
];

describe('the shop', () => {
  let scratch = '';
  beforeAll(() => {
    scratch = mkdtempSync(path.join(os.tmpdir(), 'slipway-shop-'));
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(scratch, 'node_modules'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('has the faults the demo names', () => {
    expect(FAULTS.toSorted()).toEqual(['crash-at-start', 'migration-fails-halfway', 'slow', 'worker-dead']);
  });

  it.each(VERSIONS)('%s is a whole version whose own tests pass', (name, version, overlays) => {
    const directory = path.join(scratch, name);
    for (const overlay of overlays) cpSync(path.join(SHOP, overlay), directory, { recursive: true });

    expect(readFileSync(path.join(directory, 'package.json'), 'utf8')).toContain(`"version": "${version}"`);
    expect(existsSync(path.join(directory, 'slipway.yaml'))).toBe(true);
    for (const file of ['server.js', 'worker.js']) execFileSync(process.execPath, ['--check', path.join(directory, file)]);
    // vitest's own variables would make the child's test runner think it is part of this one.
    const tests = spawnSync(process.execPath, ['--test'], { cwd: directory, encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    expect(tests.stdout).toMatch(/fail 0/);
    expect(tests.status).toBe(0);
  });

  it('stays small enough to read in one sitting', () => {
    const lines = readdirSync(path.join(SHOP, 'base'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:js|sql)$/.test(file))
      .reduce((sum, file) => sum + readFileSync(path.join(SHOP, 'base', file), 'utf8').split('\n').length - 1, 0);
    expect(lines).toBeLessThan(250);
  });
});
