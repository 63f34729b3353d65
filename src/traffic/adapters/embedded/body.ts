import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** A request's body: none, kept whole for a retry, or streamed once. */
export type RequestBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly bytes: Buffer }
  | { readonly kind: 'stream'; readonly request: IncomingMessage; touched: boolean };

/** What to do with the body, seen from the headers alone. */
export function bodyKind(request: IncomingMessage, replayBytes: number): 'none' | 'kept' | 'stream' {
  if (request.headers['transfer-encoding'] !== undefined) return 'stream';
  const length = Number(request.headers['content-length'] ?? 0);
  if (length === 0) return 'none';
  return length <= replayBytes ? 'kept' : 'stream';
}

/** True while part of the request's body is still to come. A request without a body counts as read at once. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  return !request.complete && bodyKind(request, 0) !== 'none';
}

/** Reads a small body whole; calls back with null when the client left before it was complete. */
export function keepBody(request: IncomingMessage, done: (bytes: Buffer | null) => void): void {
  const chunks: Buffer[] = [];
  let settled = false;
  const settle = (bytes: Buffer | null): void => {
    if (settled) return;
    settled = true;
    done(bytes);
  };
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => settle(Buffer.concat(chunks)));
  request.once('close', () => settle(null));
  request.once('error', () => settle(null));
}

/** The body in the form undici sends, and whether it can be sent once more. */
export function payloadOf(body: RequestBody): Buffer | Readable | null {
  if (body.kind === 'none') return null;
  return body.kind === 'kept' ? body.bytes : Readable.from(chunksOf(body), { objectMode: false });
}

/** True when sending it again sends the same bytes. */
export function replayable(body: RequestBody): boolean {
  return body.kind !== 'stream' || !body.touched;
}

/** Reads the client's stream without ever destroying it: after a failed attempt the client must still get an answer. */
async function* chunksOf(body: Extract<RequestBody, { kind: 'stream' }>): AsyncGenerator<Buffer> {
  body.touched = true;
  for await (const chunk of body.request.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
}
