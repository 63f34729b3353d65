import { messageOf, type Instant } from '../../kernel/index.ts';
import type { Reach } from '../../flags/index.ts';
import type { Serving } from '../http/mount.ts';
import type { Counted } from './channel.ts';
import { createLeft } from './left.ts';

/** While acknowledgements come in, whoever waits for them wants to see them move. */
const MOVING_MS = 100;
/** A process that did not report for 10 s counts as gone. */
const QUIET_MS = 3_000;

/** Reports of how far changes got, written by themselves until they are stopped. */
export interface Reports {
  /** Something moved in the environment. */
  moved(channel: Counted): void;
  /** Writes the last report, and who must come back: who is connected when this is called is about to lose its stream. */
  stop(): Promise<void>;
}

interface Reporting {
  readonly channel: Counted;
  moved: boolean;
  writtenAt: Instant;
  /** Whose acknowledgements were counted at the last look. */
  asked: number;
}

type Parts = Pick<Serving, 'clock' | 'log' | 'process' | 'telemetry'>;

export function startReports(parts: Parts, channels: () => readonly Counted[]): Reports {
  const { clock, log, telemetry } = parts;
  const known = new Map<Counted, Reporting>();
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  const of = (channel: Counted): Reporting => {
    const found = known.get(channel) ?? { channel, moved: true, writtenAt: 0, asked: 0 };
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
      noteAsked(one);
      if (one.channel.clients.giveUp(clock.now())) one.moved = true;
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

function reachOf({ environment, clients, current }: Counted, process: string): Reach {
  const { history, seq } = current();
  return { environment, process, history, inMemory: seq, ...clients.reach() };
}

/** Acknowledgements are counted for as long as no newer change asks for them: how far a kill got is asked hours later too. */
function noteAsked(one: Reporting): void {
  const asked = one.channel.clients.asked();
  if (asked !== one.asked) one.moved = true;
  one.asked = asked;
}
