import { expect, it } from 'vitest';
import type { Clock } from '../../../kernel/index.ts';
import { count, createCounters } from './counters.ts';

const MINUTE = 60_000;
const ENDPOINT = { host: '127.0.0.1', port: 1 };

it('counts from zero again with another since, and remembers what instances did before the last two minutes', () => {
  let now = 0;
  const clock: Clock = { now: () => 1_000, monotonic: () => now, sleep: () => Promise.resolve() };
  const first = createCounters(clock);
  for (let minute = 0; minute <= 10; minute++) {
    now = minute * MINUTE;
    count(first.of('blue', '1.0.0'), { endpoint: ENDPOINT, ending: minute === 3 ? 500 : 200, startedAt: now, endedAt: now });
  }
  const again = first.again();
  expect(again.read().since).toBeGreaterThan(first.read().since);
  expect(again.read().versions).toMatchObject([{ version: '1.0.0', requests: 0, errors: 0, recent: { requests: 0 } }]);
  now = 11 * MINUTE;
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((minute) => ({ requests: minute < 9 ? 1 : 0, errors: minute === 3 ? 1 : 0 }));
  expect(again.history('blue')).toEqual([{ instance: '127.0.0.1:1', minutes }]);
});
