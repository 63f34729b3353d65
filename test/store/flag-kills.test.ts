import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFlag, editFlag, killFlag, killOf, killsOf, undoKill, type Flag, type FlagStore } from '../../src/flags/index.ts';
import { aFlag } from '../server/bed.ts';
import { embeddedServer, type TestServer } from './support.ts';

let server: TestServer;
let store: FlagStore;
let another: FlagStore;
beforeAll(async () => {
  server = await embeddedServer();
  const url = await server.newDatabase();
  store = (await server.open(url)).flags;
  another = (await server.open(url)).flags;
});
afterAll(() => server.stop());

const owned = (owner: string) => (flag: Flag) => ({ ...flag, about: { ...flag.about, owner } });

it('kills are found by one question for all flags, and one more for a flag with a long story', async () => {
  const asked = { environment: 'dev', actor: 'ann', reason: 'because' };
  const make = (key: string) => createFlag(store, asked, key, aFlag());
  for (const key of ['release_on', 'release_off', 'release_killed', 'release_long']) await make(key);
  await editFlag(store, asked, 'release_off', { edit: (flag) => ({ ...flag, enabled: false }) });
  for (const key of ['release_killed', 'release_long']) await killFlag(store, asked, key);
  for (const owner of ['a', 'b', 'c', 'd', 'e', 'f']) await editFlag(store, asked, 'release_long', { edit: owned(owner) });
  const counted = { newestOf: 0, history: 0 };
  const counting = {
    newestOf: (...given: Parameters<FlagStore['newestOf']>) => ((counted.newestOf += 1), store.newestOf(...given)),
    history: (...given: Parameters<FlagStore['history']>) => ((counted.history += 1), store.history(...given)),
  };
  const { set } = await store.read(asked.environment);
  const found = await killsOf(counting, set);
  expect([...found.keys()]).toEqual(['release_killed', 'release_long']);
  // The first five rows of a long story, and then fifty.
  expect(counted).toEqual({ newestOf: 1, history: 2 });
  for (const [key, kill] of found) expect(kill).toEqual(await killOf(store, asked.environment, key));
});

it('a kill is taken back from what the flag is by then: edits stay, and whoever was quicker decides', async () => {
  const asked = { environment: 'overtaken', actor: 'ann', reason: 'because' };
  await createFlag(store, asked, 'release_a', aFlag());
  const overtaken = (by: () => Promise<unknown>) => {
    let waiting: (() => Promise<unknown>) | null = by;
    const commit: FlagStore['commit'] = async (change) => {
      const first = waiting;
      waiting = null;
      await first?.();
      return store.commit(change);
    };
    return undoKill({ ...store, commit }, asked, 'release_a');
  };
  const stands = async () => (await store.read(asked.environment)).set.flags['release_a'];
  await killFlag(store, asked, 'release_a');
  await overtaken(() => editFlag(another, asked, 'release_a', { edit: owned('ben') }));
  expect(await stands()).toMatchObject({ enabled: true, about: { owner: 'ben' } });
  await killFlag(store, asked, 'release_a');
  const turnedOff = overtaken(async () => {
    await undoKill(another, asked, 'release_a');
    await editFlag(another, asked, 'release_a', { edit: (flag) => ({ ...flag, enabled: false }) });
  });
  await expect(turnedOff).rejects.toMatchObject({ code: 'not_possible_now' });
  expect(await stands()).toMatchObject({ enabled: false });
});

it('a kill gets through although somebody else changes the flag all the time', async () => {
  const asked = { environment: 'busy', actor: 'ann', reason: 'because' };
  await createFlag(store, asked, 'release_a', aFlag());
  const done = new AbortController();
  let changes = 0;
  const busy = (async () => {
    while (!done.signal.aborted) if ((await editFlag(another, asked, 'release_a', { edit: owned(`o${changes}`) })) !== null) changes += 1;
  })();
  await expect.poll(() => changes, { timeout: 20_000 }).toBeGreaterThan(5);
  for (let n = 0; n < 5; n++) {
    await killFlag(store, asked, 'release_a');
    expect((await store.read(asked.environment)).set.flags['release_a']?.enabled).toBe(false);
    await undoKill(store, asked, 'release_a');
  }
  done.abort();
  await busy;
});
