import { expect } from 'vitest';
import type { Ran, SmallService } from './small-service.ts';

/** A frame of a stack, in the words of Node. */
const STACK = /^\s+at .+:\d+:\d+\)?$/m;

/** A command that ended with this code, said all of this, and showed none of our insides. */
export function expectSaid(ran: Ran, exit: number, ...words: readonly (string | RegExp)[]): void {
  expect(ran.said).not.toMatch(STACK);
  expect(ran.said).not.toContain('internal error');
  for (const word of words) expect(ran.said).toMatch(word);
  expect(ran.exit, ran.said).toBe(exit);
}

/** The version still serves, nothing holds the lock, nothing is half done. */
export async function expectUnharmed(service: SmallService, version: string): Promise<void> {
  expect(await service.served()).toBe(version);
  const status = await service.status();
  expect(status).toMatchObject({ serving: version, locked: false, inFlight: 0 });
  expect(status.running).toContain(`${version} ready`);
}
