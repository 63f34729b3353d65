import { afterEach, expect, test } from 'vitest';
import type { FlagStore } from '../../flags/index.ts';
import type { Clock, Duration } from '../../kernel/index.ts';
import { createSnapshots, type OwnSnapshots } from './snapshots.ts';

const LIMIT_MS = 3_600_000;

let monotonic: Duration;
let wall: Duration;
let sleepers: { readonly at: Duration; readonly wake: () => void }[];
const clock: Clock = {
  now: () => wall,
  monotonic: () => monotonic,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      sleepers.push({ at: monotonic + ms, wake: resolve });
      signal?.addEventListener('abort', () => resolve());
    }),
};

/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Time as it passes, a tenth of a second after the other. */
async function pass(ms: Duration): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    monotonic += 100;
    wall += 100;
    const due = sleepers.filter(({ at }) => at <= monotonic);
    sleepers = sleepers.filter(({ at }) => at > monotonic);
    due.forEach(({ wake }) => wake());
    await settle();
  }
}

let isAway: boolean;
/** Since when the store knows of the process. */
let since: Duration | null;
let ended: number;
let snapshots: OwnSnapshots;
async function start(): Promise<void> {
  [monotonic, wall, sleepers, isAway, since, ended] = [1_000, 1_000_000, [], false, 0, 0];
  const set = { format: 1, environment: 'dev', seq: 1, flags: {}, segments: {} };
  const flags = {
    environments: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(['dev'])),
    read: () => Promise.resolve({ set, flagRevisions: new Map(), segmentRevisions: new Map(), history: 'a' }),
    changesSince: () => Promise.resolve([]),
    subscribe: () => () => undefined,
  } as unknown as FlagStore;
  const presence = { registered: Promise.resolve(), since: () => since };
  snapshots = createSnapshots({ flags, clock, log: () => undefined, presence, limitMs: LIMIT_MS, ended: () => (ended += 1) });
  await pass(1_000);
  expect(snapshots.standing()).toBe('ready');
}
afterEach(() => snapshots.close());

/** What somebody who asks now is answered, when he is. */
function asked(): { readonly answer: () => string | null } {
  let answer: string | null = null;
  snapshots.get('dev').then(
    ({ seq }) => (answer = `seq ${seq}`),
    (error: { readonly code: string }) => (answer = error.code),
  );
  return { answer: () => answer };
}

/** Somebody sets the clock forward: the process may have slept, so that it is not known to the store any more. */
const jump = (): void => {
  wall += LIMIT_MS;
  since = null;
};

test('who asks after the clock was set waits until the store was asked, and no stream ends', async () => {
  await start();
  jump();
  const one = asked();
  await pass(2_500);
  expect([one.answer(), snapshots.standing(), snapshots.behindMs()]).toEqual([null, 'stale', 0]);
  since = monotonic;
  await pass(1_100);
  expect([one.answer(), snapshots.standing(), ended]).toEqual(['seq 1', 'ready', 0]);
});

test('a process that the store does not know again answers nothing, and ends its streams after a moment, once', async () => {
  await start();
  jump();
  const one = asked();
  await pass(4_000);
  expect([one.answer(), ended]).toEqual([null, 0]);
  await pass(3_000);
  const later = asked();
  await settle();
  expect([one.answer(), later.answer(), ended]).toEqual(['flags_stale', 'flags_stale', 1]);
  await pass(10_000);
  expect(ended).toBe(1);
});

test('nor does one whose store is away when the clock was set: it says how long it may have slept', async () => {
  await start();
  isAway = true;
  jump();
  await pass(8_000);
  const one = asked();
  await settle();
  expect([one.answer(), ended]).toEqual(['flags_stale', 1]);
  expect(snapshots.behindMs()).toBeGreaterThan(LIMIT_MS);
});

test('a store that was away for as long as the limit is no doubt', async () => {
  await start();
  isAway = true;
  monotonic += LIMIT_MS;
  wall += LIMIT_MS;
  since = null;
  const one = asked();
  await pass(1_100);
  expect([one.answer(), ended]).toEqual(['flags_stale', 1]);
});
