import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFlag, editFlag, killFlag, killOf, killsOf, type Flag, type FlagStore } from '../../src/flags/index.ts';
import { aFlag } from '../server/bed.ts';
import { embeddedServer, type TestServer } from './support.ts';

let server: TestServer;
let store: FlagStore;
beforeAll(async () => {
  server = await embeddedServer();
  store = (await server.open(await server.newDatabase())).flags;
});
afterAll(() => server.stop());

it('kills are found by one question for all flags, and one more for a flag with a long story', async () => {
  const asked = { environment: 'dev', actor: 'ann', reason: 'because' };
  const make = (key: string) => createFlag(store, asked, key, aFlag());
  for (const key of ['release_on', 'release_off', 'release_killed', 'release_long']) await make(key);
  await editFlag(store, asked, 'release_off', { edit: (flag) => ({ ...flag, enabled: false }) });
  for (const key of ['release_killed', 'release_long']) await killFlag(store, asked, key);
  const owned = (owner: string) => (flag: Flag) => ({ ...flag, about: { ...flag.about, owner } });
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
