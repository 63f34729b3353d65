import { messageOf } from '../kernel/index.ts';
import { drive, type DriverDeps } from './driver.ts';
import type { Wakeups } from './ports.ts';

/** Releases driven at once by one worker; each mostly waits for commands and peers. */
const SLOTS = 8;

/** Drives releases as they are woken until the signal aborts; then the steps that run end, and their releases are handed over. */
export async function runWorker(deps: DriverDeps, wakeups: Wakeups, signal: AbortSignal): Promise<void> {
  const { log } = deps.effects;
  await wakeups.work(SLOTS, async (release) => {
    try {
      const result = await drive(deps, release, signal);
      log('debug', 'drove a release', { release, result });
    } catch (error) {
      log('error', 'a drive failed; it will be tried again', { release, error: messageOf(error) });
      throw error;
    }
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await wakeups.stop();
}
