import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../kernel/index.ts';

const LOOKS = 15;
const LOOK_MS = 100;

/**
 * True when a process was asked something, and slept through all of a second and a half without an answer. Whoever is asked wakes up; one that
 * is merely kept waiting for a processor, however long, is runnable, which is not asleep. False as well where the system does not say.
 */
export async function oversleeps(pid: number, hasAnswered: () => boolean, clock: Clock): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    await clock.sleep(LOOK_MS);
    if (hasAnswered() || !(await isAsleep(pid))) return false;
  }
  return !hasAnswered();
}

/** Waiting for something to happen (`S`), or stopped (`T`, `t`): proc(5). Not `D`: a disk may take its time. */
async function isAsleep(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name before it may have any character, brackets too.
  return ['S', 'T', 't'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
}
