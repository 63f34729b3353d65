import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_FLAGS } from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { inProcess, scratch, type Ran } from '../cli/support.ts';
import { LEASE } from '../store/support.ts';
import { endStore, placeStore } from '../support/place-store.ts';

const HOUR = 3_600_000;
const home = scratch();
const repository = path.join(home.path, 'code');
const env = { SLIPWAY_HOME: path.join(home.path, 'state'), SLIPWAY_ACTOR: 'ann' };
let opened: OpenStore;

interface Told {
  readonly failed: readonly string[];
  readonly flags: readonly {
    readonly key: string;
    readonly owner: string;
    readonly verdict: string;
    readonly checks: readonly { readonly name: string; readonly verdict: string; readonly reason: string }[];
    readonly fixed: { readonly variant: string; readonly seq: number } | null;
  }[];
  readonly dangling: readonly { readonly key: string; readonly file: string; readonly line: number }[];
}

beforeAll(async () => {
  mkdirSync(env.SLIPWAY_HOME);
  mkdirSync(repository);
  execFileSync('git', ['init', '-q', repository]);
  const code = "import { createClient } from '@slipway/flags';\nconst flags = createClient({});\n";
  writeFileSync(
    path.join(repository, 'a.ts'),
    `${code}flags.boolean('release_used', {}, false);\nflags.boolean('release_gone', {}, false);\n`,
  );
  await placeStore(env.SLIPWAY_HOME);
  opened = await openStore({ home: env.SLIPWAY_HOME, node: 'here:stale-test', clock: systemClock, lease: LEASE });
});
afterAll(async () => {
  const { embedded } = opened;
  await opened.close();
  await endStore(embedded);
  home.remove();
});

const ask = (folder: string, ...args: readonly string[]): Promise<Ran> => inProcess(['-C', folder, 'flag', ...args], env);
const create = (environment: string, key: string, owner: string): Promise<Ran> =>
  ask(repository, 'create', key, '--type', 'release', '--owner', owner, '--expires', '90d', '-e', environment);
const told = async (environment: string, folder: string, ...args: readonly string[]): Promise<Told> =>
  JSON.parse((await ask(folder, 'stale', '-e', environment, '--json', ...args)).out) as Told;
const wrong = ({ flags }: Told): readonly string[] =>
  flags.flatMap(({ key, checks }) => checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => `${key} ${name}`));

describe('flag stale', () => {
  it('tells what may go, why, and whose it is, by the history and the counts of the store', async () => {
    await create('one', 'release_used', 'shop');
    await create('one', 'release_left', 'cart');
    await ask(repository, 'on', 'release_used', '-e', 'one');
    await ask(repository, 'set', 'release_used', '--description', 'no other value', '-e', 'one');
    const hour = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
    await opened.telemetry.count([{ environment: 'one', flag: 'release_used', variant: 'on', hour, count: 3 }]);
    const young = await told('one', repository);
    expect(wrong(young)).toEqual(['release_left not-in-code']);
    const old = await told('one', repository, '--after', '1ms');
    expect(wrong(old)).toEqual([
      'release_left one-variant',
      'release_left never-evaluated',
      'release_left not-in-code',
      'release_used one-variant',
    ]);
    // Since it was turned on, not since it was described.
    expect(old.flags.map(({ key, owner, fixed }) => [key, owner, fixed?.variant, fixed?.seq])).toEqual([
      ['release_left', 'cart', 'off', 2],
      ['release_used', 'shop', 'on', 3],
    ]);
    expect(old.dangling).toEqual([{ key: 'release_gone', file: 'a.ts', line: 4 }]);
    const { out, exit } = await ask(repository, 'stale', '-e', 'one', '--after', '1ms');
    expect(exit).toBe(0);
    expect(out).toMatch(/2 of 2 flags in one may go:\n\ncart\n {2}release_left +everybody has had off for .*\n +never evaluated/);
    expect(out).toMatch(/no flag in one: its own default is served\n {2}release_gone +a\.ts:4/);
    expect(out).toContain('slipway flag refs KEY --cleanup');
    // What asked for it a month ago is no code that asks for it.
    await opened.telemetry.count([{ environment: 'one', flag: 'release_left', variant: 'on', hour: hour - 30 * 24 * HOUR, count: 1 }]);
    expect(wrong(await told('one', repository))).toEqual(['release_left not-in-code']);
  });

  it('fails on what it was told to fail on, and on nothing else', async () => {
    await create('two', 'release_used', 'shop');
    const failing = async (...args: readonly string[]) => {
      const { exit, out } = await ask(repository, 'stale', '-e', 'two', '--json', ...args);
      return [exit, (JSON.parse(out) as Told).failed];
    };
    expect(await failing()).toEqual([0, []]);
    expect(await failing('--fail-on', 'expired', '--fail-on', 'one-variant', '--fail-on', 'not-in-code')).toEqual([0, []]);
    expect(await failing('--fail-on', 'no-flag')).toEqual([6, ['no-flag']]);
    expect(await failing('--fail-on', 'any', '--after', '1ms')).toEqual([6, ['one-variant', 'no-flag']]);
    expect(await failing('--fail-on', 'never-evaluated')).toEqual([0, []]);
    expect(await failing('--fail-on', 'never-evaluated', '--strict')).toEqual([6, ['never-evaluated']]);
    expect(await ask(repository, 'stale', '--strict')).toMatchObject({ exit: 2, err: expect.stringContaining('--fail-on') });
    expect(await ask(repository, 'stale', '--after', 'long')).toMatchObject({ exit: 2, err: expect.stringContaining('such as 14d') });
  });

  it('knows nothing of the code outside of a repository, and of counts where clients ask for all flags at once', async () => {
    await create('three', 'release_used', 'shop');
    const hour = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
    await opened.telemetry.count([{ environment: 'three', flag: 'release_other', variant: 'on', hour, count: 1 }]);
    const { out } = await ask(repository, 'stale', '-e', 'three', '--after', '1ms', '--fail-on', 'never-evaluated');
    expect(out).toContain('Failed on never-evaluated.');
    await opened.telemetry.count([{ environment: 'three', ...ALL_FLAGS, hour: hour + HOUR, count: 1 }]);
    const { flags, dangling } = await told('three', home.path, '--after', '1ms');
    expect(flags[0]?.checks.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'unknown', 'unknown']);
    expect(dangling).toEqual([]);
    const text = await ask(home.path, 'stale', '-e', 'three', '--after', '1ms');
    expect(text.out).toMatch(
      /Not known\n {2}release_used +never-evaluated: .*OFREP.*\n {2}release_used +not-in-code: this folder is no git repository/,
    );
  });
});
