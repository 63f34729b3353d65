import { SlipwayError, messageOf } from '../../../kernel/index.ts';
import type { ListenAddress } from '../../ports.ts';

/** Why no process with a new route came up: somebody has its address, or HAProxy did not take what we wrote, which is a fault of ours. */
export function refusalOf(cause: unknown, { host, port }: ListenAddress): Error {
  const words = messageOf(cause);
  if (!/cannot bind/i.test(words)) return new Error(`HAProxy was not replaced, the route is as it was: ${words}`, { cause });
  return new SlipwayError('port_in_use', `HAProxy could not listen on ${host}:${port}: ${words}`, { cause });
}
