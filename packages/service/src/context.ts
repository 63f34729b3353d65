import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Trace, formatTraceparent, parseTraceparent } from './core/traceparent.ts';

/** What belongs to one request or job, wherever its code runs. */
export interface Context extends Trace {
  /** The caller's span, when the trace came from outside. */
  readonly parentSpanId?: string;
  readonly tracestate?: string;
  /** The caller's `x-correlation-id` or `x-request-id`, else the trace id. */
  readonly correlationId: string;
  /** The route's template (`/orders/:id`), once something has matched. Never the raw path. */
  route?: string;
}

const storage = new AsyncLocalStorage<Context>();
const CORRELATION = /^[\w.:@/+=-]{1,128}$/;
const MAX_TRACESTATE = 512;

/** A header given twice is nobody's id. */
const single = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

function correlationOf(headers: IncomingHttpHeaders): string | undefined {
  return [single(headers['x-correlation-id']), single(headers['x-request-id'])].find(
    (value) => value !== undefined && CORRELATION.test(value),
  );
}

/** Continues the caller's trace, or begins one. Ids that are not well formed are not passed on. */
export function createContext(headers: IncomingHttpHeaders = {}): Context {
  const parent = parseTraceparent(single(headers['traceparent']));
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
  const tracestate = single(headers['tracestate']);
  return {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    flags: parent?.flags ?? '01',
    ...(parent === null ? {} : { parentSpanId: parent.spanId }),
    ...(parent === null || tracestate === undefined || tracestate.length > MAX_TRACESTATE ? {} : { tracestate }),
    correlationId: correlationOf(headers) ?? traceId,
  };
}

/** Runs `action` so that logs and outgoing calls in it, however late, carry the ids of `context`. */
export function runInContext<T>(context: Context, action: () => T): T {
  return storage.run(context, action);
}

/** The request or job this code runs for; undefined outside of both. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}

/** Headers that carry this request's ids to the next service: `fetch(url, { headers: traceHeaders() })`. Empty outside a request. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const context = currentContext();
  if (context === undefined) return {};
  const { tracestate, correlationId } = context;
  return {
    traceparent: formatTraceparent(context),
    ...(tracestate === undefined ? {} : { tracestate }),
    'x-correlation-id': correlationId,
  };
}
