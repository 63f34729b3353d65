import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { inProcess, scratch } from './support.ts';

const home = scratch();
afterAll(home.remove);

let project: string;
let number = 0;

beforeEach(() => {
  project = join(home.path, `project-${(number += 1)}`);
  mkdirSync(join(project, '.git'), { recursive: true });
  writeFileSync(join(project, '.git/HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'parcel', version: '1.0.0', scripts: { start: 'node server.js', test: 'node --test' } }),
  );
});

describe('init', () => {
  it('writes a file that loads, tells what was found, what was not and what to do next, and ignores the state directory', async () => {
    const { exit, out } = await inProcess(['-C', project, 'init']);
    expect(exit).toBe(0);
    for (const said of ['service   parcel', 'node server.js', 'Please check', 'Next: ', '.slipway/ to .gitignore'])
      expect(out).toContain(said);
    expect((await loadConfig(project)).definition.service).toBe('parcel');
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toBe('.slipway/\n');
  });

  it('keeps a file that is there, unless --force', async () => {
    writeFileSync(join(project, 'slipway.yaml'), 'mine\n');
    expect(await inProcess(['-C', project, 'init'])).toMatchObject({ exit: 4, out: '', err: expect.stringContaining('is there already') });
    expect(readFileSync(join(project, 'slipway.yaml'), 'utf8')).toBe('mine\n');
    expect((await inProcess(['-C', project, 'init', '--force'])).exit).toBe(0);
    expect(readFileSync(join(project, 'slipway.yaml'), 'utf8')).toContain('service: parcel');
  });

  it('adds one line to .gitignore once', async () => {
    writeFileSync(join(project, '.gitignore'), 'node_modules');
    await inProcess(['-C', project, 'init']);
    await inProcess(['-C', project, 'init', '--force']);
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toBe('node_modules\n.slipway/\n');
  });

  it('--print writes nothing; --json carries text and detection', async () => {
    const printed = await inProcess(['-C', project, 'init', '--print']);
    expect(printed.out).toMatch(/^# For checks and completion/);
    const document = JSON.parse((await inProcess(['-C', project, 'init', '--print', '--json'])).out) as object;
    expect(document).toMatchObject({ file: null, text: printed.out, detection: { service: 'parcel', unknowns: expect.any(Array) } });
    await expect(loadConfig(project)).rejects.toMatchObject({ code: 'config_missing' });
  });
});
