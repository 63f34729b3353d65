import type { FlagStore, StoredFlags } from '../../flags/index.ts';
import { messageOf, type Log } from '../../kernel/index.ts';
import { applyChanges } from './apply-changes.ts';
import type { News, Snapshot } from './mount.ts';

/** One environment, kept as the store has it. */
export interface Followed {
  readonly environment: string;
  current(): Snapshot | null;
  /** Looks into the store. Who comes while a look runs has missed its beginning, so another follows. */
  look(): Promise<void>;
  subscribe(heard: (news: News) => void): () => void;
}

export interface FollowOptions {
  readonly flags: Pick<FlagStore, 'read' | 'changesSince'>;
  readonly log: Log;
  /** Called when a look has ended, with why it failed or null. */
  readonly looked: (failure: unknown) => void;
}

export function follow(environment: string, { flags, log, looked }: FollowOptions): Followed {
  const subscribers = new Set<(news: News) => void>();
  let current: Snapshot | null = null;
  let looking: Promise<void> | null = null;
  let again = false;

  const once = async (): Promise<void> => {
    const before = current;
    if (before === null) {
      current = snapshotOf(await flags.read(environment));
      return;
    }
    const changes = await flags.changesSince(environment, before.seq, before.history);
    if (changes?.length === 0) return;
    const snapshot = snapshotOf(changes === null ? await flags.read(environment) : applyChanges(before, changes));
    current = snapshot;
    tell({ before, snapshot, changes });
  };

  const tell = (news: News): void => {
    for (const heard of subscribers) {
      try {
        heard(news);
      } catch (error) {
        log('error', `somebody could not take a change of flags: ${messageOf(error)}`, { environment });
      }
    }
  };

  const whole = async (): Promise<void> => {
    try {
      do {
        again = false;
        await once();
      } while (again);
      looked(null);
    } catch (error) {
      looked(error);
      throw error;
    } finally {
      looking = null;
    }
  };

  return {
    environment,
    current: () => current,
    look: () => {
      if (looking === null) looking = whole();
      else again = true;
      // Whoever waits hears of its failure; the others look again in a second.
      looking.catch(() => undefined);
      return looking;
    },
    subscribe: (heard) => {
      subscribers.add(heard);
      return () => subscribers.delete(heard);
    },
  };
}

function snapshotOf(stored: StoredFlags): Snapshot {
  return { ...stored, environment: stored.set.environment, seq: stored.set.seq };
}
