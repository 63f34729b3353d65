import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { awaitDelivery, deliveryOf, type Delivery, type FlagChange } from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { aFlag, openBed, until, type Answer, type Bed, type Served } from './bed.ts';
import { listen } from './listen.ts';

let bed: Bed;
let served: Served;
let token: string;
let client: FlagsClient;
beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
  token = await bed.token(['client-evaluate', 'server-evaluate']);
  await bed.write([['release_on', aFlag()]], 'create');
  client = createClient({ url: served.base, token, initTimeoutMs: 20_000, log: () => undefined });
  await client.ready;
});
afterAll(async () => {
  await client.close();
  await bed.stop();
});

const evaluate = (): Promise<Answer> => served.call('POST /ofrep/v1/evaluate/flags', { token, body: { context: {} } });
const listeners = async (): Promise<number> =>
  (await bed.query(`select pid from pg_stat_activity where application_name = 'slipway-listener'`)).length;
const reached = async ({ environment, seq }: FlagChange): Promise<Delivery> =>
  deliveryOf(await bed.store.telemetry.reach(environment), seq);

it('a server whose way to the store is silent says so, keeps kills incomplete, and finds its way back on new connections', async () => {
  await until(async () => (await evaluate()).text.includes('STATIC'));
  const heard = await listen(`${served.base}/flags/v1/stream`, { authorization: `Bearer ${token}` });
  await until(() => heard.events.length > 0);
  bed.freeze();
  const change = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  await until(async () => (await served.call('GET /health/current')).status === 503);
  await until(() => heard.events.some(({ event }) => event === 'away'));
  const old = await evaluate();
  expect([old.status, old.headers.get('slipway-behind-ms'), old.text.includes('STATIC')]).toEqual([200, expect.any(String), true]);
  // The one that only listens is given up too: its end of it is still there, and never hears of that.
  await until(() => served.log.some((line) => line.includes('store notifications: ')));
  await until(async () => (await reached(change)).silent.length === 1);
  expect(await reached(change)).toMatchObject({ complete: false, silent: [{ pid: served.child.pid }] });
  bed.thaw();
  await until(async () => (await evaluate()).text.includes('DISABLED'));
  await until(() => !client.boolean('release_on', {}, true));
  heard.close();
  const wait = { telemetry: bed.store.telemetry, clock: systemClock };
  expect(await awaitDelivery(wait, change, 20_000, new AbortController().signal)).toMatchObject({ complete: true, silent: [] });
  // What is told by notification comes at once again, on a connection that lives.
  await until(async () => (await listeners()) === 2);
});
