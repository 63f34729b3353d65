import type { Duration, Instant } from '../../kernel/index.ts';
import type { ClientOrigin, LeftClient, Reach } from '../ports.ts';

/** What one server process knows of the clients of an environment: who is connected, and who applied the newest change that asked for it. */
export interface Clients {
  /** `knew` is the change it says it has already; null for one that begins. */
  joined(client: string, knew: number | null, now: Instant, from: ClientOrigin): void;
  left(client: string): void;
  /** Something came from it. */
  heard(client: string, now: Instant): void;
  connected(): number;
  has(client: string): boolean;
  /** Everybody who is connected, by name. */
  all(): readonly Omit<LeftClient, 'environment'>[];
  /** A change asked to be acknowledged: from now on it is this one that is counted. `anew`: what was applied before may be of another past. */
  ask(seq: number, committedAt: Instant, anew?: boolean): void;
  /** Whose acknowledgement is counted, 0 for none. */
  asked(): number;
  /** Somebody who is connected has not acknowledged it. */
  isWaiting(): boolean;
  /** The client says that it has applied `seq`, at `now`. One that is not connected is not counted. */
  acknowledge(client: string, seq: number, now: Instant): void;
  reach(): Omit<Reach, 'environment' | 'process' | 'history' | 'inMemory'>;
}

/** A few names are enough to go and look; the number says how many there are. */
const MOST_STALE = 20;
const MANY = 1_000;

interface Connected {
  /** Streams of it: a client that opens a second one before the first is known to be gone is still one client. */
  streams: number;
  /** Of the newest. */
  from: ClientOrigin;
  heardAt: Instant;
  applied: number;
  /** It was there when the change was made, so that its acknowledgement says how long the change took to reach it. */
  waited: boolean;
}

export function createClients(): Clients {
  const clients = new Map<string, Connected>();
  let seq = 0;
  let committedAt: Instant = 0;
  /** In the order they came, so sorted. */
  let latencies: Duration[] = [];
  /** Of the clients that are connected, kept along: it is asked for ten times a second. */
  let applied = 0;
  return {
    joined: (client, knew, now, from) => {
      const known = clients.get(client);
      if (known !== undefined) return void Object.assign(known, { streams: known.streams + 1, from });
      clients.set(client, { streams: 1, from, heardAt: now, applied: knew ?? -1, waited: knew !== null });
      if ((knew ?? -1) >= seq) applied += 1;
    },
    left: (client) => {
      const known = clients.get(client);
      if (known === undefined || --known.streams > 0) return;
      clients.delete(client);
      if (known.applied >= seq) applied -= 1;
    },
    heard: (client, now) => {
      const known = clients.get(client);
      if (known !== undefined) known.heardAt = now;
    },
    connected: () => clients.size,
    has: (client) => clients.has(client),
    all: () => namesOf(clients, seq),
    ask: (next, at, anew = false) => {
      [seq, committedAt, latencies] = [next, at, []];
      applied = 0;
      for (const one of clients.values()) {
        one.waited = true;
        if (anew) one.applied = -1;
        if (one.applied >= seq) applied += 1;
      }
    },
    asked: () => seq,
    isWaiting: () => seq > 0 && applied < clients.size,
    acknowledge: (client, newest, now) => {
      const known = clients.get(client);
      if (known === undefined) return;
      known.heardAt = Math.max(known.heardAt, now);
      const isFirst = known.applied < seq && newest >= seq;
      known.applied = Math.max(known.applied, newest);
      if (!isFirst) return;
      applied += 1;
      // Clocks of two machines: an answer from before the question was instant.
      if (seq > 0 && known.waited) latencies.push(Math.max(latencies.at(-1) ?? 0, now - committedAt));
    },
    reach: () => ({
      connected: clients.size,
      seq,
      acknowledged: seq === 0 ? 0 : applied,
      ...sharesOf(latencies),
      stale: staleOf(clients, seq, seq === 0 ? 0 : clients.size - applied),
    }),
  };
}

function namesOf(clients: ReadonlyMap<string, Connected>, seq: number): ReturnType<Clients['all']> {
  return Array.from(clients, ([client, { streams, applied }]) => ({ client, streams, acknowledged: seq > 0 && applied >= seq }));
}

/** @param sorted ascending */
function sharesOf(sorted: readonly Duration[]): Pick<Reach, 'p50Ms' | 'p99Ms' | 'lastMs'> {
  const at = (share: number): Duration | null => sorted[Math.ceil(sorted.length * share) - 1] ?? null;
  return { p50Ms: at(0.5), p99Ms: at(0.99), lastMs: at(1) };
}

/** While many are behind any few of them will do; of a few, those that were silent for longest are found. */
function staleOf(clients: ReadonlyMap<string, Connected>, seq: number, behind: number): Reach['stale'] {
  if (behind === 0) return [];
  const most = behind > MANY ? MOST_STALE : MANY;
  const found: [string, Connected][] = [];
  for (const entry of clients) {
    if (entry[1].applied < seq) found.push(entry);
    if (found.length === most) break;
  }
  const oldest = found.toSorted(([, a], [, b]) => a.heardAt - b.heardAt).slice(0, MOST_STALE);
  return oldest.map(([client, { heardAt, from }]) => ({ client, since: heardAt, from }));
}
