import { messageOf, type Clock, type Log } from '../../kernel/index.ts';
import type { Listener } from '../listener.ts';
import { FLAG_CHANNEL } from './schema.ts';

/** How often to look although nothing was heard: a notification may be lost, and some poolers swallow all of them. */
const POLL_MS = 1_000;

export interface Watching {
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest change of each environment. */
  readonly newest: () => Promise<ReadonlyMap<string, number>>;
}

/** Calls back for every environment that changed: at once by notification, else within a second; with null after a lost connection. */
export function subscribeToFlags(watching: Watching, heard: (environment: string | null) => void, signal: AbortSignal): () => void {
  const { listener } = watching;
  const stopping = new AbortController();
  const stop = AbortSignal.any([stopping.signal, signal]);
  const unsubscribe = listener.subscribe((channel, payload) => {
    if (channel === null) heard(null);
    else if (channel === FLAG_CHANNEL && payload !== null) heard(payload);
  });
  listener.start();
  void keepLooking(watching, heard, stop);
  return () => {
    unsubscribe();
    stopping.abort();
  };
}

async function keepLooking({ clock, newest, log }: Watching, heard: (environment: string) => void, stop: AbortSignal): Promise<void> {
  let known: ReadonlyMap<string, number> | null = null;
  while (!stop.aborted) {
    try {
      const now = await newest();
      const changed = stop.aborted ? [] : changedSince(known ?? now, now);
      known = now;
      changed.forEach((environment) => heard(environment));
    } catch (error) {
      if (!stop.aborted) log('warn', `flags: the store could not be asked for changes: ${messageOf(error)}`);
    }
    await clock.sleep(POLL_MS, stop);
  }
}

function changedSince(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): readonly string[] {
  return [...now].filter(([name, seq]) => before.get(name) !== seq).map(([name]) => name);
}
