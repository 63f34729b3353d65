import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { attempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import { type Context, createContext, runInContext } from './context.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { ServiceUnavailable } from './unavailable.ts';

/** A request listener of `node:http`; one that returns a promise may also reject. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

interface ListenerParts {
  readonly connections: Connections;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** What nginx writes when the client left before there was an answer; neither our success nor our error. */
const CLIENT_LEFT = 499;

function answerError(log: Logger, response: ServerResponse, error: unknown): void {
  const known = error instanceof ServiceUnavailable ? error : null;
  if (known === null) log.error({ err: error }, 'the handler failed');
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  response.writeHead(known?.status ?? 500, { 'content-type': 'application/json', ...known?.headers });
  response.end(JSON.stringify({ error: known?.message ?? 'internal error' }));
}

function measure({ metrics, log }: ListenerParts, context: Context, request: IncomingMessage, response: ServerResponse): void {
  const began = performance.now();
  const end = metrics.begin();
  response.once('close', () => {
    const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
    const ms = performance.now() - began;
    const { method = '' } = request;
    end({ method, route: context.route, status, seconds: ms / 1_000 });
    const level = status >= 500 ? 'warn' : 'debug';
    runInContext(context, () => log[level]({ method, route: context.route, status, ms: Math.round(ms) }, 'request'));
  });
}

/** Wraps an application so that every request has ids, is measured and is known to a shutdown. Health and metrics are answered here. */
export function createListener(parts: ListenerParts): (handler: Handler) => (request: IncomingMessage, response: ServerResponse) => void {
  return (handler) => (request, response) => {
    parts.connections.begin(response);
    if (parts.answer(request, response)) return;
    const context = createContext(request.headers);
    response.setHeader('x-correlation-id', context.correlationId);
    measure(parts, context, request, response);
    runInContext(context, () => {
      attempt(handler, request, response).catch((error: unknown) => answerError(parts.log, response, error));
    });
  };
}
