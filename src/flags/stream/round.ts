import type { Duration, Instant } from '../../kernel/index.ts';
import type { ClientOrigin, LeftClient, Reach } from '../ports.ts';

/** What one server process knows of the clients of an environment: who is connected, and who applied the newest change that asked for it. */
export interface Clients {
  /** `knew` is the change it says it has already; null for one that begins. */
  joined(client: string, knew: number | null, now: Instant, from: ClientOrigin): void;
  left(client: string): void;
  /** There was no place for its stream, so it asks again by `comesBy`: until then it is as one that is connected. */
  refused(client: string, knew: number | null, now: Instant, away: { readonly from: ClientOrigin; readonly comesBy: Instant }): void;
  /** Those that were refused and have not come again in time are somewhere else, or have ended. False: there was none. */
  giveUp(now: Instant): boolean;
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
  /** When that change was committed. */
  askedAt(): Instant;
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
  /** It was refused a stream, and asks again by then. */
  comesBy: Instant | null;
}

/** More that were refused are not kept: their number is nobody's to make without end. */
const MOST_REFUSED = 20_000;

export function createClients(): Clients {
  const round = createRound();
  const { clients, ...comings } = createCrowd(round);
  return {
    ...comings,
    heard: (client, now) => {
      const known = clients.get(client);
      if (known !== undefined) known.heardAt = now;
    },
    connected: () => clients.size,
    has: (client) => clients.has(client),
    all: () => namesOf(clients, round.asked()),
    ask: (next, at, anew = false) => round.begin(next, at, { of: clients.values(), anew }),
    asked: round.asked,
    askedAt: round.askedAt,
    isWaiting: () => round.asked() > 0 && round.applied() < clients.size,
    acknowledge: (client, newest, now) => {
      const known = clients.get(client);
      if (known !== undefined) round.apply(known, newest, now);
    },
    reach: () => {
      const seq = round.asked();
      const acknowledged = seq === 0 ? 0 : round.applied();
      const stale = staleOf(clients, seq, seq === 0 ? 0 : clients.size - acknowledged);
      return { connected: clients.size, seq, acknowledged, ...sharesOf(round.latencies()), stale };
    },
  };
}

/** Who is there, with a stream or refused one, and how they come and go. */
function createCrowd(
  round: Round,
): Pick<Clients, 'joined' | 'left' | 'refused' | 'giveUp'> & { readonly clients: ReadonlyMap<string, Connected> } {
  const clients = new Map<string, Connected>();
  /** Of them those that were refused, so that not all are looked through. */
  const refused = new Set<string>();
  const add = (client: string, knew: number | null, one: Pick<Connected, 'streams' | 'from' | 'heardAt' | 'comesBy'>): void => {
    const added = { ...one, applied: knew ?? -1, waited: knew !== null };
    clients.set(client, added);
    round.counts(added, 1);
  };
  const remove = (client: string, known: Connected): void => {
    clients.delete(client);
    refused.delete(client);
    round.counts(known, -1);
  };
  /** Who comes again after a refusal. What one of several streams knows is not what all of them do. */
  const believe = (known: Connected, knew: number | null, now: Instant): void => {
    if (known.streams === 0 && knew !== null) round.apply(known, knew, now);
  };
  return {
    clients,
    joined: (client, knew, now, from) => {
      const known = clients.get(client);
      if (known === undefined) return add(client, knew, { streams: 1, from, heardAt: now, comesBy: null });
      believe(known, knew, now);
      Object.assign(known, { streams: known.streams + 1, from, comesBy: null });
      refused.delete(client);
    },
    left: (client) => {
      const known = clients.get(client);
      if (known === undefined || --known.streams > 0 || known.comesBy !== null) return;
      remove(client, known);
    },
    refused: (client, knew, now, { from, comesBy }) => {
      const known = clients.get(client);
      if (known === undefined && refused.size >= MOST_REFUSED) return;
      refused.add(client);
      if (known === undefined) return add(client, knew, { streams: 0, from, heardAt: now, comesBy });
      believe(known, knew, now);
      Object.assign(known, { from, comesBy, heardAt: now });
    },
    giveUp: (now) => {
      const late = [...refused].flatMap((client) => {
        const known = clients.get(client);
        return known === undefined || (known.comesBy ?? now) >= now ? [] : [{ client, known }];
      });
      for (const { client, known } of late) {
        known.comesBy = null;
        if (known.streams === 0) remove(client, known);
        else refused.delete(client);
      }
      return late.length > 0;
    },
  };
}

type Round = ReturnType<typeof createRound>;

/** The change whose acknowledgements are counted, and how many of the clients have it. */
function createRound() {
  let seq = 0;
  let committedAt: Instant = 0;
  /** In the order they came, so sorted. */
  let latencies: Duration[] = [];
  /** Of the clients that are connected, kept along: it is asked for ten times a second. */
  let applied = 0;
  return {
    asked: (): number => seq,
    askedAt: (): Instant => committedAt,
    applied: (): number => applied,
    latencies: (): readonly Duration[] => latencies,
    /** A client has come (1), or gone (-1). */
    counts: (one: Connected, by: 1 | -1): void => {
      if (one.applied >= seq) applied += by;
    },
    begin: (next: number, at: Instant, clients: { readonly of: Iterable<Connected>; readonly anew: boolean }): void => {
      [seq, committedAt, latencies] = [next, at, []];
      applied = 0;
      for (const one of clients.of) {
        one.waited = true;
        if (clients.anew) one.applied = -1;
        if (one.applied >= seq) applied += 1;
      }
    },
    apply: (one: Connected, newest: number, now: Instant): void => {
      one.heardAt = Math.max(one.heardAt, now);
      const isFirst = one.applied < seq && newest >= seq;
      one.applied = Math.max(one.applied, newest);
      if (!isFirst) return;
      applied += 1;
      // Clocks of two machines: an answer from before the question was instant.
      if (seq > 0 && one.waited) latencies.push(Math.max(latencies.at(-1) ?? 0, now - committedAt));
    },
  };
}

function namesOf(clients: ReadonlyMap<string, Connected>, seq: number): ReturnType<Clients['all']> {
  return Array.from(clients, ([client, { streams, applied }]) => ({
    client,
    streams: Math.max(1, streams),
    acknowledged: seq > 0 && applied >= seq,
  }));
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
  return oldest.map(([client, { heardAt, from, streams, comesBy }]) => ({
    client,
    since: heardAt,
    from,
    ...(streams > 0 || comesBy === null ? {} : { comesBy }),
  }));
}
