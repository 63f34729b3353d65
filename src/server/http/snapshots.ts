import type { FlagStore } from '../../flags/index.ts';
import { messageOf, SlipwayError, within, type Clock, type Duration, type Log } from '../../kernel/index.ts';
import { follow, type Followed } from './followed.ts';
import { elapsedSince, momentOf, type Moment } from './elapsed.ts';
import type { Snapshot, Snapshots } from './mount.ts';
import type { Presence } from './presence.ts';

const LOOK_MS = 1_000;
/** Looking takes a moment, and so may a pause of the collector: less than this is no news. */
const USUAL_MS = 3_000;
const FIRST_PATIENCE_MS = 5_000;
/** Longer than it takes to register and to look anew: where only a clock says that the limit has passed, that is known by then. */
const DOUBT_MS = 5_000;

export interface SnapshotsOptions {
  readonly flags: FlagStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly presence: Pick<Presence, 'registered' | 'since'>;
  /** Without the store for so long, nothing is answered any more. */
  readonly limitMs: Duration;
  /** Called when that has come to pass. */
  readonly ended: () => void;
}

/** `starting`: the store was not read yet. `stale`: what is in memory is older than may be answered. */
export type Standing = 'starting' | 'ready' | 'stale';

export interface OwnSnapshots extends Snapshots {
  /** Looks into the store for somebody who knows that there is something newer. With the store away it answers at once. */
  refresh(environment: string): Promise<void>;
  standing(): Standing;
  /** Environments in memory. */
  all(): readonly Snapshot[];
  close(): void;
}

/**
 * Follows the store: reads every environment at the start, then each change as it is told, and looks once a second for what was not. What
 * is answered was read while the store knew of this process, and not longer ago than the limit.
 */
export function createSnapshots({ flags, clock, log, presence, limitMs, ended }: SnapshotsOptions): OwnSnapshots {
  const all = new Map<string, Followed>();
  const closing = new AbortController();
  const contact = createContact(clock, log);
  const watch = watchStanding({ clock, presence, limitMs, lastContact: contact.last });
  const { standing } = watch;

  const followed = (environment: string): Followed => {
    let one = all.get(environment);
    if (one === undefined) all.set(environment, (one = follow(environment, { flags, log, looked: contact.failed })));
    return one;
  };

  const lookAtAll = async (): Promise<void> => {
    await presence.registered;
    // What is read from here on is no older than this.
    const began = momentOf(clock);
    const environments = await flags.environments();
    for (const environment of environments) followed(environment);
    await Promise.all([...all.values()].map((one) => one.look()));
    contact.made(began);
    watch.looked();
  };

  const unsubscribe = flags.subscribe((environment) => {
    const heard = environment === null ? [...all.values()] : [followed(environment)];
    for (const one of heard) void one.look().catch(() => undefined);
  });

  const tick = (): void => {
    contact.notice();
    if (!watch.becameStale()) return;
    log('error', 'the store was not reached for longer than the limit: flags are not answered until it is', { limitMs });
    ended();
  };
  void keepLooking(() => lookAtAll().catch(contact.failed), tick, { clock, closing: closing.signal });

  return {
    get: async (environment) => {
      if (standing() === 'starting' || watch.isDoubtful()) await within(watch.ready(), FIRST_PATIENCE_MS, clock);
      refuseUnlessReady(standing());
      return currentOf(followed(environment), clock);
    },
    peek: (environment) => all.get(environment)?.current() ?? null,
    subscribe: (environment, heard) => followed(environment).subscribe(heard),
    behindMs: contact.behindMs,
    refresh: async (environment) => {
      if (contact.behindMs() > 0) return;
      await within(followed(environment).look(), LOOK_MS, clock).catch(() => null);
    },
    standing,
    all: () => [...all.values()].flatMap((one) => one.current() ?? []),
    close: () => {
      closing.abort();
      unsubscribe();
    },
  };
}

