import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { OwnAnswer } from '../shared/own-answers.ts';
import { hasUnreadBody } from './body.ts';

/** How long a client may take to close its side after it was refused. */
const LINGER_MS = 5_000;

const NAMES = { 400: 'Bad Request', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const;

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
