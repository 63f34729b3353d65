import { randomInt } from 'node:crypto';
import { isPortFree } from '../../src/targets/adapters/process-ports.ts';
import { takeInRun } from './run-folder.ts';

/**
 * Below the ephemeral range of Linux (32768-60999), from which any outgoing connection and any `listen(0)` could take the port before
 * the test does, below the ports that an agent gives to its instances (20000-31999), and above those of the demo (10000-14999).
 */
const FIRST = 15_000;
const COUNT = 5_000;

/** A port that nobody listens on, and that no other test of this run is given. */
export async function freePort(): Promise<number> {
  const start = randomInt(COUNT);
  for (let step = 0; step < COUNT; step++) {
    const port = FIRST + ((start + step) % COUNT);
    if ((await isPortFree(port)) && takeInRun(`port-${port}`)) return port;
  }
  throw new Error(`No port between ${FIRST} and ${FIRST + COUNT - 1} is free`);
}
