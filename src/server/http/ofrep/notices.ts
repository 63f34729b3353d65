import type { Context } from 'hono';
import type { FlagChange, Token } from '../../../flags/index.ts';
import type { Clock, Instant } from '../../../kernel/index.ts';
import type { EventStream, EventStreams, News, ServeEnv, Snapshots } from '../mount.ts';

/** More clients than this are told over a second: each of them asks at once for all its flags. */
const AT_ONCE = 500;
const SPREAD_MS = 1_000;
const SLOTS = 20;
/** With the time for which a token counts as looked up, how long the stream of a revoked one lives on (docs/flags/server.md). */
const CHECK_MS = 1_000;
/** A server that comes back is not met by all its clients in the same moment. */
const RETRY_MS = { least: 500, spread: 2_500 } as const;

export interface NoticesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly streams: EventStreams;
  readonly snapshots: Snapshots;
  readonly stillValid: (token: string) => Promise<boolean>;
  /**
   * So many clients of a token are told to ask, all at once. Web clients of OpenFeature do so once, and go on with what they had when they
   * are refused: what is told to them must not count as asking too often.
   */
  readonly invite: (token: string, clients: number) => void;
  /** For tests. */
  readonly atOnce?: number;
}

export interface Notices {
  /** A stream for a client that has the flags as of `since`; it hears at once when there are newer ones. */
  open(context: Context<ServeEnv>, token: Pick<Token, 'id' | 'environment' | 'scopes'>, since: number): Promise<Response>;
  close(): void;
}

interface Listener {
  readonly stream: EventStream;
  readonly token: string;
  /** What it was told of last. */
  seq: number;
}

/** Tells OFREP clients that something changed, never what. */
export function createNotices(options: NoticesOptions): Notices {
  const { random, streams, snapshots, invite } = options;
  const hubs = new Map<string, Hub>();
  const closing = new AbortController();
  const hubOf = (environment: string): Hub => {
    let hub = hubs.get(environment);
    if (hub === undefined) hubs.set(environment, (hub = openHub(environment, options, closing.signal)));
    return hub;
  };
  void keepChecking(hubs, options, closing.signal);
  return {
    open: async (context, token, since) => {
      const { id, environment } = token;
      await snapshots.get(environment);
      const { listeners } = hubOf(environment);
      let listener: Listener | null = null;
      const { stream, response } = streams.open(context, token, () => void (listener !== null && listeners.delete(listener)));
      stream.send(`retry: ${Math.round(RETRY_MS.least + random() * RETRY_MS.spread)}\n\n`);
      // From here on nothing is waited for: what comes later comes by the subscription.
      const seq = snapshots.peek(environment)?.seq ?? since;
      listener = { stream, token: id, seq };
      listeners.add(listener);
      if (seq !== since) {
        invite(id, 1);
        stream.send(frameOf(seq, null));
      }
      return response;
    },
    close: () => {
      closing.abort();
      for (const { stop } of hubs.values()) stop();
    },
  };
}

/** The clients of one environment. */
interface Hub {
  readonly listeners: Set<Listener>;
  readonly stop: () => void;
}

function openHub(environment: string, { clock, random, snapshots, invite, atOnce = AT_ONCE }: NoticesOptions, closing: AbortSignal): Hub {
  const listeners = new Set<Listener>();
  const tell = ({ before, snapshot: { seq }, changes }: News): void => {
    const frame = frameOf(seq, changes?.at(-1)?.at ?? null);
    const all = [...listeners];
    // The store was restored from a backup: what was told before counts no more.
    if (seq < before.seq) for (const one of all) one.seq = 0;
    if (all.length <= atOnce || isUrgent(changes)) return sayTo(all, seq, frame);
    const slots = Array.from({ length: SLOTS }, (): Listener[] => []);
    for (const one of all) slots[Math.floor(random() * SLOTS)]?.push(one);
    void saySlowly(slots, seq, frame);
  };
  const saySlowly = async (slots: readonly (readonly Listener[])[], seq: number, frame: Buffer): Promise<void> => {
    for (const slot of slots) {
      await clock.sleep(SPREAD_MS / SLOTS, closing);
      sayTo(slot, seq, frame);
    }
  };
  const sayTo = (some: readonly Listener[], seq: number, frame: Buffer): void => {
    const invited = new Map<string, number>();
    for (const one of some) if (say(one, seq, frame)) invited.set(one.token, (invited.get(one.token) ?? 0) + 1);
    for (const [token, clients] of invited) invite(token, clients);
  };
  return { listeners, stop: snapshots.subscribe(environment, tell) };
}

/** Ends the streams of tokens that are not good any more. */
async function keepChecking(
  hubs: ReadonlyMap<string, Hub>,
  { clock, stillValid }: Pick<NoticesOptions, 'clock' | 'stillValid'>,
  closing: AbortSignal,
): Promise<void> {
  while (!closing.aborted) {
    await clock.sleep(CHECK_MS, closing);
    const all = [...hubs.values()].flatMap(({ listeners }) => [...listeners]);
    const check = async (token: string): Promise<void> => {
      if (await stillValid(token).catch(() => false)) return;
      all.filter((one) => one.token === token).forEach(({ stream }) => stream.end());
    };
    // All at once, so that they are one question to the store: thousands after each other would take longer than the bound.
    await Promise.all([...new Set(all.map((one) => one.token))].map(check));
  }
}

/**
 * False where it was told already. Nobody is told of something older than what it was told before: a notice that was spread may be
 * overtaken by one that was not.
 */
function say(listener: Listener, seq: number, frame: Buffer): boolean {
  if (seq <= listener.seq) return false;
  listener.seq = seq;
  listener.stream.send(frame);
  return true;
}

/** Of what is known as a whole only, a kill may be a part. */
function isUrgent(changes: readonly FlagChange[] | null): boolean {
  return changes === null || changes.some(({ action, acknowledge }) => action === 'kill' || acknowledge);
}

function frameOf(seq: number, at: Instant | null): Buffer {
  const data = { type: 'refetchEvaluation', etag: `seq-${seq}`, ...(at === null ? {} : { lastModified: Math.floor(at / 1_000) }) };
  return Buffer.from(`id: ${seq}\nevent: message\ndata: ${JSON.stringify(data)}\n\n`);
}
