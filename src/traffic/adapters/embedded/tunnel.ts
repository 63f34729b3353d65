import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerRaw } from './answer.ts';
import { NO_ENDPOINT, NOT_FORWARDABLE, TOO_SLOW, UNREACHABLE, type OwnAnswer } from '../shared/own-answers.ts';
import { type Ending, count } from '../shared/counters.ts';
import { pathOf, requestHeaders, responseHeaders } from './headers.ts';
import { cohortRequest } from './assign.ts';
import type { Backend, Choice } from './pick.ts';
import type { Route } from './route.ts';
import type { Upstream } from './upstream.ts';

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
  const path = pathOf(upgrade.request.url ?? '');
  const fields = requestHeaders(upgrade.request, null);
  const { backend: preferred, fields: kept } = route.assign(() => cohortRequest(upgrade.request, path ?? ''));
  const choice = preferred === null ? null : route.pick(preferred, { tried: [], mayProbe: false });
  if (preferred !== null && choice !== null && path !== null && fields !== null)
    return new Handshake(route, upgrade, { path, fields, preferred, kept }).start(choice);
  route.counters.refuse();
  answerRaw(upgrade.socket, path === null || fields === null ? NOT_FORWARDABLE : NO_ENDPOINT);
}

interface Prepared {
  readonly path: string;
  readonly fields: readonly string[];
  readonly preferred: Backend;
  /** For the answer. */
  readonly kept: readonly string[];
}

/** One upgrade on its way to a backend's decision, and its tunnel from then on. */
class Handshake {
  readonly #route: Route;
  readonly #upgrade: Upgrade;
  readonly #prepared: Prepared;
  readonly #startedAt: number;
  readonly #late: NodeJS.Timeout;
  readonly #tried: Upstream[] = [];
  #outgoing: ClientRequest | null = null;
  /** The endpoint it is with; null when it is over. */
  #choice: Choice | null = null;
  #decided = false;

  constructor(route: Route, upgrade: Upgrade, prepared: Prepared) {
    this.#route = route;
    this.#upgrade = upgrade;
    this.#prepared = prepared;
    this.#startedAt = route.clock.monotonic();
    this.#late = setTimeout(() => this.#refuse(TOO_SLOW, 'unknown'), route.limits.responseHeadersMs);
  }

  start(choice: Choice): void {
    this.#route.inFlight++;
    this.#upgrade.socket.once('close', () => {
      const answered = this.#decided;
      this.#decide('gone');
      this.#finish(answered ? 'answered' : 'unknown');
      this.#outgoing?.destroy();
    });
    this.#ask(choice);
  }

  #ask(choice: Choice): void {
    const { request } = this.#upgrade;
    const { host, port } = choice.upstream.endpoint;
    const headers = [...this.#prepared.fields, 'connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? ''];
    this.#choice = choice;
    this.#tried.push(choice.upstream);
    choice.upstream.begin();
    const { path } = this.#prepared;
    const outgoing = httpRequest({ host, port, path, method: request.method ?? 'GET', headers, agent: false, setHost: false });
    this.#outgoing = outgoing;
    // Stays on: ending a request that is under way raises another error.
    outgoing.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    outgoing.once('response', (response) => this.#passOn(response));
    outgoing.once('upgrade', (response, upstream: Socket, head: Buffer) => this.#open(response, upstream, head));
    outgoing.end();
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#decided) return;
    // It took no connection, so nothing was sent and another one may be asked.
    const next = error.syscall === 'connect' ? this.#another() : null;
    if (next === null) return this.#refuse(UNREACHABLE, 'failed');
    const { spec } = this.#choice?.backend ?? {};
    if (spec !== undefined) this.#route.counters.of(spec.group, spec.version).retries++;
    this.#choice?.upstream.end('failed');
    this.#ask(next);
  }

  #another(): Choice | null {
    const next = this.#route.pick(this.#prepared.preferred, { tried: this.#tried, mayProbe: false });
    return next === null || this.#tried.includes(next.upstream) ? null : next;
  }

  #refuse(own: OwnAnswer, outcome: 'failed' | 'unknown'): void {
    if (this.#decided) return;
    this.#decide(own.status);
    this.#finish(outcome);
    answerRaw(this.#upgrade.socket, own);
    this.#outgoing?.destroy();
  }

  #passOn(response: IncomingMessage): void {
    const { socket } = this.#upgrade;
    this.#decide(response.statusCode ?? 502);
    socket.write(headOf(response, ['connection', 'close', ...this.#prepared.kept]));
    response
      .on('error', () => socket.destroy())
      .once('end', () => this.#finish('answered'))
      .pipe(socket);
  }

  #open(response: IncomingMessage, upstream: Socket, upstreamHead: Buffer): void {
    const { request, socket, head } = this.#upgrade;
    this.#decide(response.statusCode ?? 101);
    const protocol = response.headers.upgrade ?? request.headers.upgrade ?? '';
    socket.write(headOf(response, ['connection', 'Upgrade', 'upgrade', protocol, ...this.#prepared.kept]));
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    if (head.length > 0) upstream.write(head);
    upstream.on('error', () => socket.destroy());
    upstream.once('close', () => {
      this.#finish('answered');
      endSoon(socket, this.#route.limits.drainMs);
    });
    socket.once('close', () => upstream.destroy());
    upstream.pipe(socket).pipe(upstream);
  }

  /** Counts the handshake, once. */
  #decide(ending: Ending): void {
    if (this.#decided) return;
    this.#decided = true;
    clearTimeout(this.#late);
    if (this.#choice === null) return;
    const { group, version } = this.#choice.backend.spec;
    count(this.#route.counters.of(group, version), {
      endpoint: this.#choice.upstream.endpoint,
      ending,
      startedAt: this.#startedAt,
      endedAt: this.#route.clock.monotonic(),
    });
  }

  /** Nothing is in flight any more. The client's connection may linger. */
  #finish(outcome: 'answered' | 'failed' | 'unknown'): void {
    if (this.#choice === null) return;
    this.#choice.upstream.end(outcome);
    this.#choice = null;
    this.#route.inFlight--;
  }
}

/** Ends a connection when what was written to it has been taken, which a client that stopped reading does not decide for ever. */
function endSoon(socket: Duplex, withinMs: number): void {
  const late = setTimeout(() => socket.destroy(), withinMs);
  socket.once('close', () => clearTimeout(late));
  socket.end(() => socket.destroy());
}

function headOf(response: IncomingMessage, extra: readonly string[]): string {
  const fields = responseHeaders(response.rawHeaders, extra);
  let text = `HTTP/1.1 ${response.statusCode ?? 502} ${response.statusMessage ?? ''}\r\n`;
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  return `${text}\r\n`;
}
