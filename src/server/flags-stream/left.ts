import type { LeftClient } from '../../flags/index.ts';
import { messageOf } from '../../kernel/index.ts';
import type { Serving } from '../http/mount.ts';
import type { Counted } from './channel.ts';

/** Whether somebody has come that another process left is looked so often. */
const LOOK_MS = 1_000;
/** More clients than this are not named: they are waited for by their number. */
const MOST_NAMED = 50_000;

/** Clients that processes leave to each other when they end: whoever has come to another one is waited for no more. */
export interface Left {
  /** Looks who is waited for, once a second; in between it is nobody. */
  look(): Promise<void>;
  /** Who of them is connected here. To be told together with numbers of this same moment, which they are in. */
  back(channel: Counted): readonly string[];
  /** This process ends: whoever is connected now must come back. Answers how to tell it. */
  end(channels: readonly Counted[]): () => Promise<void>;
}

export function createLeft({ clock, log, telemetry, process }: Pick<Serving, 'clock' | 'log' | 'process' | 'telemetry'>): Left {
  let awaited: Awaited<ReturnType<typeof telemetry.awaited>> = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  let ending = false;
  const handOver = async (clients: readonly LeftClient[]): Promise<void> => {
    if (clients.length === 0 || clients.length > MOST_NAMED) return;
    try {
      await telemetry.handOver(process, clients);
    } catch (error) {
      log('warn', 'who must come back could not be written: kills wait for them by their number', { error: messageOf(error) });
    }
  };
  return {
    look: async () => {
      awaited = [];
      if (clock.monotonic() - lookedAt < LOOK_MS) return;
      lookedAt = clock.monotonic();
      try {
        awaited = await telemetry.awaited(process);
      } catch (error) {
        log('debug', 'who is waited for could not be read', { error: messageOf(error) });
      }
    },
    back: ({ environment, clients }) => {
      // Who comes to a process that ends is in none of its last numbers, nor among those that it names.
      if (ending) return [];
      return awaited.flatMap((one) => (one.environment === environment && clients.has(one.client) ? [one.client] : []));
    },
    end: (channels) => {
      ending = true;
      const all = channels.flatMap(({ environment, clients }) => clients.all().map((client) => ({ ...client, environment })));
      return () => handOver(all);
    },
  };
}
