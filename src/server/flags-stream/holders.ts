import type { Token } from '../../flags/index.ts';
import { messageOf } from '../../kernel/index.ts';
import type { EventStream, Serving } from '../http/mount.ts';

const LOOK_MS = 5_000;

/** Streams by the token they were opened with: they end with it. */
export interface Holders {
  /** Answers how to forget it. */
  add(token: Token, stream: EventStream): () => void;
  stop(): void;
}

interface Held {
  readonly token: Token;
  readonly streams: Set<EventStream>;
}

export function watchTokens({ stillAllowed, log }: Pick<Serving, 'stillAllowed' | 'log'>): Holders {
  const held = new Map<string, Held>();
  const look = async ({ token, streams }: Held): Promise<void> => {
    if (await stillAllowed(token)) return;
    log('info', 'streams are ended: their token is revoked or expired', { token: token.id, streams: streams.size });
    streams.forEach((stream) => stream.end());
  };
  const timer = setInterval(() => {
    for (const one of held.values())
      look(one).catch((error: unknown) => log('warn', 'a token could not be looked up', { error: messageOf(error) }));
  }, LOOK_MS);
  timer.unref();
  return {
    add: (token, stream) => {
      const one = held.get(token.id) ?? { token, streams: new Set() };
      held.set(token.id, one);
      one.streams.add(stream);
      return () => {
        one.streams.delete(stream);
        if (one.streams.size === 0) held.delete(token.id);
      };
    },
    stop: () => clearInterval(timer),
  };
}
