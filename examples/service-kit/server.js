import { ServiceUnavailable, createService, createWorker, loadSettings, secret, secretsOf, traceHeaders } from '@slipway/service';
import { z } from 'zod';

const settings = loadSettings({
  SUPPLIER_URL: z.url(),
  SUPPLIER_TOKEN: secret(z.string().min(8).optional()),
  REFRESH_MS: z.coerce.number().int().positive().default(5_000),
  BREAKER_OPEN_MS: z.coerce.number().int().positive().default(10_000),
});

async function askSupplier(item, signal) {
  const headers = { ...traceHeaders(), ...(settings.SUPPLIER_TOKEN && { authorization: `Bearer ${settings.SUPPLIER_TOKEN}` }) };
  const response = await fetch(new URL(`/price/${item}`, settings.SUPPLIER_URL), { signal, headers });
  if (!response.ok) throw new Error(`the supplier answered ${response.status}`);
  return response.json();
}

const service = createService({ secrets: secretsOf(settings) });
const supplier = service.breaker('supplier', { timeoutMs: 1_000, minimum: 3, openMs: settings.BREAKER_OPEN_MS });
const desk = service.pool('desk', { size: 20 });
const known = new Map();

/** The supplier's quote, else the last known one, which says that it is old. */
function quote(item) {
  const fresh = async (signal) => {
    const price = await askSupplier(item, signal);
    known.set(item, price);
    return { ...price, stale: false };
  };
  return supplier.run(fresh, (error) => {
    if (known.has(item)) return { ...known.get(item), stale: true };
    throw error instanceof ServiceUnavailable ? error : new ServiceUnavailable('no quote right now', 1, { cause: error });
  });
}

const refresher = createWorker(service, { name: 'refresh', attempts: 1, handle: ({ data }) => quote(data) });
const timer = setInterval(() => {
  for (const item of known.keys()) refresher.run({ id: item, data: item }).catch(() => undefined);
}, settings.REFRESH_MS);
service.onShutdown('timer', () => clearInterval(timer));

await service.listen(async (request, response) => {
  const item = /^\/quotes\/([a-z]{1,30})$/.exec(request.url)?.[1];
  if (item === undefined) return response.writeHead(404).end();
  service.route('/quotes/:item');
  const answer = await desk.run(() => quote(item));
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});
