import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { attempt } from './attempt.ts';
import { type CheckResult, type Phase, type Readiness, readiness } from './core/health.ts';
import type { Identity } from './identity.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface EndpointParts {
  readonly identity: Identity;
  readonly showVersion: boolean;
  readonly phase: () => Phase;
  readonly checks: () => Promise<Readonly<Record<string, CheckResult>>>;
  readonly breakers: () => Readonly<Record<string, BreakerState>>;
  readonly registry: Registry;
  readonly isInternal: (request: IncomingMessage) => boolean;
  readonly redact: (text: string) => string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

type Endpoint = (request: IncomingMessage) => Answer | Promise<Answer>;

const json = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });
const NOT_FOUND = json(404, { error: 'not found' });

function createEndpoints({
  identity,
  showVersion,
  phase,
  checks,
  breakers,
  registry,
  isInternal,
  redact,
}: EndpointParts): Record<string, Endpoint> {
  const began = Date.now();
  const examine = async (): Promise<{ readonly results: Readonly<Record<string, CheckResult>>; readonly verdict: Readiness }> => {
    // While starting or leaving the answer is known, and a dependency need not be asked.
    const results = phase() === 'running' ? await checks() : {};
    const open = Object.entries(breakers()).filter(([, state]) => state !== 'closed');
    return {
      results,
      verdict: readiness(
        phase(),
        results,
        open.map(([name]) => name),
      ),
    };
  };
  const statusOf = ({ status }: Readiness): number => (status === 'down' ? 503 : 200);
  return {
    // Only "this process can answer": a restart helps against nothing else, least of all against load.
    '/health/live': () => json(200, { status: 'ok' }),
    '/health/startup': () => (phase() === 'starting' ? json(503, { status: 'starting' }) : json(200, { status: 'ok' })),
    '/health/ready': async () => {
      const { verdict } = await examine();
      return json(statusOf(verdict), showVersion ? { ...verdict, version: identity.version } : verdict);
    },
    '/health': async (request) => {
      if (!isInternal(request)) return NOT_FOUND;
      const { results, verdict } = await examine();
      const uptimeSeconds = Math.round((Date.now() - began) / 1_000);
      const facts = { ...verdict, ...identity, uptimeSeconds, phase: phase(), checks: results, breakers: breakers() };
      // A driver's error message may quote the address it could not reach, password included.
      return { status: statusOf(verdict), body: redact(JSON.stringify(facts)) };
    },
    '/metrics': async (request) =>
      isInternal(request) ? { status: 200, body: await registry.metrics(), type: registry.contentType } : NOT_FOUND,
  };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, type = 'application/json' }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Returns a function that answers health and metrics requests; false means that the request is the application's. */
export function createAnswerer(parts: EndpointParts): (request: IncomingMessage, response: ServerResponse) => boolean {
  const endpoints = createEndpoints(parts);
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
    if (endpoint === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    attempt(endpoint, request).then(
      (answer) => send(request, response, answer),
      (error: unknown) => send(request, response, json(500, { status: 'down', reason: error instanceof Error ? error.name : 'error' })),
    );
    return true;
  };
}
