import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../../kernel/index.ts';
import { startPresence, type Presence } from './presence.ts';

const LIMIT_MS = 60_000;
/** The store's clock is an hour ahead, or behind: nothing may depend on it. */
const AHEAD_MS = 3_600_000;

let monotonic: number;
let wall: number;
let wake: () => void;
const clock: Clock = {
  now: () => wall,
  monotonic: () => monotonic,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      wake = resolve;
      if (signal?.aborted === true) resolve();
      signal?.addEventListener('abort', () => resolve());
    }),
};
const pass = (ms: number): void => {
  monotonic += ms;
  wall += ms;
};
/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let answer: () => Promise<number>;
let registered: number;
let left: string[];
let presence: Presence;

async function start(): Promise<void> {
  [monotonic, wall, left, registered] = [1_000, 1_000_000, [], 7];
  const leave = (process: string): Promise<void> => Promise.resolve(void left.push(process));
  presence = startPresence({
    telemetry: { present: async () => ({ at: await answer(), registered }), leave },
    clock,
    log: () => undefined,
    process: 'p',
    limitMs: LIMIT_MS,
    keys: ['ed25519:k'],
  });
  await settle();
}
afterEach(() => presence.leave());

const away = (): Promise<number> => Promise.reject(new Error('away'));
const here = (): Promise<number> => Promise.resolve(wall + AHEAD_MS);
const again = async (): Promise<void> => {
  wake();
  await settle();
};

test('it is known from when the store has said so, without a break', async () => {
  answer = away;
  await start();
  expect(presence.since()).toBeNull();
  answer = here;
  pass(5_000);
  await again();
  expect(presence.since()).toBe(6_000);
  await expect(presence.registered).resolves.toBeUndefined();
  for (let times = 0; times < 5; times++) {
    pass(LIMIT_MS - 1);
    expect(presence.since()).toBe(6_000);
    await again();
  }
  expect(presence.since()).toBe(6_000);
});

test('who could not say it for as long as the limit is not known, and is known anew when it can', async () => {
  answer = here;
  await start();
  answer = away;
  pass(LIMIT_MS);
  await again();
  expect(presence.since()).toBeNull();
  answer = here;
  await again();
  // What was read before this may be older than a change whose author could not know of this process.
  expect(presence.since()).toBe(1_000 + LIMIT_MS);
});

test('who was taken off the list meanwhile is known anew from then on, however short it was', async () => {
  answer = here;
  await start();
  pass(20_000);
  await again();
  expect(presence.since()).toBe(1_000);
  registered = 8;
  pass(5_000);
  await again();
  // What was read before this may be older than a change whose author was told that this process has ended.
  expect(presence.since()).toBe(26_000);
  pass(5_000);
  await again();
  expect(presence.since()).toBe(26_000);
});

test('it counts from when it asked, not from when it was answered', async () => {
  answer = async () => {
    pass(10_000);
    return here();
  };
  await start();
  pass(LIMIT_MS - 10_000);
  expect(presence.since()).toBeNull();
});

test('a machine that slept, or whose clock is set back, is not thought to be younger than it is', async () => {
  answer = here;
  await start();
  wall += LIMIT_MS;
  expect(presence.since()).toBeNull();
  wall -= 2 * LIMIT_MS;
  expect(presence.since()).toBe(1_000);
  monotonic += LIMIT_MS;
  expect(presence.since()).toBeNull();
});

test('tells the time of the store, by what took a moment only', async () => {
  answer = here;
  await start();
  expect(presence.now()).toBe(wall + AHEAD_MS);
  // Somebody sets the clock of this machine: that of the store goes on.
  const expected = presence.now() + 2_000;
  pass(2_000);
  wall += 77_000;
  expect(presence.now()).toBe(expected);
  answer = async () => {
    const at = expected;
    pass(20_000);
    return at;
  };
  await again();
  expect(presence.now()).toBe(expected + 20_000);
});

test('who leaves says so after whatever it was saying', async () => {
  let arrive = (): void => undefined;
  answer = () => new Promise((resolve) => (arrive = () => resolve(1)));
  await start();
  const leaving = presence.leave();
  await settle();
  expect(left).toEqual([]);
  arrive();
  await leaving;
  expect(left).toEqual(['p']);
});
