import type { Acknowledgement } from '../../flags/index.ts';
import { messageOf, type Duration } from '../../kernel/index.ts';
import type { Serving } from '../http/mount.ts';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';

/** While somebody waits for acknowledgements, those that came to other processes are fetched so often. */
const FETCH_MS = 200;
/** After so long who has not said it is away, or will say it on coming back: then it is soon enough to fetch so often. */
const LONG_MS = 10 * 60_000;
const SELDOM_MS = 3_000;

/** Takes acknowledgements, which a balancer may bring to any process, to the one that their client has its stream from. */
export interface Relay {
  /** Resolves when it is in the store. @throws SlipwayError `store_unreachable` */
  pass(channel: Channel, told: Pick<Acknowledgement, 'process' | 'client' | 'seq'>): Promise<void>;
  stop(): void;
}

type Parts = Pick<Serving, 'clock' | 'log' | 'process' | 'telemetry'>;

export function startRelay(
  { clock, log, process, telemetry }: Parts,
  channels: Pick<Channels, 'all'>,
  moved: (channel: Channel) => void,
): Relay {
  const fetch = async (): Promise<void> => {
    for (const { environment, history, client, seq, at } of await telemetry.relayed(process)) {
      const channel = channels.all().find((one) => one.environment === environment);
      // What was told of another past says nothing of this one.
      if (channel === undefined || channel.current().history !== history) continue;
      channel.clients.acknowledge(client, seq, at);
      moved(channel);
    }
  };
  let fetching = false;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  const isDue = ({ clients }: Channel, now: Duration): boolean =>
    clients.isWaiting() && now - fetchedAt >= (clock.now() - clients.askedAt() > LONG_MS ? SELDOM_MS : 0);
  const timer = setInterval(() => {
    const now = clock.monotonic();
    if (fetching || !channels.all().some((channel) => isDue(channel, now))) return;
    [fetching, fetchedAt] = [true, now];
    fetch()
      .catch((error: unknown) =>
        log('warn', 'acknowledgements that came to other processes could not be read', { error: messageOf(error) }),
      )
      .finally(() => {
        fetching = false;
      });
  }, FETCH_MS);
  timer.unref();
  const write = gathering(telemetry.relay);
  return {
    pass: ({ environment, current }, told) => write({ ...told, environment, history: current().history, at: clock.now() }),
    stop: () => clearInterval(timer),
  };
}

/** While some are written the next ones gather, so that ten thousand at once are a few statements. */
function gathering(write: (all: readonly Acknowledgement[]) => Promise<void>): (one: Acknowledgement) => Promise<void> {
  let waiting: Acknowledgement[] = [];
  let next: Promise<void> | null = null;
  let writing: Promise<unknown> = Promise.resolve();
  return (one) => {
    waiting.push(one);
    next ??= writing.then(async () => {
      const taken = waiting;
      [waiting, next] = [[], null];
      const written = write(taken);
      writing = written.catch(() => undefined);
      return written;
    });
    return next;
  };
}
