import { Client } from 'pg';
import { messageOf, within, type Clock, type Log } from '../kernel/index.ts';
import { WAKE_CHANNEL } from './boss.ts';
import { FLAG_CHANNEL } from './flags/schema.ts';
import { EVENT_CHANNEL } from './record.ts';

/** One listening connection per process; what it misses is found by looking again, so it is only there for speed. */
export interface Listener {
  /** Connects in the background, and again whenever the connection is lost. */
  start(): void;
  connected(): boolean;
  /** Calls back with channel and payload, or with nulls when something may have been missed. Returns how to stop that. */
  subscribe(heard: (channel: string | null, payload: string | null) => void): () => void;
  close(): Promise<void>;
}

const RETRY_MS = 1_000;
/** A connection that only listens does not notice that it is dead: it is asked. */
const PROBE_MS = 2_000;
const PROBE_LIMIT_MS = 3_000;

/** Nothing is opened before {@link Listener.start}. A pooler in transaction mode swallows notifications: use a direct URL for the store. */
export function createListener(url: string, clock: Clock, log: Log): Listener {
  const subscribers = new Set<(channel: string | null, payload: string | null) => void>();
  const closing = new AbortController();
  let client: Client | null = null;
  let running: Promise<void> | null = null;
  const tell = (channel: string | null, payload: string | null): void => subscribers.forEach((heard) => heard(channel, payload));

  const listenOnce = async (): Promise<void> => {
    const next = new Client({
      connectionString: url,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      application_name: 'slipway-listener',
    });
    const ended = new Promise<void>((resolve) => {
      next.on('error', () => resolve());
      next.on('end', () => resolve());
      closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const over = new AbortController();
    try {
      next.on('notification', ({ channel, payload }) => tell(channel, payload ?? ''));
      await next.connect();
      await next.query(`listen ${EVENT_CHANNEL}; listen ${WAKE_CHANNEL}; listen ${FLAG_CHANNEL}`);
      client = next;
      tell(null, null);
      await Promise.race([ended, untilSilent(next, clock, over.signal)]);
    } finally {
      over.abort();
      client = null;
      await next.end().catch(() => undefined);
    }
  };

  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await listenOnce().catch((error: unknown) => log('debug', `store notifications: ${messageOf(error)}`));
      if (!closing.signal.aborted) await clock.sleep(RETRY_MS, closing.signal);
    }
  };

  return {
    start: () => void (running ??= loop()),
    connected: () => client !== null,
    subscribe: (heard) => {
      subscribers.add(heard);
      return () => subscribers.delete(heard);
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

/** Resolves when the connection does not answer any more. */
async function untilSilent(client: Client, clock: Clock, over: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(PROBE_MS, over);
    if (over.aborted || (await within(client.query('select'), PROBE_LIMIT_MS, clock)) === null) return;
  }
}
