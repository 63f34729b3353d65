import { readFileSync } from 'node:fs';
import { makeClient } from './client/client.ts';
import { lastGoodFile } from './client/last-good.ts';
import type { ClientOptions } from './client/options.ts';
import type { FlagsClient } from './client/types.ts';
import type { FlagSet } from './core/definition.ts';

export * from './client/exports.ts';
export * from './index.ts';

export interface NodeClientOptions extends Omit<ClientOptions, 'bootstrap'> {
  /** Flags to begin with when neither the server nor the last-good file has any: a set, or the file it is in. */
  readonly bootstrap?: FlagSet | string;
  /** Where the last good flags are kept over a restart; one file for each process. */
  readonly lastGoodFile?: string;
}

/**
 * A client that follows the server, and keeps what it knows over a restart. It begins at once; `await client.ready` waits until it has
 * flags, at most `initTimeoutMs`.
 * @throws TypeError when an option is wrong, Error when the bootstrap file cannot be read
 */
export function createClient(options: NodeClientOptions): FlagsClient {
  const { bootstrap, lastGoodFile: file, ...rest } = options;
  const set = typeof bootstrap === 'string' ? (JSON.parse(readFileSync(bootstrap, 'utf8')) as FlagSet) : bootstrap;
  return makeClient(set === undefined ? rest : { ...rest, bootstrap: set }, { lastGood: file === undefined ? null : lastGoodFile(file) });
}
