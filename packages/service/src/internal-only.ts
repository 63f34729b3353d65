import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface InternalOptions {
  /** Whoever sends `Authorization: Bearer <token>` may look. */
  readonly token?: string;
  /** Default true: a process on the same machine may look, unless a proxy brought the request. */
  readonly loopback?: boolean;
}

/** A router on this machine connects from the loopback address too; these say that somebody else stands behind it. */
const PROXIED = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'] as const;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Returns the test for who may see versions, dependencies and metrics. */
export function createInternalOnly({ token, loopback = true }: InternalOptions): (request: IncomingMessage) => boolean {
  const wanted = token === undefined || token === '' ? null : digest(`Bearer ${token}`);
  return ({ headers, socket }) => {
    // Digests have one length, so the comparison takes the same time whatever was sent.
    if (wanted !== null && timingSafeEqual(digest(headers.authorization ?? ''), wanted)) return true;
    return loopback && LOOPBACK.test(socket.remoteAddress ?? '') && PROXIED.every((name) => headers[name] === undefined);
  };
}
