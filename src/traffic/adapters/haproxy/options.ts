import type { Clock, Log } from '../../../kernel/index.ts';
import type { Endpoint } from '../../ports.ts';
import type { HaproxyLimits } from './limits.ts';

export interface HaproxyRouterOptions {
  /** Where `routes.json` lives; HAProxy's own files are in its folder `haproxy`. One router per directory; its owner (the agent) holds the lock. */
  readonly directory: string;
  /** A folder with a short path that nobody else can enter, for HAProxy's runtime sockets. */
  readonly sockets: string;
  /** Default `haproxy`, as found on PATH. */
  readonly program?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ready endpoints of a group, asked whenever a route changes; later changes come by {@link LocalRouter.setEndpoints}. */
  readonly endpoints?: (group: string) => readonly Endpoint[];
  /** [0, 1); chooses the order in which requests are dealt. */
  readonly random: () => number;
  readonly limits?: Partial<HaproxyLimits>;
}
