import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenAddress } from '../../ports.ts';
import { answer, answerRaw } from './answer.ts';
import { CLOSED, HELD_TOO_LONG, NOT_FORWARDABLE } from '../shared/own-answers.ts';
import { bind } from '../shared/bind.ts';
import { bodyKind } from './body.ts';
import { forward } from './exchange.ts';
import type { Route } from './route.ts';
import { tunnel } from './tunnel.ts';

/** How often a closing listener looks whether it is done. */
const SWEEP_MS = 50;

/** The port of one route. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops taking connections at once; resolves when the last request is answered or the drain time is over. Tunnels end with the last request. */
  close(): Promise<void>;
}

/**
 * Takes the listen port of a route.
 * @throws like {@link bind}
 */
export async function listen(route: Route, address: ListenAddress): Promise<Listener> {
  const { limits } = route;
  const server = createServer(
    {
      headersTimeout: limits.clientHeadersMs,
      requestTimeout: limits.clientRequestMs,
      keepAliveTimeout: limits.clientIdleMs,
      connectionsCheckingInterval: limits.clientCheckMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // `Upgrade: h2c` and the like are offers a server may ignore: those are ordinary requests.
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => admit(route, open, request, response),
  );
  server.timeout = limits.clientStallMs;
  const open: Open = { responses: new Set(), tunnels: new Set(), closing: false };
  // Before Node 24.9 every request with an Upgrade field comes here; only a bodyless one can be passed on as a tunnel.
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on the socket is ours, and nobody else listens: a reset would be an uncaught error.
    socket.on('error', ignore);
    if (bodyKind(request, 0) !== 'none') return answerRaw(socket, NOT_FORWARDABLE);
    open.tunnels.add(socket);
    socket.once('close', () => open.tunnels.delete(socket));
    gate(route, {
      go: () => tunnel(route, { request, socket, head }),
      refuse: () => answerRaw(socket, route.spec.mode === 'closed' ? CLOSED : HELD_TOO_LONG),
      onLeave: (left) => void socket.once('close', left),
    });
  });
  server.on('clientError', refuseMalformed);
  await bind(server, address);
  // A failed accept (out of file descriptors) must not end the process that serves everyone else.
  server.on('error', ignore);
  return { ...address, close: () => close(server, open, limits.drainMs) };
}

/** What a listener has to wait for when it closes. */
interface Open {
  readonly responses: Set<ServerResponse>;
  readonly tunnels: Set<Duplex>;
  closing: boolean;
}

function admit(route: Route, open: Open, request: IncomingMessage, response: ServerResponse): void {
  open.responses.add(response);
  response.once('close', () => open.responses.delete(response));
  // Its client then opens the next connection elsewhere, instead of finding this one closed under its next request.
  if (open.closing) response.shouldKeepAlive = false;
  // Without listeners a reset connection would be an uncaught error.
  request.on('error', ignore);
  response.on('error', ignore);
  if (route.spec.mode === 'open') return forward(route, request, response);
  gate(route, {
    go: () => forward(route, request, response),
    refuse: () => answer(response, route.spec.mode === 'closed' ? CLOSED : HELD_TOO_LONG),
    onLeave: (left) => void response.once('close', left),
  });
}

interface Entrant {
  go(): void;
  refuse(): void;
  /** Calls back when the client goes away. */
  onLeave(left: () => void): void;
}

function gate(route: Route, entrant: Entrant): void {
  const { mode } = route.spec;
  if (mode === 'open') return entrant.go();
  const refuse = (): void => {
    route.counters.refuse();
    entrant.refuse();
  };
  const leave = mode === 'closed' ? null : route.hold.enter({ go: () => entrant.go(), refuse });
  if (leave === null) return refuse();
  entrant.onLeave(leave);
}

/** Answers what the parser refused, as Node does by default, but never on a connection that is already gone. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = STATUS_OF[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

const STATUS_OF: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

async function close(server: Server, open: Open, drainMs: number): Promise<void> {
  open.closing = true;
  for (const response of open.responses) if (!response.headersSent) response.shouldKeepAlive = false;
  await new Promise<void>((resolve) => {
    const endTunnels = (): void => {
      for (const socket of open.tunnels) socket.destroy();
    };
    const force = setTimeout(() => {
      endTunnels();
      server.closeAllConnections();
    }, drainMs);
    const sweep = setInterval(() => {
      // A connection that was busy when closing began becomes idle later; Node closes only those idle at the start.
      server.closeIdleConnections();
      // A tunnel never ends by itself: waiting for it would keep everyone else from the next router for nothing.
      if (open.responses.size === 0) endTunnels();
    }, SWEEP_MS);
    server.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      resolve();
    });
  });
}

function ignore(): void {
  // A connection's 'close' event follows and does the work.
}
