import type { Token } from '../../flags/index.ts';
import { messageOf } from '../../kernel/index.ts';
import type { EventStream, Serving } from '../http/mount.ts';

/** With the time for which a token counts as looked up, how long the stream of a revoked one lives on (docs/flags/server.md). */
const LOOK_MS = 1_000;

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

export function watchTokens({ clock, stillAllowed, log }: Pick<Serving, 'clock' | 'stillAllowed' | 'log'>): Holders {
  const held = new Map<string, Held>();
  const look = async ({ token, streams }: Held): Promise<void> => {
    if (await stillAllowed(token)) return;
    log('info', 'streams are ended: their token is revoked or expired', { token: token.id, streams: streams.size });
    streams.forEach((stream) => stream.end());
  };
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_MS, stopping.signal);
      for (const one of held.values())
        look(one).catch((error: unknown) => log('warn', 'a token could not be looked up', { error: messageOf(error) }));
    }
  };
  void loop();
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
    stop: () => stopping.abort(),
  };
}
