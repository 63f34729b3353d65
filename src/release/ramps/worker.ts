import { messageOf, type Duration } from '../../kernel/index.ts';
import { driveRamp, type RampDeps } from './drive.ts';
import type { RampClaim } from './ports.ts';

/** Ramps driven at once by one worker; each mostly waits for its sources. */
const SLOTS = 8;
const LOOK_MS: Duration = 1_000;

/** Drives the ramps of a node as they are due, until the signal aborts; those under way are then finished with their turn. */
export async function runRamps(deps: RampDeps, node: string, signal: AbortSignal): Promise<void> {
  const { clock, log } = deps.effects;
  const active = new Set<Promise<void>>();
  while (!signal.aborted) {
    const claim = active.size < SLOTS ? await take(deps, node) : null;
    if (claim === null) {
      await clock.sleep(LOOK_MS, signal);
      continue;
    }
    const one: Promise<void> = driveRamp(deps, claim, signal)
      .catch((error: unknown) =>
        log('error', 'a ramp could not be driven; it will be tried again', { ramp: claim.ramp, error: messageOf(error) }),
      )
      .finally(() => active.delete(one));
    active.add(one);
  }
  await Promise.all(active);
}

async function take({ ramps, effects }: RampDeps, node: string): Promise<RampClaim | null> {
  try {
    return await ramps.take(node);
  } catch (error) {
    effects.log('warn', `ramps could not be looked for: ${messageOf(error)}`);
    return null;
  }
}
