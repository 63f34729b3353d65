import type { Server } from 'node:http';
import type { Handler } from './listener.ts';
import type { Service } from './types.ts';

/** What is used of Fastify, so that its types need not be installed. */
interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: { readonly routeOptions: { readonly url?: string | undefined } }, reply: unknown, done: () => void) => void,
  ): unknown;
  ready(): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
  readonly server: unknown;
}

/** `Fastify(fastifyOptions(service))`: its server is the service's, and so are its log lines, with ids and redaction. */
export function fastifyOptions(service: Pick<Service, 'createServer' | 'log'>): {
  readonly serverFactory: (handler: Handler) => Server;
  readonly loggerInstance: Service['log'];
} {
  return { serverFactory: (handler) => service.createServer(handler), loggerInstance: service.log };
}

/** Names routes by their template, serves the app, and closes it in a shutdown: `await listenFastify(service, app)`. */
export async function listenFastify(
  service: Pick<Service, 'route' | 'listen' | 'onShutdown'>,
  app: FastifyLike,
  at?: { readonly port?: number; readonly host?: string },
): Promise<Server> {
  app.addHook('onRequest', ({ routeOptions }, _reply, done) => {
    if (routeOptions.url !== undefined) service.route(routeOptions.url);
    done();
  });
  service.onShutdown('fastify', () => app.close());
  await app.ready();
  return service.listen(app.server as Server, at);
}
