import type { Context } from 'hono';
import type { EncodedSnapshot } from '../../flags/index.ts';
import type { Duration } from '../../kernel/index.ts';
import type { ServeEnv } from '../http/mount.ts';

/**
 * The snapshot, or 304 for whoever has it. `Age` says for how long the store was not asked successfully: what is answered was true then.
 */
export async function answerSnapshot(context: Context<ServeEnv>, encoded: EncodedSnapshot, behindMs: Duration): Promise<Response> {
  const headers: Record<string, string> = {
    etag: encoded.etag,
    age: String(Math.floor(behindMs / 1_000)),
    'cache-control': 'private, no-cache',
    vary: 'accept-encoding, authorization, x-api-key',
  };
  if (hasAlready(context.req.header('if-none-match'), encoded.etag)) return context.body(null, 304, headers);
  headers['content-type'] = 'application/json';
  if (!/\bgzip\b/.test(context.req.header('accept-encoding') ?? '')) return context.body(bytesOf(encoded.body), 200, headers);
  headers['content-encoding'] = 'gzip';
  return context.body(bytesOf(await encoded.gzipped()), 200, headers);
}

/** Hono takes an ArrayBuffer's view only. */
function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2): a proxy that compresses makes tags weak. */
function hasAlready(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}
