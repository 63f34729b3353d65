import type { Clock, Duration, Instant } from '../kernel/index.ts';
import type { FlagChange, FlagTelemetry, Reach, ServerReach } from './ports.ts';

/** How far a change got: what server processes know of the clients that are connected to them. */
export interface Delivery {
  /** Server processes that may answer. */
  readonly servers: number;
  /** Of them those that have taken the change in. */
  readonly heard: number;
  readonly connected: number;
  readonly acknowledged: number;
  /** From the commit to the last acknowledgement; null: none came. */
  readonly lastMs: Duration | null;
  readonly stale: Reach['stale'];
  /** Server processes of which nothing is heard, so that they may answer, or have clients, without the change. */
  readonly silent: readonly Silent[];
  /** Server processes that ended a moment ago, with clients that had not said that they have it. */
  readonly ended: readonly Ended[];
  /** Server processes that ended longer ago, of a kill: as far as is known, clients of them that missed it never came back. Nobody waits for these. */
  readonly lost: readonly Lost[];
  /**
   * Every server process that may answer has it, and so has every client that is, or was a moment ago, connected to any. False where none tells of clients:
   * nobody could say.
   */
  readonly complete: boolean;
}

/** A server process of which nothing was heard since `since`; from `until` on it answers no more by itself. */
export interface Silent extends Pick<ServerReach, 'process' | 'host' | 'pid'> {
  readonly since: Instant;
  readonly until: Instant;
}

/**
 * A server process that had ended by `at`. `clients` of it may be without the change. Where it named them they are not back; where it could
 * not, they may be counted at another process by now: which, nobody can tell by counts. From `until` on whoever could come back has.
 */
export interface Ended extends Pick<ServerReach, 'process' | 'host' | 'pid'> {
  readonly clients: number;
  readonly at: Instant;
  readonly until: Instant;
}

/** A server process that answers no more since `at` at the latest, with clients that may serve what was killed. `named`: who came back is not among them. */
export interface Lost extends Omit<Ended, 'until'> {
  readonly named: boolean;
}

/** The change by which a flag has been off since: a client that has it is not without the newest. */
export type Killed = Pick<FlagChange, 'seq' | 'at'>;

/**
 * A server has heard of the change when it has it in memory. Acknowledgements count where they are of this change, or of a later one:
 * deltas are applied in their order.
 */
export function deliveryOf(known: readonly ServerReach[], seq: number, killed: Killed | null = null): Delivery {
  const reaches = known.filter((reach) => reach.ended === null);
  const ended = known.flatMap((reach) => endedOf(reach, seq));
  const heard = reaches.filter((reach) => Math.max(reach.inMemory, reach.seq) >= seq);
  const counting = heard.filter((reach) => reach.seq >= seq);
  const connected = sum(reaches.map((reach) => reach.connected));
  const acknowledged = sum(counting.map((reach) => reach.acknowledged));
  const last = counting.flatMap(({ lastMs }) => (lastMs === null ? [] : [lastMs]));
  const isDone = (reach: ServerReach): boolean =>
    heard.includes(reach) && (reach.connected === 0 || (counting.includes(reach) && reach.acknowledged >= reach.connected));
  return {
    servers: reaches.length,
    heard: heard.length,
    connected,
    acknowledged,
    lastMs: last.length === 0 ? null : Math.max(...last),
    stale: counting.flatMap(({ stale }) => stale),
    silent: reaches.filter((reach) => !isDone(reach)).flatMap(silentOf),
    ended,
    lost: killed === null ? [] : known.flatMap((reach) => lostOf(reach, killed)),
    // A process that does not say that it has the change answers without it, whether or not anybody is connected to it.
    complete: reaches.length > 0 && reaches.every(isDone) && ended.length === 0,
  };
}

function silentOf({ process, host, pid, silent }: ServerReach): readonly Silent[] {
  return silent === null ? [] : [{ process, host, pid, ...silent }];
}

/** Nothing where all that it had connected had said that they have it. */
function endedOf({ process, host, pid, ended, connected, acknowledged, seq: counted }: ServerReach, seq: number): readonly Ended[] {
  const clients = connected - (counted >= seq ? acknowledged : 0);
  return ended === null || ended.isOver || clients <= 0 ? [] : [{ process, host, pid, clients, at: ended.at, until: ended.until }];
}

/** Whoever was waited for by the kill, and is not any more. One that had it in memory, and counted nobody any more, says nothing against anybody. */
function lostOf({ process, host, pid, ended, inMemory, ...counted }: ServerReach, killed: Killed): readonly Lost[] {
  if (ended?.isOver !== true || ended.until < killed.at) return [];
  const unheard = inMemory < killed.seq ? counted.connected : 0;
  const clients = counted.seq >= killed.seq ? counted.connected - counted.acknowledged : unheard;
  return clients <= 0 ? [] : [{ process, host, pid, clients, at: ended.at, named: ended.named }];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

const LOOK_EVERY_MS = 50;

/** Waits until every client has acknowledged the change, or the time is over, and answers how far it got. Calls back after each look. */
export async function awaitDelivery(
  { telemetry, clock }: { readonly telemetry: FlagTelemetry; readonly clock: Clock },
  { environment, seq, killed = null }: Pick<FlagChange, 'environment' | 'seq'> & { readonly killed?: Killed | null },
  withinMs: Duration,
  signal: AbortSignal,
): Promise<Delivery> {
  const end = clock.monotonic() + withinMs;
  for (;;) {
    const delivery = deliveryOf(await telemetry.reach(environment), seq, killed);
    if (delivery.complete || delivery.servers === 0 || signal.aborted || clock.monotonic() >= end) return delivery;
    await clock.sleep(Math.min(LOOK_EVERY_MS, Math.max(1, end - clock.monotonic())), signal);
  }
}
