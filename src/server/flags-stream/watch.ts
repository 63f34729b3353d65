import { awayFrame, HERE_FRAME } from './signs.ts';
import { messageOf } from '../../kernel/index.ts';
import type { Serving } from '../http/mount.ts';
import { AWAY_AFTER_MS } from './channel.ts';
import type { Channels } from './channels.ts';

const LOOK_MS = 1_000;
/** More often than a heartbeat, so that a client that is behind is never told that all is well. */
const AWAY_MS = 10_000;
const ENVIRONMENTS_MS = 2_000;

/** While the store is out of reach nobody may believe that there is nothing new. Answers how to stop. */
export function tellWhenAway({ snapshots }: Pick<Serving, 'snapshots'>, channels: Channels): () => void {
  let away = false;
  let sinceTold = 0;
  const tell = (frame: Buffer): void => channels.all().forEach((channel) => channel.send(frame));
  const look = (): void => {
    const behind = snapshots.behindMs();
    const was = away;
    away = behind > AWAY_AFTER_MS;
    if (!away) return was ? tell(HERE_FRAME) : undefined;
    sinceTold = was ? sinceTold + LOOK_MS : AWAY_MS;
    if (sinceTold < AWAY_MS) return;
    sinceTold = 0;
    tell(awayFrame(behind));
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Opens every environment there is, clients or not: whoever waits for a change to arrive must hear of each server process that nobody is
 * connected to it. Answers how to stop.
 */
export function openAll({ clock, flags, log }: Pick<Serving, 'clock' | 'flags' | 'log'>, channels: Channels): () => void {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        for (const environment of await flags.environments()) await channels.get(environment);
      } catch (error) {
        log('debug', 'environments could not be opened', { error: messageOf(error) });
      }
      await clock.sleep(ENVIRONMENTS_MS, stopping.signal);
    }
  };
  void loop();
  return () => stopping.abort();
}
