import { eventFrame } from '../../flags/index.ts';
import type { Duration } from '../../kernel/index.ts';

/** The server does not know whether there is anything newer: what clients have may be old. */
export function awayFrame(sinceMs: Duration): Buffer {
  return eventFrame('away', JSON.stringify({ sinceMs: Math.round(sinceMs) }));
}

/** Which process this is, so that a client can say whose stream it has when a balancer takes its acknowledgement to another one. */
export function serverFrame(process: string): Buffer {
  return eventFrame('server', JSON.stringify({ process }));
}

/** There is nothing newer than what was sent. */
export const HERE_FRAME = Buffer.from(':\n\n');
