import { join } from 'node:path';
import type { Clock } from '../../../kernel/index.ts';
import { endOf, findLeft, readNote } from './left.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { checkProgram } from './program.ts';

/** Makes sure that HAProxy can be the router here. @throws SlipwayError `client_tool_missing` */
export function assertHaproxy(): Promise<void> {
  return checkProgram('haproxy');
}

/** Ends the HAProxy another agent left, for a router that needs its ports. */
export async function endHaproxy(directory: string, clock: Clock): Promise<void> {
  const left = await findLeft(join(directory, 'haproxy'), clock);
  if (left !== null) await endOf(left, DEFAULT_LIMITS.drainMs, clock);
}

/** The process number of a HAProxy that serves, with an agent or without one; null where none does. */
export async function runningHaproxy(directory: string, clock: Clock): Promise<number | null> {
  return (await readNote(join(directory, 'haproxy'), clock))?.pid ?? null;
}
