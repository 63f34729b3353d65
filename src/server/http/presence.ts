import type { FlagTelemetry } from '../../flags/index.ts';
import { messageOf, within, type Clock, type Duration, type Instant, type Log } from '../../kernel/index.ts';
import { elapsedSince, momentOf, type Moment } from './elapsed.ts';

const EVERY_MS = 2_500;
/** An answer that took longer says too little of when it was given. */
const EXACT_MS = 1_000;
/** The end does not wait for a store that is away: what is left says itself when it counts no more. */
const LEAVE_WITHIN_MS = 3_000;

export interface PresenceOptions {
  readonly telemetry: Pick<FlagTelemetry, 'present' | 'leave'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly process: string;
  readonly limitMs: Duration;
  /** That flags are signed with, the first, and that clients are told. */
  readonly keys: readonly string[];
}

/** That this process may answer is known to everybody who asks the store: before it answers, and for as long as it does. */
export interface Presence {
  /** Resolves when the process was registered for the first time; never, when it stops before that. */
  readonly registered: Promise<void>;
  /**
   * Since when (monotonic) it is known without a break, null when it is not, or not for certain. What was read from the store before that
   * must not be answered: whoever changed it in the meantime could not know of this process.
   */
  since(): Duration | null;
  /** The time, by the store's clock: all processes have the same one. */
  now(): Instant;
  /** Says no more that it is there. To be called when it has answered everything. */
  leave(): Promise<void>;
}

/** Registers the process, again and again until it leaves. */
export function startPresence({ telemetry, clock, log, process, limitMs, keys }: PresenceOptions): Presence {
  const stopping = new AbortController();
  /** From before the store was asked, so that its own time of it is later. */
  let last: Moment | null = null;
  let since: Duration | null = null;
  /** As the store dates it: another time is another registration. */
  let registeredAs: Instant | null = null;
  /** What the store's clock is ahead of the monotonic one. */
  let ahead: Duration | null = null;
  let told = (): void => undefined;
  const registered = new Promise<void>((resolve) => (told = resolve));

  const once = async (): Promise<void> => {
    const asked = momentOf(clock);
    const { at, registered: as } = await telemetry.present({ process, limitMs, keys });
    const forgotten = registeredAs !== null && registeredAs !== as;
    if (forgotten)
      log('warn', 'this process was off the list of those that may answer: it reads the flags anew before it does', { process });
    registeredAs = as;
    const unbroken = !forgotten && last !== null && elapsedSince(last, clock) < limitMs;
    if (!unbroken) since = clock.monotonic();
    last = asked;
    const took = clock.monotonic() - asked.monotonic;
    if (ahead === null || took < EXACT_MS) ahead = at - (asked.monotonic + took / 2);
    told();
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await once().catch((error: unknown) => log('debug', `that this process serves could not be written: ${messageOf(error)}`));
      await clock.sleep(EVERY_MS, stopping.signal);
    }
  };
  const running = loop();
  return {
    registered,
    since: () => (last === null || elapsedSince(last, clock) >= limitMs ? null : since),
    now: () => (ahead === null ? clock.now() : Math.round(clock.monotonic() + ahead)),
    leave: async () => {
      stopping.abort();
      const left = running.then(() => telemetry.leave(process)).then(() => true);
      const done = await within(left, LEAVE_WITHIN_MS, clock).catch(() => null);
      if (done === null)
        log('warn', 'that this process has ended could not be written: kills tell of it as silent for a while', { process });
    },
  };
}
