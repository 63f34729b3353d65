import { Pool } from 'undici';
import type { z } from 'zod';
import { ERRORS, type ErrorCode, SlipwayError, messageOf } from '../../kernel/index.ts';
import type { ListenAnswer, Router } from '../ports.ts';
import { FENCE_HEADER, historySchema, listenAnswerSchema, refusalSchema, routeStateSchema, routeStatsSchema } from '../wire.ts';

/** Several, so that no call of one release waits behind a route of another that drains. */
const CONNECTIONS = 8;

export interface AgentRouterOptions {
  /** The agent's unix socket. */
  readonly socketPath: string;
  /** How long one call may take; changes wait for a listener to drain, so this exceeds the router's drain time. Default 60 s. */
  readonly timeoutMs?: number;
}

/** The agent's router, driven from another process over its unix socket. */
export interface AgentRouter extends Router {
  close(): Promise<void>;
}

/** Connects lazily. Every call throws SlipwayError `agent_unreachable` when no agent answers. */
export function createAgentRouter({ socketPath, timeoutMs = 60_000 }: AgentRouterOptions): AgentRouter {
  const client = new Pool('http://agent', { socketPath, connections: CONNECTIONS, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const call = async (request: Call): Promise<Answer> => {
    try {
      // A new connection each time: one kept from before an agent's restart would fail a call that could have been made.
      const response = await client.request({ ...request, reset: true });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (cause) {
      throw new SlipwayError('agent_unreachable', `No agent answers on ${socketPath}: ${messageOf(cause)}`, { cause });
    }
  };
  const change = async (
    method: 'PUT' | 'DELETE',
    id: string,
    { fence, body }: { readonly fence: number; readonly body: string | null },
  ): Promise<void> => {
    const answer = await call({
      method,
      path: pathOf(id),
      headers: { [FENCE_HEADER]: String(fence), 'content-type': 'application/json' },
      body,
    });
    if (answer.status !== 204) throw refusalOf(answer);
  };
  return {
    apply: (fence, spec) => change('PUT', spec.id, { fence, body: JSON.stringify(spec) }),
    remove: (fence, id) => change('DELETE', id, { fence, body: null }),
    inspect: async (id) => read(routeStateSchema, await call({ method: 'GET', path: pathOf(id) })),
    canListen: async (id, { host, port }) => {
      const query = new URLSearchParams({ host, port: String(port) }).toString();
      return listenAnswerOf(await call({ method: 'GET', path: `${pathOf(id)}/listen?${query}` }));
    },
    stats: async (id) => read(routeStatsSchema, await call({ method: 'GET', path: `${pathOf(id)}/stats` })),
    history: async (id, group) =>
      historyFrom(await call({ method: 'GET', path: `${pathOf(id)}/history?${new URLSearchParams({ group }).toString()}` })),
    close: () => client.close(),
  };
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | null;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function pathOf(id: string): string {
  return `/v1/routes/${encodeURIComponent(id)}`;
}

function read<T>(schema: z.ZodType<T>, answer: Answer): T | null {
  if (answer.status === 200) return schema.parse(JSON.parse(answer.text));
  const refusal = refusalOf(answer);
  if (refusal instanceof SlipwayError && refusal.code === 'not_found') return null;
  throw refusal;
}

/** An agent of an older build knows no such question, which is no reason to stop a canary. */
function historyFrom(answer: Answer): z.output<typeof historySchema> | null {
  return answer.status === 404 ? null : read(historySchema, answer);
}

function listenAnswerOf(answer: Answer): ListenAnswer {
  if (answer.status === 200) return listenAnswerSchema.parse(JSON.parse(answer.text));
  const refusal = refusalOf(answer);
  if (refusal instanceof SlipwayError || answer.status !== 404) throw refusal;
  // An agent lives on when Slipway is upgraded, until it is restarted.
  return {
    verdict: 'unknown',
    reason: 'the agent that runs is of an older Slipway, which cannot be asked about addresses',
    fix: 'Restart it: `slipway agent stop`, then `slipway agent start`.',
  };
}

/** The error the agent met, as it would have been thrown here. */
function refusalOf({ status, text }: Answer): Error {
  const parsed = refusalSchema.safeParse(parseJson(text));
  if (!parsed.success) return new Error(`The agent answered ${status}: ${text.slice(0, 200)}`);
  const { code, message, hint } = parsed.data.error;
  return code in ERRORS ? new SlipwayError(code as ErrorCode, message, { hint }) : new Error(`The agent answered ${code}: ${message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
