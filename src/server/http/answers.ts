import type { Context, ErrorHandler } from 'hono';
import { messageOf, SlipwayError, type Log, type Redactor } from '../../kernel/index.ts';
import { Later } from './later.ts';
import type { ServeEnv } from './mount.ts';

/** The one shape of a refusal. */
interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

function errorBody({ code, message, hint }: Pick<SlipwayError, 'code' | 'message' | 'hint'>, redact: Redactor): ErrorBody {
  return { error: { code, message: redact(message), hint: redact(hint) } };
}

/** Makes an answer of whatever was thrown. What is our own mistake is logged whole, and told without its words. */
export function onError(log: Log, redact: Redactor): ErrorHandler<ServeEnv> {
  return (error, context) => {
    if (!(error instanceof SlipwayError)) {
      log('error', `a request failed: ${messageOf(error)}`, { method: context.req.method, path: context.req.path, stack: error.stack });
      return context.json({ error: { code: 'internal', message: 'The server made a mistake', hint: 'Its log says more.' } }, 500);
    }
    if (error instanceof Later) context.header('retry-after', String(Math.max(1, Math.ceil(error.afterMs / 1_000))));
    if (error.code === 'token_refused') context.header('www-authenticate', 'Bearer');
    if (error.code === 'store_unreachable' || error.code === 'flags_stale') context.header('retry-after', '1');
    // What was not read of a body that is refused would be read as the next request.
    if (error.code === 'too_large') context.header('connection', 'close');
    return context.json(errorBody(error, redact), error.http as 400);
  };
}

/** No such path, or not with this method. */
export function notFound(methodsOf: (path: string) => readonly string[]) {
  return (context: Context<ServeEnv>): Response => {
    const methods = methodsOf(context.req.path);
    const [code, status] = methods.length === 0 ? (['not_found', 404] as const) : (['method_refused', 405] as const);
    if (methods.length > 0) context.header('allow', methods.join(', '));
    const message = methods.length === 0 ? 'There is nothing at this path' : 'This path does not take this method';
    return context.json({ error: { code, message, hint: 'GET /openapi.json lists what there is.' } }, status);
  };
}
