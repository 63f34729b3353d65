import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { messageOf, SlipwayError, type ErrorCode, type Log } from '../kernel/index.ts';
import type { Router } from './ports.ts';
import { FENCE_HEADER, fenceSchema, historyQuerySchema, listenAddressSchema, routeSpecSchema } from './wire.ts';

/**
 * A router over HTTP, for mounting on the agent's socket: `GET|PUT|DELETE /v1/routes/<encoded id>`,
 * `GET /v1/routes/<encoded id>/stats`, `GET /v1/routes/<encoded id>/history?group=`
 * and `GET /v1/routes/<encoded id>/listen?host=&port=`. Changes carry the fence in the header `slipway-fence`.
 * Errors are `{ error: { code, message, hint } }` with the code's HTTP status.
 */
export function createRouterRoutes(router: Router, log: Log): Hono {
  const app = new Hono();
  app.get('/v1/routes/:id', async (context) => context.json(found(context.req.param('id'), await router.inspect(context.req.param('id')))));
  app.get('/v1/routes/:id/stats', async (context) =>
    context.json(found(context.req.param('id'), await router.stats(context.req.param('id')))),
  );
  app.get('/v1/routes/:id/listen', async (context) =>
    context.json(await router.canListen(context.req.param('id'), parse(listenAddressSchema, context.req.query(), 'The address'))),
  );
  app.get('/v1/routes/:id/history', async (context) => {
    const { group } = parse(historyQuerySchema, context.req.query(), 'The group');
    return context.json(found(context.req.param('id'), await router.history(context.req.param('id'), group)));
  });
  app.put('/v1/routes/:id', async (context) => {
    const fence = fenceOf(context.req.header(FENCE_HEADER));
    const body: unknown = await context.req.json().catch(() => undefined);
    if (body === undefined) throw new SlipwayError('usage', 'The body must be a route, as JSON');
    const spec = parse(routeSpecSchema, body, 'The route', 'config_invalid');
    if (spec.id !== context.req.param('id'))
      throw new SlipwayError('usage', `The route in the body is ${spec.id}, not ${context.req.param('id')}`);
    await router.apply(fence, spec);
    return context.body(null, 204);
  });
  app.delete('/v1/routes/:id', async (context) => {
    await router.remove(fenceOf(context.req.header(FENCE_HEADER)), context.req.param('id'));
    return context.body(null, 204);
  });
  app.onError((error, context) => {
    // What is no refusal is our bug; its message may hold anything, so it stays here.
    if (!(error instanceof SlipwayError)) {
      log('error', `${context.req.method} ${context.req.path} failed: ${messageOf(error)}`, { stack: error.stack });
      return context.json({ error: { code: 'internal', message: 'The agent failed on this request; its log says why', hint: '' } }, 500);
    }
    const { code, message, hint } = error;
    return context.json({ error: { code, message, hint } }, error.http as ContentfulStatusCode);
  });
  return app;
}

function found<T>(id: string, value: T | null): T {
  if (value === null) throw new SlipwayError('not_found', `There is no route ${id}`);
  return value;
}

function fenceOf(header: string | undefined): number {
  return parse(fenceSchema, header, `The header ${FENCE_HEADER}`);
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string, code: ErrorCode = 'usage'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SlipwayError(code, `${what} is not valid: ${z.prettifyError(parsed.error)}`);
}