/** Looks once a second, one look at a time; `tick` comes once a second whether or not a look takes long. */
async function keepLooking(
  look: () => Promise<void>,
  tick: () => void,
  { clock, closing }: { readonly clock: Clock; readonly closing: AbortSignal },
): Promise<void> {
  let running: Promise<void> | null = null;
  while (!closing.aborted) {
    // A store that is away is waited for within its calls; the silence must be told before they give up.
    running ??= look().finally(() => (running = null));
    await clock.sleep(LOOK_MS, closing);
    tick();
  }
}

interface StandingParts extends Pick<SnapshotsOptions, 'clock' | 'presence' | 'limitMs'> {
  /** When the last look began that found everything. */
  readonly lastContact: () => Moment | null;
}

/** What is in memory may be answered when it was read while the store knew of this process, and not longer ago than the limit. */
function watchStanding({ clock, presence, limitMs, lastContact }: StandingParts) {
  let everReady = false;
  let was: Standing = 'starting';
  let doubtedAt: Duration | null = null;
  let next = createSignal();
  const standing = (): Standing => {
    const since = presence.since();
    const last = lastContact();
    if (since !== null && last !== null && last.monotonic >= since && elapsedSince(last, clock) < limitMs) return 'ready';
    return everReady ? 'stale' : 'starting';
  };
  const isHeard = (): boolean => standing() === 'stale' && isFresh(lastContact(), clock);
  /** The store was heard a moment ago, so a clock was set, or the machine slept: until that is known nothing is answered, nor ended. */
  const isDoubtful = (): boolean => isHeard() && (doubtedAt === null || clock.monotonic() - doubtedAt < DOUBT_MS);
  return {
    standing,
    isDoubtful,
    /** Resolves as soon as it is found ready, again. */
    ready: (): Promise<void> => next.given,
    looked: (): void => {
      if (standing() !== 'ready') return;
      everReady = true;
      next.give();
      next = createSignal();
    },
    becameStale: (): boolean => {
      const before = was;
      doubtedAt = isHeard() ? (doubtedAt ?? clock.monotonic()) : null;
      if (isDoubtful()) return false;
      was = standing();
      return was === 'stale' && before !== 'stale';
    },
  };
}

function createSignal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

/** @throws SlipwayError `store_unreachable`, `flags_stale` */
function refuseUnlessReady(standing: Standing): void {
  if (standing === 'starting')
    throw new SlipwayError('store_unreachable', 'The flags could not be read: the store does not answer', {
      hint: 'Try again in a moment.',
    });
  if (standing === 'stale')
    throw new SlipwayError(
      'flags_stale',
      'This process has not reached its store for longer than its limit, so what it knows may be wrong',
    );
}

async function currentOf(one: Followed, clock: Clock): Promise<Snapshot> {
  const known = one.current();
  if (known !== null) return known;
  await within(one.look(), FIRST_PATIENCE_MS, clock).catch(() => null);
  const read = one.current();
  if (read !== null) return read;
  throw new SlipwayError('store_unreachable', `The flags of ${one.environment} could not be read: the store does not answer`, {
    hint: 'Try again in a moment.',
  });
}

/** The store was heard within its usual second, by the clock that nobody sets. */
function isFresh(last: Moment | null, clock: Clock): boolean {
  return last === null || clock.monotonic() - last.monotonic <= USUAL_MS;
}

/** Since when the store was not heard of; says so in the log, once. */
function createContact(clock: Clock, log: Log) {
  let last: Moment | null = null;
  let away = false;
  // A clock that was set, or a machine that slept, says nothing of the store yet: the next look, within its usual second, does.
  const behindMs = (): Duration => (isFresh(last, clock) ? 0 : Math.round(last === null ? 0 : elapsedSince(last, clock)));
  const lost = (why: string): void => {
    if (!away) log('warn', `the store does not answer, flags are served from memory: ${why}`);
    away = true;
  };
  return {
    behindMs,
    /** When the last look began that found everything. */
    last: () => last,
    made: (began: Moment): void => {
      last = began;
      if (!away || behindMs() > 0) return;
      away = false;
      log('info', 'the store answers again');
    },
    failed: (error: unknown): void => {
      if (error !== null) lost(messageOf(error));
    },
    notice: (): void => {
      if (behindMs() > 0) lost(`nothing was heard for ${behindMs()} ms`);
    },
  };
}
