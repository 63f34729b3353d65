import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { aFlag, openBed, until, type Answer, type Bed, type Served } from './bed.ts';
import { listen, type Heard } from './listen.ts';

let bed: Bed;
let served: Served;
let token: string;
let client: FlagsClient;
let heard: Heard;
beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
  token = await bed.token(['client-evaluate', 'server-evaluate']);
  await bed.write([['release_on', aFlag()]], 'create');
  client = createClient({ url: served.base, token, initTimeoutMs: 20_000, log: () => undefined });
  await client.ready;
  const [stream] = (await evaluate()).json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[];
  heard = await listen(`${served.base}${stream?.endpoint.requestUri ?? ''}`);
});
afterAll(async () => {
  heard.close();
  await client.close();
  await bed.stop();
});

const evaluate = (): Promise<Answer> => served.call('POST /ofrep/v1/evaluate/flags', { token, body: { context: {} } });
const isOn = (): boolean => client.boolean('release_on', {}, false);

/** Asks again and again, as users do, until it is stopped; answers every status there was. */
function askOn(): { readonly stop: () => Promise<ReadonlySet<number>> } {
  const statuses = new Set<number>();
  const stopping = new AbortController();
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      statuses.add((await evaluate()).status);
      await systemClock.sleep(20);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await asking;
      return statuses;
    },
  };
}

it('PostgreSQL is killed and started again: a server answers and streams on meanwhile, and is as good as before after it', async () => {
  await until(isOn);
  const before = heard.events.length;
  const users = askOn();
  await bed.crash();
  // In the middle of it somebody changes a flag, and waits until the store is there again.
  const changing = bed.write([['release_on', aFlag({ enabled: false })]]);
  await until(async () => (await evaluate()).headers.get('slipway-behind-ms') !== null);
  expect([isOn(), heard.ended(), heard.events.length]).toEqual([true, false, before]);
  await bed.revive();
  await changing;
  await until(() => !isOn());
  await until(() => heard.events.length > before);
  await bed.write([['release_on', aFlag()]]);
  await until(isOn);
  const { exit, out } = await bed.cli('flag', 'kill', 'release_on', '--reason', 'it burns', '--within', '30s');
  expect([exit, out]).toEqual([0, expect.stringContaining('1 of 1 clients have it')]);
  expect(isOn()).toBe(false);
  expect(await users.stop()).toEqual(new Set([200]));
  expect([heard.ended(), served.child.exitCode, client.status().state]).toEqual([false, null, 'READY']);
  // What is told by notification comes so again.
  await until(async () => (await bed.query(`select from pg_stat_activity where application_name = 'slipway-listener'`)).length > 0);
});
