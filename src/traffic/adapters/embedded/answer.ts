import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasUnreadBody } from './body.ts';

/** Why the router answers by itself. `retryAfter` in seconds. */
export interface OwnAnswer {
  readonly status: 400 | 502 | 503 | 504;
  readonly message: string;
  readonly retryAfter?: number;
}

/** How long a client may take to close its side after it was refused. */
const LINGER_MS = 5_000;

const NAMES = { 400: 'Bad Request', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const;

export const CLOSED: OwnAnswer = { status: 503, message: 'This service is closed for a release.', retryAfter: 5 };
export const HELD_TOO_LONG: OwnAnswer = {
  status: 503,
  message: 'This service is being released and did not open again in time.',
  retryAfter: 2,
};
export const NO_ENDPOINT: OwnAnswer = { status: 503, message: 'No instance of this service is ready.', retryAfter: 1 };
export const UNREACHABLE: OwnAnswer = { status: 502, message: 'The instance that took this request broke the connection.' };
export const TOO_SLOW: OwnAnswer = { status: 504, message: 'The instance that took this request did not answer in time.' };
export const NOT_FORWARDABLE: OwnAnswer = { status: 400, message: 'This request cannot be forwarded.' };

/** Answers a request in the router's own name; harmless when the client has left. */
export function answer(response: ServerResponse, own: OwnAnswer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // A request whose body was not read to its end leaves bytes on the connection that would be taken for the next request.
  if (hasUnreadBody(response.req)) response.shouldKeepAlive = false;
  response.writeHead(own.status, {
    'content-type': 'text/plain; charset=utf-8',
    ...(own.retryAfter === undefined ? {} : { 'retry-after': String(own.retryAfter) }),
  });
  response.end(`${own.message}\n`);
}

/** The same on a bare socket, where there is no response object (upgrades, malformed requests). */
export function answerRaw(socket: Duplex, own: OwnAnswer): void {
  if (socket.destroyed || !socket.writable) return void socket.destroy();
  // A client that never closes its side would keep the connection for ever.
  const late = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(late));
  const retry = own.retryAfter === undefined ? '' : `retry-after: ${own.retryAfter}\r\n`;
  socket.end(
    `HTTP/1.1 ${own.status} ${NAMES[own.status]}\r\nconnection: close\r\n${retry}content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(own.message) + 1}\r\n\r\n${own.message}\n`,
  );
}
