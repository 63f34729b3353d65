import { Pool, type Dispatcher } from 'undici';
import { ERRORS, isJsonObject, messageOf, SlipwayError, type ErrorCode, type JsonValue } from '../../kernel/index.ts';
import { FENCE_HEADER } from '../fence-header.ts';
import type { GroupState, Target } from '../ports.ts';

const ANSWER_MS = 30_000;
/** A removal answers when the last process is gone, which takes as long as the longest grace period. */
const REMOVAL_MS = 15 * 60_000;
/** Several, so that looking never waits behind a removal. */
const CONNECTIONS = 8;

/** The agent's processes, from another process. */
export interface AgentTarget extends Target {
  close(): Promise<void>;
}

/**
 * A target behind the agent's unix socket (see `createTargetRoutes`). All verbs are idempotent, so after
 * `agent_unreachable` the caller may simply call again.
 */
export function createAgentTarget(options: { readonly socketPath: string }): AgentTarget {
  const pool = new Pool('http://agent', { socketPath: options.socketPath, connections: CONNECTIONS });
  const ask = (request: Request): Promise<JsonValue> => exchange(pool, options.socketPath, request);
  const pathOf = (group: string): string => `/v1/groups/${encodeURIComponent(group)}`;
  return {
    apply: async (fence, spec) => {
      await ask({ method: 'PUT', path: pathOf(spec.id), fence, body: JSON.stringify(spec) });
    },
    inspect: async (group) => {
      const answer = (await ask({ method: 'GET', path: pathOf(group) })) as unknown as { readonly group: GroupState | null };
      return answer.group;
    },
    list: async (service, environment) => {
      const query = new URLSearchParams({ service, environment });
      const answer = (await ask({ method: 'GET', path: `/v1/groups?${query.toString()}` })) as unknown as {
        readonly groups: readonly GroupState[];
      };
      return answer.groups;
    },
    output: async (group, { process, index }, lines) => {
      const query = new URLSearchParams({ process, index: String(index), lines: String(lines) });
      const answer = (await ask({ method: 'GET', path: `${pathOf(group)}/output?${query.toString()}` })) as unknown as {
        readonly lines: readonly string[];
      };
      return answer.lines;
    },
    remove: async (fence, group) => {
      await ask({ method: 'DELETE', path: pathOf(group), fence });
    },
    close: () => pool.destroy(),
  };
}

interface Request {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly fence?: number;
  readonly body?: string;
}

async function exchange(pool: Pool, socketPath: string, { method, path, fence, body }: Request): Promise<JsonValue> {
  let response: Dispatcher.ResponseData;
  let text: string;
  try {
    response = await pool.request({
      method,
      path,
      headersTimeout: method === 'DELETE' ? REMOVAL_MS : ANSWER_MS,
      bodyTimeout: ANSWER_MS,
      headers: {
        ...(fence === undefined ? {} : { [FENCE_HEADER]: String(fence) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body ?? null,
    });
    text = await response.body.text();
  } catch (error) {
    throw new SlipwayError('agent_unreachable', `The agent at ${socketPath} does not answer: ${messageOf(error)}`, { cause: error });
  }
  const answer = parse(text);
  if (response.statusCode < 300) return answer;
  throw errorOf(answer, response.statusCode);
}

function parse(text: string): JsonValue {
  if (text === '') return null;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new Error('The agent answered with something that is not JSON', { cause: error });
  }
}

/** The refusal as the agent threw it; a code this build does not know is no refusal we could explain. */
function errorOf(answer: JsonValue, status: number): Error {
  const error = isJsonObject(answer) ? answer['error'] : undefined;
  if (error === undefined || !isJsonObject(error)) return new Error(`The agent answered ${status}`);
  const { code, message, hint } = error;
  const said = typeof message === 'string' ? message : `The agent answered ${status}`;
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return new Error(said);
  return new SlipwayError(code as ErrorCode, said, typeof hint === 'string' ? { hint } : {});
}
