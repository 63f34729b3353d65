import { createServer } from 'node:http';
import { readConfig } from './config.js';
import { openDatabase } from './database.js';
import { Refused, createShop } from './shop.js';

const { service, version, gitSha, databaseUrl } = readConfig();
const database = openDatabase(databaseUrl, `${service}-api-${version}`);
const shop = createShop(database);
let draining = false;

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

async function health() {
  const reachable = await database.read('SELECT 1').then(
    () => true,
    () => false,
  );
  const status = draining ? 'draining' : reachable ? 'ok' : 'database unreachable';
  return [status === 'ok' ? 200 : 503, { status, service, version, gitSha }];
}

const ROUTES = [
  ['GET', /^\/health(?:\/ready)?$/, health],
  ['GET', /^\/health\/live$/, () => [200, { status: 'ok', service, version }]],
  ['GET', /^\/products$/, async (_match, request) => [200, await shop.products(request.headers['x-customer'])]],
  ['GET', /^\/products\/(\d{1,9})$/, async (id) => [200, await shop.product(id)]],
  ['POST', /^\/orders$/, async (_id, request) => [201, await shop.placeOrder(await readBody(request))]],
  ['GET', /^\/orders\/(\d{1,9})$/, async (id) => [200, await shop.order(id)]],
  ['DELETE', /^\/orders\/(\d{1,9})$/, async (id) => [200, await shop.removeOrder(id)]],
];

async function answer(request) {
  const { pathname } = new URL(request.url, 'http://shop');
  const matches = ROUTES.map(([method, pattern, handle]) => ({ method, handle, match: pattern.exec(pathname) })).filter(
    ({ match }) => match,
  );
  const route = matches.find(({ method }) => method === request.method);
  if (route) return route.handle(route.match[1], request);
  throw matches.length > 0 ? new Refused(405, 'method not allowed') : new Refused(404, 'no such page');
}

const server = createServer((request, response) => {
  answer(request)
    .catch((error) => {
      if (error instanceof Refused) return [error.status, { error: error.message }];
      console.error(`${request.method} ${request.url}: ${error.message}`);
      return [500, { error: 'internal error' }];
    })
    .then(([status, body]) => {
      if (draining) response.setHeader('connection', 'close');
      response.writeHead(status, { 'content-type': 'application/json', 'x-shop-version': version });
      response.end(JSON.stringify(body));
    });
});

/** Stops taking connections, lets the requests in flight end, then closes the database. */
function shutDown() {
  if (draining) return;
  draining = true;
  console.log('shutting down');
  server.close(() => database.close().then(() => console.log('bye')));
}

process.on('SIGTERM', shutDown);
process.on('SIGINT', shutDown);
server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`${service} ${version} listens on ${server.address().port}`);
});
