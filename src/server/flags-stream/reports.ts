import { messageOf, type Instant } from '../../kernel/index.ts';
import type { Reach } from '../../flags/index.ts';
import type { Serving } from '../http/mount.ts';
import type { Channel } from './channel.ts';
import { createLeft } from './left.ts';

/** While acknowledgements come in, whoever waits for them wants to see them move. */
const MOVING_MS = 100;
/** A process that did not report for 10 s counts as gone. */
const QUIET_MS = 3_000;
/** After this nobody waits for the acknowledgements of a change any more. */
const ROUND_MS = 10 * 60_000;

/** Reports of how far changes got, written by themselves until they are stopped. */
export interface Reports {
  /** Something moved in the environment. */
  moved(channel: Channel): void;
  /** Writes the last report, and who must come back: who is connected when this is called is about to lose its stream. */
  stop(): Promise<void>;
}

interface Reporting {
  readonly channel: Channel;
  moved: boolean;
  writtenAt: Instant;
  round: { readonly seq: number; readonly since: Instant };
}

type Parts = Pick<Serving, 'clock' | 'log' | 'process' | 'telemetry'>;

export function startReports(parts: Parts, channels: () => readonly Channel[]): Reports {
  const { clock, log, telemetry } = parts;
  const known = new Map<Channel, Reporting>();
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  const of = (channel: Channel): Reporting => {
    const found = known.get(channel) ?? { channel, moved: true, writtenAt: 0, round: { seq: 0, since: 0 } };
    known.set(channel, found);
    return found;
  };
  const left = createLeft(parts);
  const write = async (one: Reporting, reach: Reach, back: readonly string[]): Promise<void> => {
    one.moved = false;
    one.writtenAt = clock.monotonic();
    try {
      await telemetry.report(reach, back);
    } catch (error) {
      log('warn', 'how far a change got could not be written', { environment: reach.environment, error: messageOf(error) });
    }
  };
  const tick = async (): Promise<void> => {
    await left.look();
    for (const one of channels().map(of)) {
      endRound(one, clock.monotonic());
      const back = left.back(one.channel);
      const due = one.moved || back.length > 0 || clock.monotonic() - one.writtenAt >= QUIET_MS;
      if (due) await write(one, reachOf(one.channel, parts.process), back);
    }
  };
  const timer = setInterval(() => {
    // A store that takes long is not asked twice at once.
    if (busy) return;
    busy = true;
    writing = tick().finally(() => {
      busy = false;
    });
  }, MOVING_MS);
  timer.unref();
  return {
    moved: (channel) => {
      of(channel).moved = true;
    },
    stop: async () => {
      clearInterval(timer);
      const last = [...known.values()].map((one) => [one, reachOf(one.channel, parts.process)] as const);
      const handOver = left.end([...known.keys()]);
      await writing;
      for (const [one, reach] of last) await write(one, reach, []);
      await handOver();
    },
  };
}

function reachOf({ environment, clients, current }: Channel, process: string): Reach {
  const { history, seq } = current();
  return { environment, process, history, inMemory: seq, ...clients.reach() };
}

function endRound(one: Reporting, now: Instant): void {
  const { clients } = one.channel;
  if (clients.asked() !== one.round.seq) {
    one.round = { seq: clients.asked(), since: now };
    one.moved = true;
  } else if (one.round.seq > 0 && now - one.round.since > ROUND_MS) clients.ask(0, 0);
}
