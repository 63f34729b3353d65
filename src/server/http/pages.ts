import type { MiddlewareHandler } from 'hono';
import type { ServeEnv } from './mount.ts';

/** What a page's OFREP client needs, and no more: no cookies, because a token is sent by hand. */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, x-api-key, content-type, if-none-match',
  'access-control-max-age': '7200',
} as const;
const READABLE = { 'access-control-expose-headers': 'etag, retry-after, slipway-behind-ms' } as const;

/**
 * Cross-origin requests of web pages (fetch.spec.whatwg.org, "CORS protocol").
 * @param origins whose pages may ask, or `*`
 */
export function forPages(origins: readonly string[]): MiddlewareHandler<ServeEnv> {
  const all = origins.includes('*');
  return async (context, next) => {
    const origin = context.req.header('origin');
    // Else a cache would give the answer for one origin to another.
    if (!all) context.header('vary', 'origin');
    if (origin === undefined || !(all || origins.includes(origin))) return next();
    const headers = { 'access-control-allow-origin': all ? '*' : origin, ...READABLE };
    const isPreflight = context.req.method === 'OPTIONS' && context.req.header('access-control-request-method') !== undefined;
    if (isPreflight) return context.body(null, 204, { ...headers, ...PREFLIGHT });
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    context.set('pageHeaders', all ? headers : { ...headers, vary: 'origin' });
    return next();
  };
}
