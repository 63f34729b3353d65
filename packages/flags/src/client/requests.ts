import type { Platform } from './platform.ts';

/** Where the flags are, and who asks. */
export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** An id of this client's life, so that the server can tell clients apart. */
  readonly client: string;
}

/** How long to wait for the head of an answer. */
const HEAD_MS = 10_000;

/** An answer that is none of flags: the status says why. */
export class Unanswered extends Error {
  readonly status: number;
  /** What the server asked for; null: nothing. */
  readonly retryAfterMs: number | null;

  constructor(response: Response) {
    super(`${new URL(response.url || 'http://unknown').pathname} answered ${response.status}`);
    this.name = 'Unanswered';
    this.status = response.status;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    this.retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) * 1_000 : null;
  }
}

/** Sends a request; the head of the answer has to be there within 10 s, the signal ends it at any time. */
export async function ask(
  platform: Platform,
  { url, token }: Server,
  path: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  const head = new AbortController();
  const stop = platform.after(HEAD_MS, () => head.abort(new Error(`${path} was not answered within ${HEAD_MS / 1_000} s`)));
  try {
    return await platform.fetch(url + path, {
      ...init,
      cache: 'no-store',
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` },
      signal: AbortSignal.any([init.signal, head.signal]),
    });
  } finally {
    stop();
  }
}

/** @throws Unanswered unless the status is one of those that are expected */
export async function expectStatus(response: Response, ...expected: readonly number[]): Promise<Response> {
  if (expected.includes(response.status)) return response;
  await response.body?.cancel().catch(() => undefined);
  throw new Unanswered(response);
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
  await expectStatus(response, 200, 202, 204);
  await response.body?.cancel();
}
