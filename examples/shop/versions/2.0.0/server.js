import { createService } from '@slipway/service';
import { createCustomers } from './customers.js';
import { readConfig } from './config.js';
import { openDatabase } from './database.js';
import { Refused, createShop } from './shop.js';

const { service: name, version, databaseUrl } = readConfig();
const database = openDatabase(databaseUrl, `${name}-api-${version}`);
const shop = createShop(database);
const customers = createCustomers(database);
// Health, metrics, logs, and a shutdown that lets the requests in flight end.
const service = createService({
  showVersion: true,
  secrets: [databaseUrl],
  checks: { database: () => database.read('SELECT 1') },
  // Under `slipway db prove` there is no router that would have to notice that it leaves.
  shutdown: { announceMs: process.env.SLIPWAY_SHADOW === undefined ? 500 : 0 },
});
service.onShutdown('database', () => database.close());

async function readBody(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 65_536) throw new Refused(413, 'the body is too large');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, 'the body must be JSON');
  }
}

const ROUTES = [
  ['GET', '/products', async (_id, request) => [200, await shop.products(request.headers['x-customer'])]],
  ['GET', '/products/:id', async (id) => [200, await shop.product(id)]],
  ['POST', '/orders', async (_id, request) => [201, await shop.placeOrder(await readBody(request))]],
  ['GET', '/orders/:id', async (id) => [200, await shop.order(id)]],
  ['DELETE', '/orders/:id', async (id) => [200, await shop.removeOrder(id)]],
  ['POST', '/customers', async (_id, request) => [201, await customers.add(await readBody(request))]],
  ['GET', '/customers/:id', async (id) => [200, await customers.find(id)]],
  ['PUT', '/customers/:id', async (id, request) => [200, await customers.rename(id, await readBody(request))]],
  ['DELETE', '/customers/:id', async (id) => [200, await customers.remove(id)]],
].map(([method, path, handle]) => ({ method, path, handle, pattern: new RegExp(`^${path.replace(':id', '(\\d{1,9})')}$`) }));

async function answer(request) {
  const { pathname } = new URL(request.url, 'http://shop');
  const matches = ROUTES.filter(({ pattern }) => pattern.test(pathname));
  const route = matches.find(({ method }) => method === request.method);
  if (!route) throw matches.length > 0 ? new Refused(405, 'method not allowed') : new Refused(404, 'no such page');
  service.route(route.path);
  return route.handle(route.pattern.exec(pathname)[1], request);
}

function refusal(error) {
  if (error instanceof Refused) return [error.status, { error: error.message }];
  service.log.error({ err: error }, 'the request failed');
  return [500, { error: 'internal error' }];
}

await service.listen(async (request, response) => {
  const [status, body] = await answer(request).catch(refusal);
  response.writeHead(status, { 'content-type': 'application/json', 'x-shop-version': version });
  response.end(JSON.stringify(body));
});
