import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents, type Provider } from '@openfeature/web-sdk';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeClient } from '../../packages/flags/src/client/client.ts';
import { systemPlatform } from '../../packages/flags/src/client/platform.ts';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';
import { listen, type Heard } from './listen.ts';

/** Four places: two of them are out of reach of public tokens. */
let bed: Bed;
let served: Served;
let tokens: Readonly<Record<'server' | 'public', string>>;
let open: Heard[] = [];
beforeAll(async () => {
  Object.assign(globalThis, { EventSource });
  bed = await openBed();
  served = await bed.serve('--most-streams', '4');
  tokens = { server: await bed.token(['server-evaluate']), public: await bed.token(['client-evaluate']) };
  await bed.write([['release_on', aFlag()]], 'create');
  await until(async () => (await evaluate(tokens.public)).text.includes('release_on'));
});
afterEach(async () => {
  open.forEach((one) => one.close());
  open = [];
  await until(async () => (await metric('slipway_event_streams')) === 0);
});
afterAll(async () => {
  await OpenFeature.clearProviders();
  await bed.stop();
});

const evaluate = (token: string) => served.call('POST /ofrep/v1/evaluate/flags', { token, body: { context: {} } });

async function metric(name: string): Promise<number> {
  const { text } = await served.call('GET /metrics', { token: tokens.server });
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && !one.includes('tokens="server"'));
  return Number(line?.split(' ').at(-1));
}

/** A stream that tells of changes; opened with the right of a token. */
async function notices(token: string): Promise<Heard> {
  const { json } = await evaluate(token);
  const [stream] = json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[];
  const heard = await listen(served.base + (stream?.endpoint.requestUri ?? ''));
  open.push(heard);
  return heard;
}

async function rules(): Promise<Heard> {
  const heard = await listen(`${served.base}/flags/v1/stream`, { authorization: `Bearer ${tokens.server}` });
  open.push(heard);
  return heard;
}

it('streams of public tokens never take the places of servers, and who is refused is told when to come again', async () => {
  expect([(await notices(tokens.public)).status, (await notices(tokens.public)).status]).toEqual([200, 200]);
  const refused = await notices(tokens.public);
  expect([refused.status, Number(refused.headers['retry-after'])]).toEqual([503, expect.toSatisfy((s: number) => s >= 12 && s <= 24)]);
  expect([(await rules()).status, (await notices(tokens.server)).status, (await rules()).status]).toEqual([200, 200, 503]);
  expect([await metric('slipway_event_streams'), await metric('slipway_event_streams_public')]).toEqual([4, 2]);
  expect([await metric('slipway_event_streams_most'), await metric('slipway_event_streams_refused_total')]).toEqual([4, 1]);
  const said = served.log.filter((line) => line.includes('streams are refused'));
  expect(said.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ level: 'warn', tokens: 'public', public: 2, server: 0, most: 4, forPublic: 2 }),
  ]);
  // Its place is free as soon as it is gone.
  open.shift()?.close();
  await until(async () => (await metric('slipway_event_streams')) === 3);
  expect((await rules()).status).toBe(200);
});

it('the refusal has a code, and what it says to do', async () => {
  for (let taken = 0; taken < 4; taken++) await rules();
  const { status, json } = await served.call('GET /flags/v1/stream', { token: tokens.server });
  expect([status, json['error']]).toEqual([
    503,
    {
      code: 'too_many_streams',
      message: expect.any(String) as string,
      hint: expect.stringContaining('--most-streams') as string,
    },
  ]);
});

it('our client without a place goes on by asking, is not stale, and has a stream as soon as there is one', async () => {
  for (let taken = 0; taken < 4; taken++) await rules();
  // It asks when it may: between two questions it has not heard of a kill for certain.
  let [asking, mayAsk] = [0, Promise.resolve()];
  const asked: typeof systemPlatform.fetch = async (url, init) => {
    await mayAsk;
    asking += 1;
    return systemPlatform.fetch(url, init).finally(() => void (asking -= 1));
  };
  const options = { url: served.base, token: tokens.server, initTimeoutMs: 20_000, timings: { pollMs: 500 }, log: () => undefined };
  const client = makeClient(options, { platform: { ...systemPlatform, fetch: asked }, lastGood: null });
  await client.ready;
  let goOn = (): void => undefined;
  mayAsk = new Promise((resolve) => (goOn = resolve));
  await until(() => asking === 0);
  // A kill waits for it as for those that have a stream, and names when it asks.
  const { seq } = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  await until(async () => (await bed.store.telemetry.reach('dev')).some((one) => one.seq === seq && one.connected === 5));
  const [{ stale } = { stale: [] }] = await bed.store.telemetry.reach('dev');
  expect(stale.filter(({ comesBy }) => comesBy !== undefined)).toHaveLength(1);
  goOn();
  await until(() => client.status().seq === seq);
  expect(client.status().state).toBe('READY');
  open.splice(0).forEach((one) => one.close());
  await until(async () => (await metric('slipway_event_streams')) === 1);
  await client.close();
  await bed.write([['release_on', aFlag()]]);
});

it('a stock web client without a place goes on by asking', async () => {
  for (let taken = 0; taken < 2; taken++) await notices(tokens.public);
  const provider = new OFREPWebProvider({ baseUrl: served.base, headers: [['X-API-Key', tokens.public]], cacheMode: 'disabled' });
  await OpenFeature.setProviderAndWait(provider as Provider);
  const client = OpenFeature.getClient();
  const changes: unknown[] = [];
  client.addHandler(ProviderEvents.ConfigurationChanged, (event) => void changes.push(event?.flagsChanged));
  await until(async () => (await metric('slipway_event_streams_refused_total')) > 2);
  expect(client.getBooleanValue('release_on', false)).toBe(true);
  await bed.write([['release_on', aFlag({ enabled: false })]]);
  await until(() => client.getBooleanDetails('release_on', true).reason === 'DISABLED');
  await OpenFeature.clearProviders();
});

it('a bound that is none is refused', async () => {
  for (const given of ['1', '1e4', '1000001']) await expect(bed.serve('--most-streams', given), given).rejects.toThrow('ended with 2:');
});
