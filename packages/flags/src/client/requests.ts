import { pause, type Platform } from './platform.ts';
import { unansweredText, unreachableText, type Said } from './words.ts';

/** Where the flags are, and who asks. */
export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** An id of this client's life, so that the server can tell clients apart. */
  readonly client: string;
  /** The one that is wanted, where that was said; for what is told of a refusal. */
  readonly environment: string | null;
}

/** How long to wait for the head of an answer. */
const HEAD_MS = 10_000;

/** An answer that is none of flags: the status says why. */
export class Unanswered extends Error {
  readonly status: number;
  /** What the server asked for; null: nothing. */
  readonly retryAfterMs: number | null;

  /** No waiting changes it: the token is a wrong one. */
  readonly isFinal: boolean;
  /** Because it is of another environment than the client wants. */
  readonly isForeign: boolean;

  constructor({ url, environment }: Server, response: Response, said: Said | null) {
    super(unansweredText(url, response.status, said, environment));
    this.name = 'Unanswered';
    this.isFinal = response.status === 401 || response.status === 403;
    this.isForeign = said?.code === 'token_environment';
    this.status = response.status;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    this.retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) * 1_000 : null;
  }
}

/** Nobody answered, or not in time; it may be otherwise in a moment. */
class Unreachable extends Error {
  constructor({ url }: Server, cause: unknown) {
    super(unreachableText(url, cause), { cause });
    this.name = 'Unreachable';
  }
}

/**
 * Sends a request; the head of the answer has to be there within 10 s, the signal ends it at any time.
 * @throws Unreachable, or the reason of the signal
 */
export async function ask(
  platform: Platform,
  server: Server,
  path: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  const head = new AbortController();
  const stop = platform.after(HEAD_MS, () => head.abort(new Error(`no answer within ${HEAD_MS / 1_000} s`)));
  try {
    return await platform.fetch(server.url + path, {
      ...init,
      cache: 'no-store',
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${server.token}` },
      signal: AbortSignal.any([init.signal, head.signal]),
    });
  } catch (error) {
    throw init.signal.aborted ? error : new Unreachable(server, error);
  } finally {
    stop();
  }
}

/** @throws Unanswered unless the status is one of those that are expected */
export async function expectStatus(
  platform: Platform,
  server: Server,
  response: Response,
  ...expected: readonly number[]
): Promise<Response> {
  if (expected.includes(response.status)) return response;
  throw new Unanswered(server, response, await saidBy(platform, response));
}

/** What the server says of its refusal is short: what is not there at once is not waited for. */
const SAID_WITHIN_MS = 1_000;

/** The server's own words; null where others answer, or it takes long. */
async function saidBy(platform: Platform, response: Response): Promise<Said | null> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return null;
  const done = new AbortController();
  try {
    const first = await Promise.race([reader.read(), pause(platform, SAID_WITHIN_MS, done.signal)]);
    return first?.value === undefined ? null : saidIn(new TextDecoder().decode(first.value));
  } catch {
    return null;
  } finally {
    done.abort();
    await reader.cancel().catch(() => undefined);
  }
}

function saidIn(text: string): Said | null {
  const { error } = JSON.parse(text) as { readonly error?: Partial<Record<keyof Said, unknown>> };
  const { code, message, hint } = error ?? {};
  return typeof code === 'string' && typeof message === 'string' && typeof hint === 'string' ? { code, message, hint } : null;
}

/** `?a=1&b=2` of what is not null. */
export function queryOf(parts: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(parts).flatMap(([name, value]) => (value === null ? [] : [`${name}=${encodeURIComponent(value)}`]));
  return given.length === 0 ? '' : `?${given.join('&')}`;
}

/** Posts JSON and waits for the whole answer. */
export async function post(
  platform: Platform,
  server: Server,
  { path, body, signal }: { readonly path: string; readonly body: unknown; readonly signal: AbortSignal },
): Promise<void> {
  const response = await ask(platform, server, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  await expectStatus(platform, server, response, 200, 202, 204);
  await response.body?.cancel();
}
