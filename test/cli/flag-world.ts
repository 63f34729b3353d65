import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { LEASE } from '../store/support.ts';
import { endStore, placeStore } from '../support/place-store.ts';
import { inProcess, scratch, type Ran } from './support.ts';

/** Commands about flags, on a store of their own. */
export interface FlagWorld {
  /** The state directory. */
  readonly home: string;
  readonly store: () => OpenStore;
  ask(...args: readonly string[]): Promise<Ran>;
  /** What it prints with `--json`. */
  json(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Makes a flag that may be released. */
  create(key: string, ...more: readonly string[]): Promise<Ran>;
}

/** One for the tests of the file that calls this. */
export function flagWorld(): FlagWorld {
  const home = scratch();
  const env = { SLIPWAY_HOME: home.path, SLIPWAY_ACTOR: 'ann' };
  // Open all the time, so that the server is not started for every command.
  let opened: OpenStore;
  beforeAll(async () => {
    await placeStore(home.path);
    opened = await openStore({ home: home.path, node: 'here:flags', clock: systemClock, lease: LEASE });
  });
  afterAll(async () => {
    const { embedded } = opened;
    await opened.close();
    await endStore(embedded);
    home.remove();
  });
  const ask = (...args: readonly string[]): Promise<Ran> => inProcess(args, env);
  return {
    home: home.path,
    store: () => opened,
    ask,
    json: async (...args) => JSON.parse((await ask(...args, '--json')).out) as Record<string, unknown>,
    create: (key, ...more) => ask('flag', 'create', key, '--type', 'release', '--owner', 'shop', '--expires', '90d', ...more),
  };
}
