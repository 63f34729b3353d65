import { createServer } from 'node:net';
import { SlipwayError } from '../../kernel/index.ts';

/** Below Linux' ephemeral range (32768-60999), from which any outgoing connection could take a promised port. */
const FIRST = 20_000;
const COUNT = 12_000;

/** Can a server bind this port on every address now? */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    // Without a host Node binds `::` and 0.0.0.0 together, which conflicts with a listener on any single address.
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A free port not in `taken`, searched from a place that depends on `seed`, so that two agents on one machine
 * seldom try the same one. Someone may still take it before the instance does; then the next start gets another.
 * @throws SlipwayError `port_in_use` when there is none
 */
export async function findFreePort(seed: string, taken: ReadonlySet<number>): Promise<number> {
  const start = hash(seed) % COUNT;
  for (let step = 0; step < COUNT; step += 1) {
    const port = FIRST + ((start + step) % COUNT);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new SlipwayError('port_in_use', `No free port between ${FIRST} and ${FIRST + COUNT - 1}`);
}

function hash(text: string): number {
  let value = 0;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return value;
}
