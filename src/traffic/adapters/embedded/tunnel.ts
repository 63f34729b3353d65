import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NO_ENDPOINT, NOT_FORWARDABLE, TOO_SLOW, UNREACHABLE, type OwnAnswer, answerRaw } from './answer.ts';
import { type Ending, count } from './counters.ts';
import { pathOf, requestHeaders, responseHeaders } from './headers.ts';
import type { Choice } from './pick.ts';
import type { Route } from './route.ts';

/** A client that asked for another protocol (WebSocket): its request, the bare socket, and bytes that came with it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Passes an upgrade to a backend and, once that agreed, bytes both ways until either side ends. A refusal is passed on as an
 * ordinary answer and the connection closed, so a client cannot use an unfinished upgrade to talk past the router.
 * The tunnel counts as in flight; its latency is the time to the backend's decision.
 */
export function tunnel(route: Route, upgrade: Upgrade): void {
  const { request, socket } = upgrade;
  socket.on('error', () => socket.destroy());
  const path = pathOf(request.url ?? '');
  const fields = requestHeaders(request, null);
  const preferred = route.deal();
  const choice = preferred === null ? null : route.pick(preferred, { tried: [], mayProbe: false });
  if (path === null || fields === null || choice === null) {
    route.counters.refuse();
    return answerRaw(socket, choice === null ? NO_ENDPOINT : NOT_FORWARDABLE);
  }
  const { host, port } = choice.upstream.endpoint;
  const headers = [...fields, 'connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? ''];
  const outgoing = httpRequest({ host, port, path, method: request.method ?? 'GET', headers, agent: false, setHost: false });
  watch(route, upgrade, choice, outgoing);
  outgoing.end();
}

function watch(route: Route, { request, socket, head }: Upgrade, choice: Choice, outgoing: ClientRequest): void {
  const startedAt = route.clock.monotonic();
  const decide = setTimeout(() => refuse(TOO_SLOW, 'unknown'), route.limits.responseHeadersMs);
  let decided = false;
  route.inFlight++;
  choice.upstream.begin();
  const record = (ending: Ending): void => {
    decided = true;
    clearTimeout(decide);
    const { group, version } = choice.backend.spec;
    count(route.counters.of(group, version), ending, route.clock.monotonic() - startedAt);
  };
  let open = true;
  const finish = (outcome: 'answered' | 'failed' | 'unknown'): void => {
    if (!open) return;
    open = false;
    route.inFlight--;
    choice.upstream.end(outcome);
  };
  const refuse = (own: OwnAnswer, outcome: 'failed' | 'unknown'): void => {
    if (decided) return;
    record(own.status);
    finish(outcome);
    answerRaw(socket, own);
    outgoing.destroy();
  };
  socket.once('close', () => {
    if (!decided) record('gone');
    finish('answered');
    outgoing.destroy();
  });
  outgoing.once('error', () => refuse(UNREACHABLE, 'failed'));
  outgoing.once('response', (response) => {
    record(response.statusCode ?? 502);
    socket.write(headOf(response, ['connection', 'close']));
    response.on('error', () => socket.destroy()).pipe(socket);
  });
  outgoing.once('upgrade', (response, upstream: Socket, upstreamHead: Buffer) => {
    record(response.statusCode ?? 101);
    socket.write(headOf(response, ['connection', 'Upgrade', 'upgrade', response.headers.upgrade ?? request.headers.upgrade ?? '']));
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    if (head.length > 0) upstream.write(head);
    upstream.on('error', () => socket.destroy()).once('close', () => socket.destroy());
    socket.once('close', () => upstream.destroy());
    upstream.pipe(socket).pipe(upstream);
  });
}

function headOf(response: IncomingMessage, extra: readonly string[]): string {
  const fields = responseHeaders(response.rawHeaders, extra);
  let text = `HTTP/1.1 ${response.statusCode ?? 502} ${response.statusMessage ?? ''}\r\n`;
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  return `${text}\r\n`;
}
