import type { Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { expressRoutes } from '../src/express.ts';
import { fastifyOptions, listenFastify } from '../src/fastify.ts';
import { honoRoutes } from '../src/hono.ts';
import { type Service, ServiceUnavailable, traceHeaders } from '../src/index.ts';
import { type Tried, getJson, tryService, urlOf } from './support.ts';

const at = { port: 0 };
const busy = (): never => {
  throw new ServiceUnavailable('too busy (database)', 2);
};
const boom = (): never => {
  throw new Error('boom');
};

/** The same little application in each framework: /api/orders/:id, /api/busy, /api/boom, and a guard on /api/closed. */
const FRAMEWORKS: readonly (readonly [string, (service: Service) => Promise<Server>])[] = [
  [
    'node:http',
    (service) =>
      service.listen((request, response) => {
        const [, , what = '', id = ''] = new URL(request.url ?? '', 'http://shop').pathname.split('/');
        if (!['orders', 'busy', 'boom', 'closed'].includes(what)) return response.writeHead(404).end();
        service.route(what === 'orders' ? '/api/orders/:id' : `/api/${what}`);
        if (what === 'busy') return busy();
        if (what === 'boom') return boom();
        if (what === 'closed') return response.writeHead(401).end();
        return response.end(JSON.stringify({ id, ...traceHeaders() }));
      }, at),
  ],
  [
    'Express',
    (service) => {
      const app = express();
      app.use(expressRoutes(service));
      const api = express.Router();
      api.get('/orders/:id', (request, response) => void response.json({ id: request.params.id, ...traceHeaders() }));
      api.get('/busy', busy);
      api.get('/boom', boom);
      api.get('/closed', (_request, response) => void response.sendStatus(401));
      app.use('/api', api);
      app.use(((error, _request, response, _next) => {
        response
          .status(error.status ?? 500)
          .set(error.headers)
          .json({ error: error.message });
      }) satisfies express.ErrorRequestHandler);
      return service.listen(app, at);
    },
  ],
  [
    'Fastify',
    (service) => {
      const app = Fastify(fastifyOptions(service));
      app.register(
        (api, _options, done) => {
          api.get<{ Params: { id: string } }>('/orders/:id', async ({ params }) => ({ id: params.id, ...traceHeaders() }));
          api.get('/busy', async () => busy());
          api.get('/boom', async () => boom());
          api.get('/closed', async (_request, reply) => reply.code(401).send({}));
          done();
        },
        { prefix: '/api' },
      );
      return listenFastify(service, app, at);
    },
  ],
  [
    'Hono',
    (service) => {
      const app = new Hono();
      app.use(honoRoutes(service));
      const api = new Hono();
      api.use('/closed', async (context) => context.text('no', 401));
      api.get('/closed', (context) => context.text('never'));
      api.get('/orders/:id', (context) => context.json({ id: context.req.param('id'), ...traceHeaders() }));
      api.get('/:what/:id', (context) => context.text('a route that also matches'));
      api.get('/busy', busy);
      api.get('/boom', boom);
      app.route('/api', api);
      return service.listen(getRequestListener(app.fetch), at);
    },
  ],
];

describe.each(FRAMEWORKS)('%s', (_name, serve) => {
  async function served(use: (url: string, tried: Tried) => Promise<void>): Promise<void> {
    const tried = tryService({ checks: { database: () => undefined } });
    const server = await serve(tried.service);
    await use(urlOf(server), tried);
    await tried.service.shutdown();
    expect(tried.codes).toEqual([0]);
    expect(server.listening).toBe(false);
  }

  it('answers health beside the application, and each request knows its ids', () =>
    served(async (url) => {
      expect((await getJson(`${url}/health/ready`)).body).toEqual({ status: 'ok' });
      expect((await getJson(`${url}/health`)).body).toMatchObject({ name: 'shop', version: '1.2.3' });
      const { body } = await getJson(`${url}/api/orders/7`, { 'x-correlation-id': 'order-7' });
      expect(body).toMatchObject({ id: '7', traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-/), 'x-correlation-id': 'order-7' });
    }));

  it('labels requests by the route template, failures and refusals included, and unknown paths as one', () =>
    served(async (url, { service }) => {
      for (const path of ['orders/1', 'orders/2?x=1', 'busy', 'boom', 'closed', 'nothing/here/at-all']) {
        await (await fetch(`${url}/api/${path}`)).text();
      }
      await (await fetch(`${url}/elsewhere`)).text();
      const counts = async (): Promise<readonly string[]> =>
        [
          ...(await service.metrics.registry.metrics()).matchAll(
            /^http_requests_total\{method="GET",route="(.*?)",status="(\d+)".*\} (\d+)$/gm,
          ),
        ].map(([, route, status, count]) => `${route} ${status} ${count}`);
      await expect
        .poll(async () => (await counts()).toSorted((a, b) => a.localeCompare(b)))
        .toEqual(['/api/boom 500 1', '/api/busy 503 1', '/api/closed 401 1', '/api/orders/:id 200 2', 'unmatched 404 2']);
    }));

  it('turns "not now" into 503 with Retry-After and its own bug into 500', () =>
    served(async (url) => {
      const turnedAway = await fetch(`${url}/api/busy`);
      expect({ status: turnedAway.status, after: turnedAway.headers.get('retry-after') }).toEqual({ status: 503, after: '2' });
      expect((await fetch(`${url}/api/boom`)).status).toBe(500);
    }));
});

describe('what Fastify logs', () => {
  it('has the ids of the request, and neither its cookies nor its query', async () => {
    const { service, lines } = tryService();
    const app = Fastify(fastifyOptions(service));
    app.get('/boom', (request) => {
      request.log.info({ req: request }, 'mine');
      return boom();
    });
    const server = await listenFastify(service, app, at);
    await fetch(`${urlOf(server)}/boom?token=query-secret`, {
      headers: { cookie: 'cookie-secret', authorization: 'header-secret', 'x-correlation-id': 'order-7' },
    });
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'mine', correlation_id: 'order-7', req: expect.objectContaining({ url: '/boom' }) }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', correlation_id: 'order-7', err: expect.objectContaining({ message: 'boom' }) }),
    );
    expect(JSON.stringify(lines)).not.toMatch(/(?:query|cookie|header)-secret/);
    await service.shutdown();
  });
});
