import type { Agent } from 'undici';
import { isJsonObject, messageOf, resolveTemplate, type Check, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { PROBE_AGENT } from '../../traffic/index.ts';
import { firstDifference } from '../core/contains.ts';
import type { HttpCheck } from '../core/definition.ts';

/** Largest answer that is looked at; a smoke check has no use for more. */
const MAX_BODY = 1024 * 1024;

/** Its own connections, closed after each check: a kept-alive one would hide a server that accepts no new ones. */
async function freshAgent(timeoutMs: number): Promise<Agent> {
  // Loaded when a check is made: a command that only plans or watches makes none.
  const undici = await import('undici');
  return new undici.Agent({ connect: { timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, pipelining: 0 });
}

/** Statuses by which a server says that it may well answer later. */
const LATER = new Set([408, 425, 429, 502, 503, 504]);

/** What one question brought. */
export interface Asked {
  readonly check: Check;
  /** True for an answer that waiting is not likely to change: a 500 is no sign of a server that is still starting. */
  readonly decided: boolean;
}

/** Asks once; what was written is removed again, and a write that cannot be removed is a failure. */
export async function httpCheck(
  check: HttpCheck,
  base: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Asked> {
  const agent = await freshAgent(check.timeoutMs);
  try {
    const headers = Object.fromEntries(
      Object.entries(check.headers).map(([name, value]) => [name, resolveTemplate(value, environment).value]),
    );
    const body = check.body === null ? null : (resolveDeep(check.body, environment) as JsonObject);
    const answer = await ask(agent, { ...check, headers, body, url: `${base}${check.path}` }, signal);
    const problem = problemWith(check, answer);
    // Even a wrong answer may have written something.
    const residue =
      check.cleanup === null
        ? null
        : await cleanUp(check, answer.json, (method, path) =>
            ask(agent, { url: `${base}${path}`, method, headers, body: null, timeoutMs: check.timeoutMs }, signal),
          );
    const reason =
      problem ?? residue ?? `${check.method} ${check.path} answered ${answer.status}${check.cleanup === null ? '' : ' and was cleaned up'}`;
    const verdict = problem === null && residue === null ? 'pass' : 'fail';
    const decided = !check.expectStatus.includes(answer.status) && !LATER.has(answer.status);
    return { check: { name: check.name, verdict, reason }, decided };
  } catch (error) {
    const reason = `${check.method} ${check.path}: ${describe(error, check.timeoutMs)}`;
    // Its whole time to answer was waited for.
    return { check: { name: check.name, verdict: 'fail', reason }, decided: isTimeout(error) };
  } finally {
    await agent.destroy();
  }
}

/** Texts of a body may name variables, so that a login check needs no password in slipway.yaml. */
function resolveDeep(value: JsonValue, environment: Readonly<Record<string, string | undefined>>): JsonValue {
  if (typeof value === 'string') return resolveTemplate(value, environment).value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => resolveDeep(item, environment));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveDeep(item, environment)]));
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  /** The beginning of what came, on one line. */
  readonly said: string;
}

const SAID_LENGTH = 200;

interface Ask {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject | null;
  readonly timeoutMs: number;
}

async function ask(agent: Agent, { url, method, headers, body, timeoutMs }: Ask, signal: AbortSignal): Promise<Answer> {
  const { origin, pathname, search } = new URL(url);
  const response = await agent.request({
    origin,
    path: `${pathname}${search}`,
    method,
    headers: { 'user-agent': PROBE_AGENT, ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).length;
    if (size <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  const got = Buffer.concat(chunks).toString('utf8');
  const said = got
    .slice(0, SAID_LENGTH)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return { status: response.statusCode, json: parse(got), said };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemWith(check: HttpCheck, answer: Answer): string | null {
  if (!check.expectStatus.includes(answer.status))
    return `${check.method} ${check.path} answered ${answer.status}, expected ${check.expectStatus.join(' or ')}${answer.said === '' ? '' : `: ${answer.said}`}`;
  if (check.expectJson === null) return null;
  const difference = firstDifference(check.expectJson, answer.json);
  return difference === null ? null : `${check.method} ${check.path}: ${difference}`;
}

type AskAgain = (method: string, path: string) => Promise<Answer>;

async function cleanUp(check: HttpCheck, json: unknown, askAgain: AskAgain): Promise<string | null> {
  const { cleanup } = check;
  if (cleanup === null) return null;
  const path = cleanup.path.replace(/\{([A-Za-z_]\w*)\}/g, (hole, field: string) => {
    const value = isJsonObject(json) ? json[field] : undefined;
    return value === undefined || value === null || typeof value === 'object' ? hole : encodeURIComponent(String(value));
  });
  if (/\{[A-Za-z_]\w*\}/.test(path))
    return `the answer of ${check.method} ${check.path} has no value for ${path}, so what it wrote could not be removed`;
  const answer = await askAgain(cleanup.method, path);
  return answer.status >= 200 && answer.status < 300 ? null : `cleanup ${cleanup.method} ${path} answered ${answer.status}`;
}

function describe(error: unknown, timeoutMs: number): string {
  return isTimeout(error) ? `no answer within ${timeoutMs} ms` : messageOf(error);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.message.includes('Timeout'));
}
