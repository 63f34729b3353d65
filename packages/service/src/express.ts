import type { IncomingMessage } from 'node:http';
import type { Service } from './types.ts';

interface ExpressRoute {
  readonly path: string | RegExp | readonly (string | RegExp)[];
}

/** Express says where a router is mounted only while it runs, so the template is put together when the route is chosen. */
function templateOf(baseUrl: string, { path }: ExpressRoute): string {
  const own = Array.isArray(path) ? path.map(String).join('|') : String(path);
  return `${baseUrl}${own === '/' && baseUrl !== '' ? '' : own}`;
}

/**
 * Middleware that gives the service each request's route: `app.use(expressRoutes(service))`, before everything else.
 * Serve the app with `service.listen(app)`.
 */
export function expressRoutes(service: Pick<Service, 'route'>): (request: IncomingMessage, response: unknown, next: () => void) => void {
  return (request, _response, next) => {
    const express = request as IncomingMessage & { readonly baseUrl?: string };
    let chosen: ExpressRoute | undefined;
    Object.defineProperty(request, 'route', {
      configurable: true,
      enumerable: true,
      get: () => chosen,
      set: (route: ExpressRoute | undefined) => {
        chosen = route;
        if (route !== undefined) service.route(templateOf(express.baseUrl ?? '', route));
      },
    });
    next();
  };
}
