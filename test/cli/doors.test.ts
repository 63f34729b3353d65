import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess, scratch, slipway } from './support.ts';

const home = scratch();
afterAll(home.remove);

const empty = join(home.path, 'empty');
const broken = join(home.path, 'broken');

beforeAll(() => {
  mkdirSync(empty);
  mkdirSync(broken);
  writeFileSync(join(broken, 'slipway.yaml'), 'service: shop\nprocesse:\n  web: { run: npm start }\n');
});

describe('a mistake gets a clear answer, an exit code and no stack', () => {
  it.each([
    [['relase'], 2, "unknown command 'relase' (Did you mean release?)"],
    [['evidence', 'verfy', 'x'], 2, "unknown command 'verfy' (Did you mean verify?)"],
    [['release', '--wat'], 2, "unknown option '--wat' (Did you mean --wait?)"],
    [['release', '--worker', 'there'], 2, 'Allowed choices are auto, here, agent'],
    [['release', '--env'], 2, 'argument missing'],
    [['list', 'a', 'b'], 2, 'too many arguments'],
    [['demo', '--fault', 'gremlins'], 2, 'crash-at-start'],
    [['-C', '/no/such/folder', 'list'], 2, '/no/such/folder is not a folder'],
    [['-C', '/no/such/folder', 'init'], 2, '/no/such/folder is not a folder'],
    [['-C', empty, 'list', '--limit', '0'], 2, 'a whole number from 1'],
    [['-C', empty, 'list', '--limit', '1e3'], 2, 'a whole number from 1'],
    [['-C', empty, 'release', '--detach', '--worker', 'here'], 2, '--detach'],
    [['-C', empty, 'abort', '--accept', '  '], 2, '--accept needs a reason'],
    [['evidence', 'verify', '/no/such/pack'], 3, 'There is no folder /no/such/pack'],
    [['evidence', 'verify', '/', '--pin', 'SHA256:short'], 2, 'is not a fingerprint'],
  ])('%j', async (args, exit, said) => {
    const ran = await inProcess(args);
    expect(ran).toMatchObject({ exit, out: '', err: expect.stringContaining(said) });
    expect(ran.err).toMatch(/^error: .+\nhint: .+\n$/);
  });

  it.each([
    ['list'],
    ['status'],
    ['show'],
    ['watch'],
    ['plan'],
    ['release'],
    ['pause'],
    ['resume'],
    ['abort'],
    ['approve'],
    ['rollback'],
    ['evidence', 'export'],
    ['evidence', 'verify'],
    ['agent', 'start'],
    ['agent', 'stop'],
    ['worker'],
    ['doctor'],
  ])('%s in a folder Slipway knows nothing of makes nothing there', async (...args) => {
    const ran = await inProcess(['-C', empty, ...args]);
    expect(ran).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('slipway init') });
    expect(readdirSync(empty)).toEqual([]);
  });

  it.each([
    ['plan'],
    ['release'],
    ['db', 'apply'],
    ['db', 'plan'],
    ['db', 'prove'],
    ['db', 'contract'],
    ['db', 'capture'],
    ['db', 'surfaces'],
    ['ramp', 'start', 'new-checkout', '--steps', 'off, 100%', '--reason', 'a try'],
  ])('%s tells a mistake in slipway.yaml before it makes a store', async (...args) => {
    const ran = await inProcess(['-C', broken, ...args]);
    expect(ran).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('slipway.yaml:2:1') });
    expect(existsSync(join(broken, '.slipway'))).toBe(false);
  });

  it('--json puts the refusal on stderr as a document, also when parsing failed', async () => {
    for (const [args, code] of [
      [['-C', empty, 'list', '--json'], 'config_missing'],
      [['--json', '-C', empty, 'list'], 'config_missing'],
      [['list', '--json', '--nonsense'], 'usage'],
    ] as const) {
      const { exit, out, err } = await inProcess(args);
      expect({ exit, out }).toEqual({ exit: 2, out: '' });
      expect(JSON.parse(err)).toEqual({ error: { code, message: expect.any(String), hint: expect.any(String) } });
    }
  });

  it('help that was asked for is a success, help because nothing was said is not', async () => {
    expect(await inProcess(['help', 'release'])).toMatchObject({ exit: 0, out: expect.stringContaining('Usage: slipway release') });
    expect(await inProcess(['help'])).toMatchObject({ exit: 0 });
    expect(await inProcess(['help', 'nope'])).toMatchObject({ exit: 2 });
    expect(await inProcess(['evidence'])).toMatchObject({ exit: 2 });
  });

  it('what was typed cannot steer the terminal', async () => {
    const { err } = await inProcess(['list', '\u001B[2J\u001B]0;x\u0007']);
    expect(err).toContain('too many arguments');
    expect(err).not.toContain('\u001B');
  });

  it('a planted secret in a message is hidden', async () => {
    const { err } = await inProcess(['-C', '/no/hunter2-correct-horse', 'list'], { DB_PASSWORD: 'hunter2-correct-horse' });
    expect(err).toContain('/no/[redacted] is not a folder');
  });

  it('mistakes in slipway.yaml are told with their place, by the built program too', () => {
    const { exit, out, err } = slipway(['plan'], { cwd: broken });
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain('slipway.yaml:2:1');
    expect(err).toContain('processes');
    expect(err).not.toMatch(/^\s+at /m);
    expect(existsSync(join(broken, '.slipway'))).toBe(false);
  });
});

describe('our own bug', () => {
  it('is told apart, asks to be reported, and shows a stack only on request', async () => {
    const stdout = {
      write: () => {
        throw new Error('a bug of ours');
      },
    };
    const { run } = await import('../../src/cli/program.ts');
    for (const [debug, stack] of [
      ['', false],
      ['1', true],
    ] as const) {
      let err = '';
      const exit = await run(['schema'], { stdout, stderr: { write: (text) => (err += text) }, environment: { SLIPWAY_DEBUG: debug } });
      expect(exit).toBe(70);
      expect(err).toMatch(/^internal error: a bug of ours\nhint: .*report/);
      expect(/\n\s+at /.test(err)).toBe(stack);
    }
  });
});
