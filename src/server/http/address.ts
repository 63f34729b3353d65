import type { Context } from 'hono';
import type { ServeEnv } from './mount.ts';

/** Where a request comes from: the client, or the proxy before us; empty when it has gone already. */
export function addressOf({ env }: Context<ServeEnv>): string {
  return env.incoming.socket.remoteAddress ?? '';
}
