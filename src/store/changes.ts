import type { Clock } from '../kernel/index.ts';
import { EVENT_CHANNEL } from './record.ts';
import type { Listener } from './listener.ts';

/** How often to look when notifications work, and when they do not. */
const BACKSTOP_MS = 5_000;
const POLL_MS = 500;

export interface Watch {
  readonly listener: Listener;
  readonly clock: Clock;
  /** The ledger's size now. */
  readonly size: () => Promise<number>;
}

/** Resolves when the ledger is longer than `known`, or the signal aborts. */
export async function waitForChange(watch: Watch, release: string, known: number, signal: AbortSignal): Promise<void> {
  const { listener, clock } = watch;
  listener.start();
  while (!signal.aborted) {
    const nudge = new AbortController();
    const unsubscribe = listener.subscribe((channel, payload) => {
      if (channel === null || (channel === EVENT_CHANNEL && isNews(payload, release, known))) nudge.abort();
    });
    try {
      // Subscribed before looking: what is recorded in between is heard.
      if ((await watch.size()) > known) return;
      await clock.sleep(listener.connected() ? BACKSTOP_MS : POLL_MS, AbortSignal.any([nudge.signal, signal]));
    } finally {
      unsubscribe();
    }
  }
}

function isNews(payload: string | null, release: string, known: number): boolean {
  const [id, size] = (payload ?? '').split(' ');
  return id === release && Number(size) > known;
}
