import type { Token, TokenStore } from '../../../flags/index.ts';
import { messageOf, SlipwayError, within, type Clock, type Duration, type Log } from '../../../kernel/index.ts';

/** A token is asked for again after this long: so long may one live that was revoked. */
export const FRESH_MS = 2_000;
/** How long a request waits for that before it goes by what was known. The store may be away. */
const PATIENCE_MS = 250;
/** How long the first request of a token waits for the store. */
const FIRST_PATIENCE_MS = 3_000;
/** After this long without the store nothing is known of a token any more. */
const LONGEST_UNCHECKED_MS = 60 * 60_000;
/** Tokens, and ids that are none, that are remembered. */
const MOST_KNOWN = 10_000;

type Found = { readonly token: Token; readonly secretSha256: string } | null;

interface Entry {
  readonly found: Found;
  readonly at: Duration;
}

/** Tokens as the store had them a moment ago. */
export interface KnownTokens {
  /** What is known and fresh, without waiting; undefined when the store must be asked. */
  fresh(id: string): Found | undefined;
  /**
   * Asks the store when what is known is older than {@link FRESH_MS}; goes by what was known, for an hour, when it does not answer.
   * @throws SlipwayError `store_unreachable` when nothing is known
   */
  find(id: string): Promise<Found>;
}

/** A cache of tokens, so that not every request costs a look into the store. Who is not there is remembered too. */
export function createKnownTokens(store: Pick<TokenStore, 'findAll'>, clock: Clock, log: Log): KnownTokens {
  const known = new Map<string, Entry>();
  /** Apart from those that are there, so that made-up ones drive none of these out. */
  const unknown = new Map<string, Entry>();
  const look = inBatches((ids) => store.findAll(ids));
  const asking = new Map<string, Promise<Entry>>();
  /** What was asked for longer than a request waits: those that come after it do not wait too. */
  const overdue = new Set<string>();
  const ask = (id: string): Promise<Entry> => {
    const running = asking.get(id);
    if (running !== undefined) return running;
    const at = clock.monotonic();
    const asked = look(id)
      .then((found) => {
        const entry: Entry = { found, at };
        remember(found === null ? unknown : known, id, entry);
        (found === null ? known : unknown).delete(id);
        return entry;
      })
      .finally(() => {
        asking.delete(id);
        overdue.delete(id);
      });
    asking.set(id, asked);
    return asked;
  };
  return {
    fresh: (id) => {
      const entry = known.get(id) ?? unknown.get(id);
      return entry !== undefined && clock.monotonic() - entry.at <= FRESH_MS ? entry.found : undefined;
    },
    find: async (id) => {
      const entry = known.get(id) ?? unknown.get(id);
      const age = entry === undefined ? Infinity : clock.monotonic() - entry.at;
      if (entry !== undefined && age <= FRESH_MS) return entry.found;
      const usable = entry !== undefined && age <= LONGEST_UNCHECKED_MS;
      if (usable && overdue.has(id)) return entry.found;
      const answer = await within(ask(id), usable ? PATIENCE_MS : FIRST_PATIENCE_MS, clock).catch((error: unknown) => {
        log('debug', `A token could not be looked up: ${messageOf(error)}`, { id });
        return null;
      });
      if (answer !== null) return answer.found;
      if (asking.has(id)) overdue.add(id);
      if (usable) return entry.found;
      throw new SlipwayError('store_unreachable', 'The token could not be looked up: the store does not answer', {
        hint: 'Try again in a moment.',
      });
    },
  };
}

function remember(entries: Map<string, Entry>, id: string, entry: Entry): void {
  entries.delete(id);
  if (entries.size >= MOST_KNOWN) entries.delete(entries.keys().next().value ?? '');
  entries.set(id, entry);
}

/**
 * One question to the store at a time, for all that came in the meantime: however many tokens are made up, a right one waits for two
 * answers at most, and nothing else that asks the store is crowded out.
 */
function inBatches(ask: TokenStore['findAll']): (id: string) => Promise<Found> {
  let waiting: { readonly id: string; readonly resolve: (found: Found) => void; readonly reject: (error: unknown) => void }[] = [];
  let isAsking = false;
  const work = async (): Promise<void> => {
    isAsking = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const found = await ask(batch.map(({ id }) => id));
        for (const { id, resolve } of batch) resolve(found.get(id) ?? null);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isAsking = false;
  };
  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (!isAsking) void work();
    });
}
