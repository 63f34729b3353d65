import { OpenFeature, ProviderEvents, ProviderStatus, type Client } from '@openfeature/server-sdk';
import { OpenFeature as OpenFeatureWeb, ProviderEvents as WebEvents } from '@openfeature/web-sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { slipwayProvider } from '../../packages/flags/src/openfeature/server.ts';
import { slipwayWebProvider } from '../../packages/flags/src/openfeature/web.ts';
import { createClient as createWebClient } from '../../packages/flags/src/web.ts';
import type { Signer } from '../../src/flags/index.ts';
import { eventually } from '../store/support.ts';
import { aSwitch, deltaOf, frameOf, newSigner, says, scriptedServer, setOf, type Scripted } from './scripted-server.ts';

let server: Scripted;
let signer: Signer;
beforeEach(async () => {
  server = await scriptedServer();
  signer = newSigner();
});
afterEach(async () => {
  await OpenFeature.close();
  await OpenFeatureWeb.close();
  await server.stop();
});

const FLAGS = {
  'kill-me': aSwitch(true),
  plan: aSwitch(true, {
    valueType: 'json',
    variants: { big: { seats: 9 }, small: { seats: 1 } },
    off: 'small',
    default: { variant: 'small' },
    rules: [{ name: 'big ones', when: { attribute: 'company', operator: 'eq', value: 'acme' }, serve: { variant: 'big' } }],
  }),
};
const options = () => ({ url: server.url, token: 'slp_a_b', initTimeoutMs: 20_000, log: () => undefined });

describe('the stock server SDK', () => {
  const connect = async (client: FlagsClient): Promise<Client> => {
    await OpenFeature.setProviderAndWait(slipwayProvider(client));
    return OpenFeature.getClient();
  };

  it('evaluates in the process, with reason, variant, rule and version, and hears of changes', async () => {
    says(server, signer, setOf(3, FLAGS));
    const client = await connect(createClient(options()));
    expect(await client.getObjectDetails('plan', {}, { targetingKey: 'u', company: 'acme' })).toMatchObject({
      value: { seats: 9 },
      variant: 'big',
      reason: 'TARGETING_MATCH',
      flagMetadata: { flagSetId: 'dev', version: '3', rule: 'big ones' },
    });
    expect(await client.getStringDetails('plan', 'x')).toMatchObject({ value: 'x', reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
    expect(await client.getNumberDetails('nothing', 7)).toMatchObject({ value: 7, errorCode: 'FLAG_NOT_FOUND' });
    const heard: unknown[] = [];
    client.addHandler(ProviderEvents.ConfigurationChanged, (details) => heard.push(details?.flagsChanged));
    server.send(frameOf(signer, deltaOf(4, { 'kill-me': aSwitch(false) })));
    await eventually('the change', () => heard.length > 0);
    expect([heard, await client.getBooleanValue('kill-me', true)]).toEqual([[['kill-me']], false]);
  });

  it('has an error while there are no flags, and is ready as soon as there are', async () => {
    const client = OpenFeature.getClient();
    const refused = OpenFeature.setProviderAndWait(slipwayProvider(createClient({ ...options(), initTimeoutMs: 50 })));
    await expect(refused).rejects.toThrow('there are no flags');
    expect([client.providerStatus, await client.getBooleanValue('kill-me', false)]).toEqual(['ERROR', false]);
    says(server, signer, setOf(3, FLAGS));
    await eventually('it is ready', () => client.providerStatus === ProviderStatus.READY);
    expect(await client.getBooleanValue('kill-me', false)).toBe(true);
  });

  it('says that its token is refused, and goes on with what it has', async () => {
    server.status = 401;
    const client = await connect(createClient({ ...options(), bootstrap: setOf(1, FLAGS) }));
    await eventually('it has an error', () => client.providerStatus === ProviderStatus.ERROR);
    expect(await client.getBooleanValue('kill-me', false)).toBe(true);
  });

  it('says that it is stale, and goes on', async () => {
    const client = await connect(createClient({ ...options(), initTimeoutMs: 50, bootstrap: setOf(1, FLAGS) }));
    await eventually('it is stale', () => client.providerStatus === ProviderStatus.STALE);
    expect(await client.getBooleanValue('kill-me', false)).toBe(true);
  });
});

describe('the stock web SDK', () => {
  it('evaluates in the page, for another context without a request, and hears of changes', async () => {
    says(server, signer, setOf(3, FLAGS));
    await OpenFeatureWeb.setProviderAndWait(slipwayWebProvider(createWebClient(options())));
    const client = OpenFeatureWeb.getClient();
    expect(client.getObjectValue('plan', {})).toEqual({ seats: 1 });
    await OpenFeatureWeb.setContext({ targetingKey: 'u', company: 'acme' });
    expect(client.getObjectValue('plan', {})).toEqual({ seats: 9 });
    let changes = 0;
    client.addHandler(WebEvents.ConfigurationChanged, () => void (changes += 1));
    server.send(frameOf(signer, deltaOf(4, { 'kill-me': aSwitch(false) })));
    await eventually('the change', () => changes > 0);
    expect(client.getBooleanValue('kill-me', true)).toBe(false);
    expect([server.streams.length, server.polls]).toEqual([1, { whole: 0, same: 0 }]);
  });
});
