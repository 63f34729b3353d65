import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from './answer.ts';
import { NO_ENDPOINT, NOT_FORWARDABLE, TOO_SLOW, UNREACHABLE } from '../shared/own-answers.ts';
import { Attempt, type AttemptEvents, type Failure } from './attempt.ts';
import { type RequestBody, bodyKind, hasUnreadBody, keepBody, payloadOf, replayable } from './body.ts';
import { cohortRequest } from './assign.ts';
import { isProbe } from '../../core/probe-agent.ts';
import { type Ending, count } from '../shared/counters.ts';
import { pathOf, requestHeaders, responseHeaders } from './headers.ts';
import type { Backend, Choice } from './pick.ts';
import type { Route } from './route.ts';
import type { Upstream } from './upstream.ts';

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/** A request that was never sent may look for another endpoint this often; one that was sent is sent at most once more. */
const MOST_ATTEMPTS = 3;

/** Hands a request to a backend of the route and its answer back to the client. */
export function forward(route: Route, request: IncomingMessage, response: ServerResponse): void {
  const kind = bodyKind(request, route.limits.replayBytes);
  const path = pathOf(request.url ?? '');
  const headers = requestHeaders(request, kind === 'stream' ? (request.headers['content-length'] ?? null) : null);
  if (path === null || headers === null) {
    route.counters.refuse();
    return answer(response, NOT_FORWARDABLE);
  }
  const start = (body: RequestBody): void => new Exchange(route, request, response, { path, headers, body }).start();
  if (kind === 'none') return start({ kind });
  if (kind === 'stream') return start({ kind, request, touched: false });
  keepBody(request, (bytes) => {
    if (bytes !== null) start({ kind, bytes });
  });
}

interface Prepared {
  readonly path: string;
  readonly headers: string[];
  readonly body: RequestBody;
}

/** One request on its way: at most {@link MOST_ATTEMPTS} attempts, one answer, counted once. */
class Exchange implements AttemptEvents {
  readonly #route: Route;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #prepared: Prepared;
  readonly #startedAt: number;
  readonly #idempotent: boolean;
  readonly #tried: Upstream[] = [];
  #preferred: Backend | null = null;
  #fields: readonly string[] = [];
  #choice: Choice | null = null;
  #attempt: Attempt | null = null;
  #resent = false;
  #gone = false;
  #status = 0;

  constructor(route: Route, request: IncomingMessage, response: ServerResponse, prepared: Prepared) {
    this.#route = route;
    this.#request = request;
    this.#response = response;
    this.#prepared = prepared;
    this.#startedAt = route.clock.monotonic();
    this.#idempotent = IDEMPOTENT.has(request.method ?? '');
  }

  start(): void {
    this.#route.inFlight++;
    this.#response.once('close', () => {
      if (this.#response.writableFinished) return;
      this.#gone = true;
      this.#attempt?.abort();
    });
    const assigned = this.#route.assign(() => cohortRequest(this.#request, this.#prepared.path));
    this.#preferred = assigned.backend;
    this.#fields = assigned.fields;
    const choice = this.#preferred === null ? null : this.#pick(this.#preferred);
    if (choice !== null) return this.#send(choice);
    this.#route.inFlight--;
    if (!isProbe(this.#request.headers)) this.#route.counters.refuse();
    answer(this.#response, NO_ENDPOINT);
  }

  head(status: number, message: string, headers: readonly (Buffer | string)[]): void {
    const version = this.#route.exposeVersion && this.#choice !== null ? ['x-slipway-version', this.#choice.backend.spec.version] : [];
    // The rest of the body will never be read, so the connection cannot carry another request.
    if (hasUnreadBody(this.#request)) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, message, responseHeaders(headers, [...this.#fields, ...version]));
    this.#status = status;
  }

  data(chunk: Buffer): boolean {
    if (this.#response.write(chunk)) return true;
    this.#response.once('drain', () => this.#attempt?.resume());
    return false;
  }

  end(): void {
    this.#choice?.upstream.end('answered');
    this.#settle(this.#status);
    this.#response.end();
  }

  failed(failure: Failure, sent: boolean): void {
    const clientLeft = this.#gone || (this.#request.destroyed && !this.#request.complete);
    this.#choice?.upstream.end(!clientLeft && isBlamed(failure, this.#request) ? 'failed' : 'unknown');
    if (clientLeft) return this.#settle('gone');
    const next = this.#next(failure, sent);
    if (next !== null) return this.#send(next);
    if (this.#response.headersSent) {
      this.#settle('broken');
      return void this.#response.destroy();
    }
    const own = failure === 'timeout' ? TOO_SLOW : failure === 'invalid' ? NOT_FORWARDABLE : UNREACHABLE;
    this.#settle(own.status);
    answer(this.#response, own);
  }

  /** Where to try again, or null when trying again could do something twice or has no hope. */
  #next(failure: Failure, sent: boolean): Choice | null {
    if (!this.#mayTryAgain(failure, sent)) return null;
    const next = this.#preferred === null ? null : this.#pick(this.#preferred);
    if (next === null || (!sent && this.#tried.includes(next.upstream))) return null;
    this.#resent ||= sent;
    const { spec } = this.#choice?.backend ?? {};
    if (spec !== undefined) this.#route.counters.of(spec.group, spec.version).retries++;
    return next;
  }

  #mayTryAgain(failure: Failure, sent: boolean): boolean {
    if (this.#response.headersSent || failure === 'timeout' || failure === 'invalid') return false;
    if (this.#tried.length >= MOST_ATTEMPTS) return false;
    return !sent || (!this.#resent && this.#idempotent && replayable(this.#prepared.body));
  }

  #pick(preferred: Backend): Choice | null {
    return this.#route.pick(preferred, { tried: this.#tried, mayProbe: this.#idempotent && replayable(this.#prepared.body) });
  }

  #send(choice: Choice): void {
    this.#choice = choice;
    this.#tried.push(choice.upstream);
    const attempt = new Attempt(this);
    this.#attempt = attempt;
    choice.upstream.begin();
    const { path, headers, body } = this.#prepared;
    choice.upstream.pool.dispatch({ path, method: this.#request.method ?? 'GET', headers, body: payloadOf(body) }, attempt);
  }

  #settle(ending: Ending): void {
    this.#route.inFlight--;
    if (this.#choice === null || isProbe(this.#request.headers)) return;
    const { group, version } = this.#choice.backend.spec;
    count(this.#route.counters.of(group, version), {
      endpoint: this.#choice.upstream.endpoint,
      ending,
      startedAt: this.#startedAt,
      endedAt: this.#route.clock.monotonic(),
    });
  }
}

/** An instance that refuses an upload may close under it; were that held against it, a client could take it out of service. */
function isBlamed(failure: Failure, request: IncomingMessage): boolean {
  return failure === 'refused' || (failure === 'broken' && !hasUnreadBody(request));
}
