import { makeClient } from './client/client.ts';
import type { ClientOptions } from './client/options.ts';
import type { FlagsClient } from './client/types.ts';

export * from './client/exports.ts';
export * from './index.ts';

/**
 * A client that follows the server, for browsers and edge runtimes: it needs `fetch` with streams, and WebCrypto with Ed25519.
 * @throws TypeError when an option is wrong
 */
export function createClient(options: ClientOptions): FlagsClient {
  return makeClient(options, { lastGood: null });
}
