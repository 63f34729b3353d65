import { request } from 'undici';
import { messageOf } from '../../../kernel/index.ts';

/** An answer as JSON, or why there is none. */
export type Answered = { readonly json: unknown } | { readonly problem: string };

/** Two versions' buckets take a few kilobytes; more is a query without its `sum`. */
const MOST_BYTES = 1024 * 1024;

/** Asks one instant query. Never throws for what a server or a network does. */
export async function askPrometheus(
  { url, token, timeoutMs }: { readonly url: string; readonly token: string | null; readonly timeoutMs: number },
  query: string,
  signal: AbortSignal,
): Promise<Answered> {
  const base = parseUrl(url);
  if (typeof base === 'string') return { problem: base };
  const late = AbortSignal.timeout(timeoutMs);
  const who = base.origin;
  try {
    const response = await request(`${base.href.replace(/\/+$/, '')}/api/v1/query`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: new URLSearchParams({ query }).toString(),
      signal: AbortSignal.any([late, signal]),
      // A connection kept from before the server's restart would fail a question that could have been answered.
      reset: true,
    });
    const text = await textOf(response.body);
    if (text === null) return { problem: `${who} answered more than ${MOST_BYTES / 1024} KiB` };
    return answerOf(who, response.statusCode, { type: String(response.headers['content-type'] ?? 'no content type'), text });
  } catch (error) {
    if (late.aborted) return { problem: `${who} did not answer within ${timeoutMs} ms` };
    if (signal.aborted) return { problem: 'the reading was ended early' };
    return { problem: `${who} cannot be reached: ${reasonOf(error)}` };
  }
}

function parseUrl(url: string): URL | string {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return 'its address is not an http(s) URL';
  if (parsed.username !== '' || parsed.password !== '') return 'its address holds credentials; give `token` instead';
  return parsed;
}

async function textOf(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      body.destroy();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf(who: string, status: number, { type, text }: { readonly type: string; readonly text: string }): Answered {
  const json = parseJson(text);
  // A refused query says why in its body, with status 400 or 422.
  const refused = refusalIn(json);
  if (refused !== null) return { problem: `${who} refused the query: ${refused}` };
  if (status === 401 || status === 403) return { problem: `${who} answered ${status}: the token is missing, or wrong` };
  if (status !== 200) return { problem: `${who} answered ${status}` };
  return json === undefined ? { problem: `${who} answered ${type}, which is no JSON: is it a Prometheus?` } : { json };
}

function refusalIn(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || !('status' in json) || json.status !== 'error') return null;
  return 'error' in json && typeof json.error === 'string' ? json.error.slice(0, 300) : 'without a reason';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node says "fetch failed" and hides the cause. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  return code === 'ECONNREFUSED' ? 'nobody listens there' : ((messageOf(error) || code) ?? 'no reason was given');
}
