import { expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import { startTrickle } from './trickle.ts';

it('counts everybody once, also who is answered while others still wait, and nobody again after they were taken', async () => {
  const open: (() => void)[] = [];
  let asked = 0;
  const trickle = startTrickle(systemClock, async (turn) => {
    asked += 1;
    // Every third waits until all have been asked.
    if (turn % 3 === 0) await new Promise<void>((resolve) => open.push(resolve));
    return turn % 2 === 0 ? { kind: 'read', problem: null } : { kind: 'write', problem: 'write answered 500' };
  });
  await expect.poll(() => asked).toBeGreaterThan(11);
  const first = trickle.take();
  for (const resolve of open) resolve();
  await trickle.stop();
  const second = trickle.take();
  expect(first.reads + first.writes + second.reads + second.writes).toBe(asked);
  expect(first.failed + second.failed).toBe(Math.floor(asked / 2));
  expect(trickle.take()).toEqual({ reads: 0, writes: 0, failed: 0, slowestMs: 0, failures: {} });
});
