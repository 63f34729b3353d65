import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature as OnServer, type Client as ServerClient } from '@openfeature/server-sdk';
import { OpenFeature as OnWeb, ProviderEvents, type Client as WebClient, type Provider } from '@openfeature/web-sdk';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';

/** OpenFeature's own clients, as anybody installs them, against what users run: nothing of ours is in the client. */

let bed: Bed;
let served: Served;

const VARIANTS = {
  text: { a: 'left', b: 'right' },
  number: { few: 0.5, many: 20 },
  json: { wide: { columns: 3, names: ['a', 'b'] }, none: {} },
} as const;

beforeAll(async () => {
  // Browsers have it; Node does not.
  Object.assign(globalThis, { EventSource });
  bed = await openBed();
  served = await bed.serve();
  await bed.write([
    ['release_on', aFlag()],
    ['release_off', aFlag({ enabled: false })],
    ['ops_text', aFlag({ valueType: 'string', variants: VARIANTS.text, off: 'a', default: { variant: 'b' } })],
    ['ops_number', aFlag({ valueType: 'number', variants: VARIANTS.number, off: 'few', default: { variant: 'many' } })],
    ['ops_json', aFlag({ valueType: 'json', variants: VARIANTS.json, off: 'none', default: { variant: 'wide' } })],
    [
      'permission_beta',
      aFlag({
        rules: [{ name: 'beta', when: { attribute: 'plan', operator: 'eq', value: 'beta' }, serve: { variant: 'on' } }],
        default: { variant: 'off' },
      }),
    ],
    ['experiment_split', aFlag({ default: { weights: [{ variant: 'on', weight: 100_000 }] } })],
    ['ops odd.key', aFlag()],
  ]);
  const token = await bed.token(['client-evaluate']);
  await until(async () =>
    (await served.call('POST /ofrep/v1/evaluate/flags', { token, body: { context: {} } })).text.includes('release_on'),
  );
});

afterAll(async () => bed.stop());
afterEach(async () => {
  await OnServer.clearProviders();
  await OnWeb.clearProviders();
});

async function serverClient(token: string): Promise<ServerClient> {
  await OnServer.setProviderAndWait(new OFREPProvider({ baseUrl: served.base, headers: [['Authorization', `Bearer ${token}`]] }));
  return OnServer.getClient();
}

async function webClient(token: string, context: Record<string, string>): Promise<WebClient> {
  await OnWeb.setContext(context);
  const provider = new OFREPWebProvider({ baseUrl: served.base, headers: [['X-API-Key', token]], cacheMode: 'disabled' });
  // Their types and ours differ in how exact they are about what is optional.
  await OnWeb.setProviderAndWait(provider as Provider);
  return OnWeb.getClient();
}

const USER = { targetingKey: 'ann', plan: 'free' };

