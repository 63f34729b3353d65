import { attempt } from './attempt.ts';
import type { Drainable } from './shutdown.ts';

/** Transactions and other work that outlives its request, and streams that must be told to end. */
export interface Work {
  /** Runs `action`; a shutdown waits for it. Its signal aborts when the drain time is over. */
  track<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Registers an open stream (SSE, WebSocket). `end` is called when a shutdown drains: say goodbye and close.
   * @returns a function to call when the stream has closed by itself
   */
  stream(end: () => void): () => void;
}

export function createWork(): { readonly work: Work; readonly drainables: readonly Drainable[] } {
  const running = new Set<Promise<unknown>>();
  const streams = new Set<() => void>();
  const over = new AbortController();
  let draining = false;
  const quiet = async (): Promise<void> => {
    while (running.size > 0) await Promise.allSettled(running);
  };
  const work: Work = {
    track: async (action) => {
      const ended = attempt(action, AbortSignal.any([over.signal]));
      running.add(ended);
      try {
        return await ended;
      } finally {
        running.delete(ended);
      }
    },
    stream: (end) => {
      // A stream opened after the others were told would never hear of it.
      if (draining) end();
      else streams.add(end);
      return () => void streams.delete(end);
    },
  };
  const endStreams = (): Promise<void> => {
    draining = true;
    const failed = [...streams].flatMap((end) => {
      try {
        end();
        return [];
      } catch (error) {
        return [error];
      }
    });
    streams.clear();
    return failed.length > 0 ? Promise.reject(new AggregateError(failed, 'a stream could not be ended')) : Promise.resolve();
  };
  const cutWork = (): number => {
    over.abort(new Error('The process is shutting down and the drain time is over.'));
    return running.size;
  };
  return {
    work,
    drainables: [
      { name: 'streams', drain: endStreams, cut: () => 0 },
      { name: 'work', drain: quiet, cut: cutWork },
    ],
  };
}
