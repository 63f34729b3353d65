import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Service } from './types.ts';

/** Middleware is registered for every method and for everything below its path. */
const isHandler = ({ method, path }: { readonly method: string; readonly path: string }): boolean =>
  method !== 'ALL' || !path.endsWith('*');

/**
 * Middleware that gives the service each request's route: `app.use(honoRoutes(service))`, before everything else.
 * Serve the app with `service.listen(getRequestListener(app.fetch))` of `@hono/node-server`.
 */
export function honoRoutes(service: Pick<Service, 'route'>): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const routes = matchedRoutes(context);
    // The last one that was entered answered. When it was middleware (a refused login, say), the route is the one it guards.
    const route = routes.slice(context.req.routeIndex).find(isHandler);
    if (route !== undefined) service.route(route.path);
  };
}
