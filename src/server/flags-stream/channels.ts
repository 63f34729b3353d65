import type { Signer } from '../../flags/index.ts';
import type { Serving } from '../http/mount.ts';
import { openChannel, type Channel } from './channel.ts';

/** The environments that clients of this process asked for. */
export interface Channels {
  /** @throws SlipwayError `store_unreachable` when nothing of the environment is in memory, nor in reach */
  get(environment: string): Promise<Channel>;
  all(): readonly Channel[];
  close(): void;
}

export function createChannels(serving: Serving, signer: Signer): Channels {
  const opening = new Map<string, Promise<Channel>>();
  const open = new Map<string, Channel>();
  const begin = async (environment: string): Promise<Channel> => {
    try {
      const channel = await openChannel(environment, serving, signer);
      open.set(environment, channel);
      return channel;
    } catch (error) {
      // Whoever comes next tries again.
      opening.delete(environment);
      throw error;
    }
  };
  return {
    get: (environment) => {
      const known = opening.get(environment) ?? begin(environment);
      opening.set(environment, known);
      return known;
    },
    all: () => [...open.values()],
    close: () => open.forEach((channel) => channel.close()),
  };
}
