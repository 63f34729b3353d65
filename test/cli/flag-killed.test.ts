import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { LEASE } from '../store/support.ts';
import { endStore, placeStore } from '../support/place-store.ts';
import { inProcess, scratch, type Ran } from './support.ts';

const home = scratch();
const env = { SLIPWAY_HOME: home.path, SLIPWAY_ACTOR: 'ann' };

// Open all the time, so that the server is not started for every command.
let opened: OpenStore;

beforeAll(async () => {
  await placeStore(home.path);
  opened = await openStore({ home: home.path, node: 'here:flag-killed-test', clock: systemClock, lease: LEASE });
});

afterAll(async () => {
  const { embedded } = opened;
  await opened.close();
  await endStore(embedded);
  home.remove();
});

const ask = (...args: readonly string[]): Promise<Ran> => inProcess(args, env);
const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await ask(...args, '--json')).out) as Record<string, unknown>;
const create = (key: string, ...more: readonly string[]): Promise<Ran> =>
  ask('flag', 'create', key, '--type', 'release', '--owner', 'shop', '--expires', '90d', ...more);

describe('a killed flag on the command line', () => {
  it('a killed flag stays off until the kill is taken back', async () => {
    await create('release_twin');
    await ask('flag', 'on', 'release_twin');
    await ask('flag', 'kill', 'release_twin', '--reason', 'it burns');
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/killed by ann.*it burns\n.*unkill/),
    });
    expect((await ask('flag', 'show', 'release_twin')).out).toMatch(/killed by ann at .*: it burns/);
    expect((await ask('flag', 'list')).out).toMatch(/release_twin +killed +boolean/);
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      err: expect.stringContaining('`slipway flag unkill release_twin -e dev`'),
    });
    // Killed again: the first one still says since when, and why.
    await ask('flag', 'kill', 'release_twin', '--reason', 'once more');
    expect((await ask('flag', 'show', 'release_twin')).out).toMatch(/killed by ann at .*: it burns\n +and again by ann at .*: once more/);
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      err: expect.stringMatching(/killed by ann.*it burns; and again by ann.*once more/),
    });
    expect(await json('flag', 'show', 'release_twin')).toMatchObject({
      kill: { reason: 'once more', wasOn: true, first: { reason: 'it burns' } },
      delivery: { servers: 0 },
    });
    expect(await ask('flag', 'unkill', 'release_twin')).toMatchObject({
      exit: 19,
      out: expect.stringContaining(
        'no longer killed: on. Users get that as soon as their clients hear of it; it is as it was before the kill.',
      ),
    });
    expect(await ask('flag', 'unkill', 'release_twin')).toMatchObject({ exit: 4 });
  });
});