describe('the server SDK', () => {
  it('gets values of every type, with variant and reason', async () => {
    const client = await serverClient(await bed.token(['server-evaluate']));
    expect(await client.getBooleanDetails('release_on', false, USER)).toMatchObject({ value: true, variant: 'on', reason: 'STATIC' });
    expect(await client.getStringDetails('ops_text', 'code', USER)).toMatchObject({ value: 'right', variant: 'b' });
    expect(await client.getNumberDetails('ops_number', 1, USER)).toMatchObject({ value: 20, variant: 'many' });
    expect(await client.getObjectDetails('ops_json', {}, USER)).toMatchObject({ value: VARIANTS.json.wide, variant: 'wide' });
  });

  it('gets what the rules say of its context', async () => {
    const client = await serverClient(await bed.token(['server-evaluate']));
    expect(await client.getBooleanDetails('permission_beta', false, { ...USER, plan: 'beta' })).toMatchObject({
      value: true,
      reason: 'TARGETING_MATCH',
    });
    expect(await client.getBooleanDetails('permission_beta', true, USER)).toMatchObject({ value: false, reason: 'DEFAULT' });
    expect(await client.getBooleanDetails('experiment_split', false, USER)).toMatchObject({ value: true, reason: 'SPLIT' });
  });

  it('gets the safe value of a flag that is off, and of a split without a targeting key', async () => {
    const client = await serverClient(await bed.token(['server-evaluate']));
    expect(await client.getBooleanDetails('release_off', true, USER)).toMatchObject({ value: false, variant: 'off', reason: 'DISABLED' });
    expect(await client.getBooleanDetails('experiment_split', true, {})).toMatchObject({ value: false, variant: 'off', reason: 'DEFAULT' });
  });

  it('finds a flag whatever is in its key, and falls back to the code where there is none', async () => {
    const client = await serverClient(await bed.token(['server-evaluate']));
    expect(await client.getBooleanValue('ops odd.key', false, USER)).toBe(true);
    for (const key of ['nothing_there', '__proto__', 'constructor', '../../flags', ' '])
      expect(await client.getBooleanDetails(key, true, USER), key).toMatchObject({ value: true, reason: 'ERROR' });
    expect(await client.getStringDetails('release_on', 'code', USER)).toMatchObject({ value: 'code', errorCode: 'TYPE_MISMATCH' });
  });

  it('is refused without a token, or with one that may not evaluate, and serves the code default', async () => {
    for (const token of ['', 'slp_nobody_0000', await bed.token(['write'])]) {
      const client = await serverClient(token);
      expect(await client.getBooleanDetails('release_on', false, USER), token).toMatchObject({ value: false, reason: 'ERROR' });
    }
  });

  it('is told to wait when it asks too often, and serves the code default meanwhile', async () => {
    // One a second: however slow this machine is, twenty are more.
    const slow = await bed.serve('--rate', '1');
    const token = await bed.token(['server-evaluate']);
    await OnServer.setProviderAndWait(new OFREPProvider({ baseUrl: slow.base, headers: [['Authorization', `Bearer ${token}`]] }));
    const client = OnServer.getClient();
    const asked = await Promise.all(Array.from({ length: 20 }, () => client.getBooleanDetails('release_on', false, USER)));
    const refused = asked.filter(({ errorCode }) => errorCode !== undefined);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ value, errorMessage }) => !value && /rate limit|TooManyRequests/.test(errorMessage ?? ''))).toBe(true);
    expect(asked.filter(({ value }) => value).length).toBeGreaterThan(0);
  });
});

describe('the web SDK', () => {
  it('gets all values at once, and others for another context', async () => {
    const client = await webClient(await bed.token(['client-evaluate']), USER);
    expect(client.getBooleanDetails('release_on', false)).toMatchObject({ value: true, variant: 'on', reason: 'STATIC' });
    expect(client.getStringValue('ops_text', 'code')).toBe('right');
    expect(client.getNumberValue('ops_number', 1)).toBe(20);
    expect(client.getObjectValue('ops_json', {})).toEqual(VARIANTS.json.wide);
    expect(client.getBooleanDetails('release_off', true)).toMatchObject({ value: false, reason: 'DISABLED' });
    expect(client.getBooleanValue('permission_beta', true)).toBe(false);
    await OnWeb.setContext({ ...USER, plan: 'beta' });
    expect(client.getBooleanValue('permission_beta', false)).toBe(true);
  });

  it('starts without a targeting key', async () => {
    const client = await webClient(await bed.token(['client-evaluate']), {});
    expect(client.getBooleanValue('release_on', false)).toBe(true);
    expect(client.getBooleanDetails('experiment_split', true)).toMatchObject({ value: false, reason: 'DEFAULT' });
  });

  it('hears of a change that was made past its server, and is not told of one that does not concern it', async () => {
    await bed.write([['ops_toggle', aFlag({ enabled: false })]]);
    await until(async () =>
      (await served.call('POST /ofrep/v1/evaluate/flags', { token: asking, body: { context: {} } })).text.includes('ops_toggle'),
    );
    const client = await webClient(await bed.token(['client-evaluate']), USER);
    const changes: (readonly string[] | undefined)[] = [];
    client.addHandler(ProviderEvents.ConfigurationChanged, (event) => void changes.push(event?.flagsChanged));
    expect(client.getBooleanValue('ops_toggle', true)).toBe(false);
    await until(() => served.log.some((line) => line.includes('/ofrep/v1/stream')));
    await bed.write([['ops_toggle', aFlag()]]);
    await until(() => changes.length > 0);
    expect(changes).toEqual([['ops_toggle']]);
    expect(client.getBooleanValue('ops_toggle', false)).toBe(true);
    await bed.write([['ops_toggle', aFlag({ enabled: false })]], 'kill');
    await until(() => changes.length > 1);
    expect(client.getBooleanDetails('ops_toggle', true)).toMatchObject({ value: false, reason: 'DISABLED' });
  });

  it('does not start with a token that is not known', async () => {
    await expect(webClient('slp_nobody_0000', USER)).rejects.toThrow('Initialization failed');
    expect(OnWeb.getClient().providerStatus).toBe('FATAL');
  });
});

let asking: string;
beforeAll(async () => {
  asking = await bed.token(['client-evaluate']);
});
