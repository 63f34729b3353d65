import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Fields that belong to one connection and are never passed on (RFC 9110 section 7.6.1), `expect` because Node already
 * answered it, and `content-length` of requests because the body's own length decides.
 */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
const REQUEST_ONLY = new Set(['expect', 'content-length', 'x-forwarded-for', 'host']);

/**
 * The fields to send to a backend, as a flat list of names and values in their original case and order.
 * Null for a request with several Host fields, which RFC 9112 section 3.2 has refused: two parsers could each believe another.
 * Adds the client to `x-forwarded-for`; keeps `x-forwarded-proto`, `x-forwarded-host` and `x-request-id` when a proxy in front set them.
 */
export function requestHeaders(request: IncomingMessage, contentLength: string | null): string[] | null {
  const { headers, rawHeaders } = request;
  const nominated = nominatedBy(headers.connection);
  const out: string[] = [];
  if (headers.host !== undefined) out.push('host', headers.host);
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host') hosts++;
    if (HOP_BY_HOP.has(lower) || REQUEST_ONLY.has(lower) || nominated?.has(lower) === true) continue;
    out.push(name, rawHeaders[index + 1] ?? '');
  }
  if (hosts > 1) return null;
  addOrigin(out, request);
  if (contentLength !== null) out.push('content-length', contentLength);
  return out;
}

function addOrigin(out: string[], { headers, socket }: IncomingMessage): void {
  const forwarded = headers['x-forwarded-for'];
  const remote = socket.remoteAddress ?? 'unknown';
  out.push('x-forwarded-for', forwarded === undefined ? remote : `${String(forwarded)}, ${remote}`);
  if (headers['x-forwarded-proto'] === undefined) out.push('x-forwarded-proto', 'http');
  if (headers['x-forwarded-host'] === undefined && headers.host !== undefined) out.push('x-forwarded-host', headers.host);
  if (headers['x-request-id'] === undefined) out.push('x-request-id', randomUUID());
}

/** The fields of a backend's answer to pass on, from undici's raw list (names and values in latin1). */
export function responseHeaders(raw: readonly (Buffer | string)[], extra: readonly string[]): string[] {
  const out: string[] = [];
  let nominated: ReadonlySet<string> | null = null;
  for (let index = 0; index < raw.length; index += 2) {
    if (text(raw[index]).toLowerCase() === 'connection') nominated = nominatedBy(text(raw[index + 1]));
  }
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index]);
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || nominated?.has(lower) === true) continue;
    out.push(name, text(raw[index + 1]));
  }
  out.push(...extra);
  return out;
}

/** Origin-form path of a request target, or null when there is none to forward (`*`, garbage). */
export function pathOf(target: string): string | null {
  if (target.startsWith('/')) return target;
  if (!URL.canParse(target)) return null;
  const { protocol, pathname, search } = new URL(target);
  return protocol === 'http:' || protocol === 'https:' ? pathname + search : null;
}

/** Names a Connection field adds to the hop-by-hop ones; null for the usual `keep-alive` and `close`. */
function nominatedBy(connection: string | undefined): ReadonlySet<string> | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

function text(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '');
}
