import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { signalOne } from '../../../../test/support/signal.ts';
import { type Cleanup, createCleanup, until } from '../../../../test/traffic/support.ts';
import { readProcessStat, systemClock, type Clock } from '../../../kernel/index.ts';
import { oversleeps } from './oversleeps.ts';

let cleanup: Cleanup;
beforeEach(() => {
  cleanup = createCleanup();
});
afterEach(() => cleanup.run());
/** No need to wait as long as for a HAProxy. */
const quick: Clock = { ...systemClock, sleep: () => systemClock.sleep(5) };

async function start(program: string): Promise<number> {
  const child = cleanup.add(spawn(process.execPath, ['-e', `console.log('up');${program}`]), (running) => running.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

it.runIf(process.platform === 'linux')('says so of a process that was stopped', async () => {
  const pid = await start('setInterval(() => undefined, 1_000)');
  signalOne(pid, 'SIGSTOP');
  // As long as it waits for a processor it is not stopped.
  await until('it is stopped', () => readProcessStat(pid)?.state === 'T');
  expect(await oversleeps(pid, () => false, quick)).toBe(true);
});

it('says it of none that answers, that is busy, that is gone', async () => {
  const pid = await start('setInterval(() => undefined, 1_000)');
  let looks = 0;
  expect(await oversleeps(pid, () => ++looks > 10, quick)).toBe(false);
  expect(await oversleeps(await start('for (;;);'), () => false, quick)).toBe(false);
  expect(await oversleeps(2 ** 30, () => false, quick)).toBe(false);
});
