import { createSseParser, type ServerSentEvent } from '../core/stream/sse.ts';
import type { Platform } from './platform.ts';
import { refusedText, type Refused } from './words.ts';
import { ask, expectStatus, queryOf, type Server } from './requests.ts';

/**
 * The server has another environment for this token, and nothing else to say. Whoever stayed connected would be waited for whenever a flag
 * is killed that it does not have.
 */
export class ForeignEnvironment extends Error {
  constructor(refused: Refused) {
    super(refusedText(refused));
    this.name = 'ForeignEnvironment';
  }
}

/** One connection, from its opening to its end. */
export interface StreamOptions {
  readonly platform: Platform;
  readonly server: Server;
  /** What the client has already; null: nothing that can be gone on from. */
  readonly position: string | null;
  /** The one that is wanted; null: the token's. A server that has another one says so, instead of sending what would be refused. */
  readonly environment: string | null;
  /** Without a single byte for so long, the connection is given up. */
  readonly readTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Each event is dealt with before the next one is read: a client that is slow slows the stream down, not its memory. */
  readonly event: (event: ServerSentEvent) => Promise<void>;
}

/**
 * Reads the stream with the rules until it ends.
 * @throws Unanswered, or whatever the network does
 */
export async function readStream({ platform, server, position, environment, readTimeoutMs, signal, event }: StreamOptions): Promise<void> {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let stopTimer = (): void => undefined;
  const alive = (): void => {
    stopTimer();
    stopTimer = platform.after(readTimeoutMs, () => silence.abort(new Error(`nothing was heard for ${readTimeoutMs} ms`)));
  };
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (position !== null) headers['last-event-id'] = position;
  try {
    const path = `/flags/v1/stream${queryOf({ client: server.client, environment })}`;
    const response = await expectStatus(platform, server, await ask(platform, server, path, { headers, signal: either }), 200);
    if (response.body === null) throw new Error('the stream has no body');
    const parser = createSseParser();
    const decoder = new TextDecoder();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    alive();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      for (const one of parser.push(decoder.decode(value, { stream: true }))) await event(one);
    }
  } finally {
    stopTimer();
    // Frees the socket when it was our parser that gave up.
    silence.abort();
  }
}
