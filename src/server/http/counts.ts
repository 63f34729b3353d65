import { ALL_FLAGS, type FlagCount, type FlagTelemetry } from '../../flags/index.ts';
import { messageOf, type Clock, type Instant, type Log } from '../../kernel/index.ts';
import type { Snapshot } from './mount.ts';

const HOUR_MS = 3_600_000;
const FLUSH_MS = 10_000;
/** Different counters that wait for the store; more are dropped, and said so. */
const MOST_WAITING = 20_000;
/** A client that could not tell us for longer is counted when it does. */
const OLDEST_MS = 48 * HOUR_MS;

/** Sums in memory, bounded, of what was evaluated here and what clients say that they evaluated; written every 10 s. */
export interface Counts {
  /** Counts of flags and variants that are not there are left out: anybody with a token could make them up. */
  told(snapshot: Snapshot, told: Told): void;
  /** One flag was evaluated here. */
  evaluated(snapshot: Snapshot, flag: string, variant: string): void;
  /** All flags were: which of them somebody looks at, nobody knows. */
  evaluatedAll(environment: string): void;
  stop(): Promise<void>;
}

/** What a client says. `now` is what time it is by its clock, which may be set wrong; older ones do not say that. */
export interface Told {
  readonly now?: Instant | undefined;
  readonly counts: readonly Evaluated[];
}

/** What a client evaluated: how often, and until when by its clock. */
export interface Evaluated extends Pick<FlagCount, 'flag' | 'variant' | 'count'> {
  readonly to: Instant;
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Pick<FlagTelemetry, 'count'>;
}

export function startCounts({ clock, log, telemetry }: Parts): Counts {
  let waiting = new Map<string, FlagCount>();
  let dropped = 0;
  let writing: Promise<void> | null = null;

  const put = (count: FlagCount): void => {
    const name = JSON.stringify([count.environment, count.flag, count.variant, count.hour]);
    const before = waiting.get(name);
    if (before === undefined && waiting.size >= MOST_WAITING) dropped += count.count;
    else waiting.set(name, { ...count, count: count.count + (before?.count ?? 0) });
  };
  const flush = async (): Promise<void> => {
    if (dropped > 0) log('warn', 'more counts of flags than fit into memory; some were dropped', { dropped });
    dropped = 0;
    const taken = waiting;
    if (taken.size === 0) return;
    waiting = new Map();
    try {
      await telemetry.count([...taken.values()]);
    } catch (error) {
      log('warn', 'counts of flags could not be written; tried again', { error: messageOf(error) });
      taken.forEach(put);
    }
  };
  const timer = setInterval(() => {
    writing ??= flush().finally(() => {
      writing = null;
    });
  }, FLUSH_MS);
  timer.unref();
  return {
    told: ({ environment, set }, { counts, now }) => {
      const ahead = now === undefined ? 0 : now - clock.now();
      for (const { flag, variant, to, count } of counts) {
        const known = Object.hasOwn(set.flags, flag) ? set.flags[flag] : undefined;
        if (known === undefined || !Object.hasOwn(known.variants, variant)) continue;
        put({ environment, flag, variant, hour: hourOf(to - ahead, clock.now()), count });
      }
    },
    evaluated: ({ environment }, flag, variant) => put({ environment, flag, variant, hour: hourOf(clock.now(), clock.now()), count: 1 }),
    evaluatedAll: (environment) => put({ environment, ...ALL_FLAGS, hour: hourOf(clock.now(), clock.now()), count: 1 }),
    stop: async () => {
      clearInterval(timer);
      await writing;
      await flush();
    },
  };
}

/** Where it can be believed. */
function hourOf(told: Instant, now: Instant): Instant {
  const believed = told > now || told < now - OLDEST_MS ? now : told;
  return Math.floor(believed / HOUR_MS) * HOUR_MS;
}
