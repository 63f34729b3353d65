// What runs in the page. It tells its own server what it sees, so that the test needs no way into the browser.
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { slipwayWebProvider } from '../../packages/flags/src/openfeature/web.ts';
import { createClient } from '../../packages/flags/src/web.ts';

const { base, clientToken, serverToken, key } = JSON.parse(document.querySelector('#order').textContent);

const tell = (who, value) =>
  void fetch('/seen', { method: 'POST', body: JSON.stringify({ who, value }), keepalive: true }).catch(() => undefined);

/** Shows the flag now, and whenever it may be another. */
async function follow(who, provider) {
  await OpenFeature.setProviderAndWait(who, provider);
  const client = OpenFeature.getClient(who);
  const look = () => tell(who, client.getBooleanValue('release_on', false));
  client.addHandler(ProviderEvents.ConfigurationChanged, look);
  look();
}

await OpenFeature.setContext({ targetingKey: 'ann' });
const stock = new OFREPWebProvider({ baseUrl: base, headers: [['X-API-Key', clientToken]], cacheMode: 'disabled' });
const ours = slipwayWebProvider(createClient({ url: location.origin, token: serverToken, environment: 'dev', keys: [key] }));
for (const [who, provider] of Object.entries({ stock, ours })) follow(who, provider).catch((error) => tell(who, `failed: ${error}`));
