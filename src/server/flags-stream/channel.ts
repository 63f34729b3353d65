import {
  createClients,
  createRing,
  encodeSnapshot,
  snapshotDocument,
  type ClientOrigin,
  type Clients,
  type EncodedSnapshot,
  type FlagChange,
  type Ring,
  type Signer,
} from '../../flags/index.ts';
import type { Duration } from '../../kernel/index.ts';
import { acknowledgeFrame, deltaFrame, seqOf, tagOf } from './positions.ts';
import { awayFrame, HERE_FRAME, serverFrame } from './signs.ts';
import type { EventStream, News, Serving, Snapshot } from '../http/mount.ts';

/** How far back a client may have been away and still be told changes only. */
const KEPT = 256;
/** A client that was refused a stream asks again when it was told to, or a little later. */
const LATE_MS = 15_000;
/** The store was not asked successfully for this long: clients are told. A little more than its usual second, so that a slow answer is none. */
export const AWAY_AFTER_MS = 5_000;

/** Who opens a stream. */
export interface Joining {
  readonly id: string;
  readonly from: ClientOrigin;
}

/** One environment in one server process: what its clients are told, and what they say. */
export interface Channel {
  readonly environment: string;
  readonly clients: Clients;
  current(): Snapshot;
  encoded(): EncodedSnapshot;
  /** Sends what is missing after `knew`, and from now on whatever happens. Answers how to stop that. */
  join(client: Joining, knew: string | null, stream: EventStream): () => void;
  /** There was no place for its stream, and it was told to come again after so long: it is counted as one that is about to hear. */
  refuse(client: Joining, knew: string | null, afterMs: Duration): void;
  /** To everybody. */
  send(frame: Buffer): void;
  close(): void;
}

/** As much of it as says how far its changes got. */
export type Counted = Pick<Channel, 'environment' | 'clients' | 'current'>;

type Parts = Pick<Serving, 'clock' | 'flags' | 'log' | 'process' | 'snapshots'>;

/** @throws SlipwayError `store_unreachable` when nothing of the environment is in memory, nor in reach */
export async function openChannel(environment: string, parts: Parts, signer: Signer): Promise<Channel> {
  const { snapshots, clock } = parts;
  const first = await snapshots.get(environment);
  const before = await earlier(parts, first);
  // From here to the subscription nothing waits, so no change is missed between them.
  let current = snapshots.peek(environment) ?? first;
  let ring = filled(current.history === first.history ? before : [], current, signer);
  const streams = new Set<EventStream>();
  const clients = createClients();
  const itself = serverFrame(parts.process);
  const encode = encoder(signer);
  const whole = (): EncodedSnapshot => encode(current);
  const send = (frame: Buffer): void => streams.forEach((stream) => stream.send(frame));
  const tell = (change: FlagChange): void => {
    const frame = deltaFrame(change, current, signer);
    ring.add(change.seq, frame);
    if (change.acknowledge) clients.ask(change.seq, change.at);
    send(frame);
  };
  const unsubscribe = snapshots.subscribe(environment, ({ before, snapshot, changes }: News) => {
    current = snapshot;
    if (changes !== null && before.seq === ringEnd(ring, before.seq)) return changes.forEach(tell);
    if (snapshot.seq < before.seq) parts.log('error', 'the store went back in time', { environment, from: before.seq, to: snapshot.seq });
    ring = createRing(snapshot.seq);
    send(whole().frame);
    // A kill may be among what was missed.
    clients.ask(snapshot.seq, clock.now(), true);
    send(acknowledgeFrame(snapshot.seq));
  });
  // Nor did this process hear of what happened before it began, which others may be waiting for.
  const asking = before.findLast(({ acknowledge, seq }) => acknowledge && seq <= current.seq);
  if (asking !== undefined) clients.ask(asking.seq, asking.at);
  return {
    environment,
    clients,
    current: () => current,
    encoded: whole,
    join: ({ id, from }, position, stream) => {
      const knew = seqOf(position, tagOf(current, signer));
      const missing = knew === null ? null : ring.since(knew);
      stream.send(itself);
      for (const frame of missing ?? [whole().frame]) stream.send(frame);
      // A client that has everything hears so at once: it waits for a word before it trusts the connection.
      if (missing?.length === 0) stream.send(HERE_FRAME);
      const behind = snapshots.behindMs();
      if (behind > AWAY_AFTER_MS) stream.send(awayFrame(behind));
      streams.add(stream);
      clients.joined(id, missing === null ? null : knew, clock.now(), from);
      if (missing === null && clients.asked() > 0) stream.send(acknowledgeFrame(clients.asked()));
      return () => {
        streams.delete(stream);
        clients.left(id);
      };
    },
    refuse: ({ id, from }, position, afterMs) =>
      clients.refused(id, seqOf(position, tagOf(current, signer)), clock.now(), { from, comesBy: clock.now() + afterMs + LATE_MS }),
    send,
    close: unsubscribe,
  };
}

/** Encodes each snapshot once. */
function encoder(signer: Signer): (snapshot: Snapshot) => EncodedSnapshot {
  let last: { readonly of: Snapshot; readonly as: EncodedSnapshot } | null = null;
  return (snapshot) => {
    if (last?.of === snapshot) return last.as;
    const tag = tagOf(snapshot, signer);
    const document = snapshotDocument(snapshot.set, { keys: signer.keys, tag });
    last = { of: snapshot, as: encodeSnapshot(snapshot.seq, tag, signer.sign(document)) };
    return last.as;
  };
}

function ringEnd(ring: Ring, seq: number): number {
  return ring.since(seq)?.length === 0 ? seq : -1;
}

/** What a process that has just begun did not see itself; without it everybody who comes back would be sent the whole. */
async function earlier({ flags }: Parts, { environment, seq, history }: Snapshot): Promise<readonly FlagChange[]> {
  return (await flags.changesSince(environment, Math.max(0, seq - KEPT), history)) ?? [];
}

function filled(changes: readonly FlagChange[], now: Snapshot, signer: Signer): Ring {
  const { seq } = now;
  const [first] = changes;
  if (first === undefined) return createRing(seq);
  const ring = createRing(first.seq - 1, { most: KEPT });
  for (const change of changes) if (change.seq <= seq) ring.add(change.seq, deltaFrame(change, now, signer));
  return ringEnd(ring, seq) === seq ? ring : createRing(seq);
}
