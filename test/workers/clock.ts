import type { Clock } from '../../src/kernel/index.ts';

/** A clock that stands still until it is told to go. */
export interface FakeClock extends Clock {
  /** Lets time pass: every sleeper that is due wakes in its turn, at its own time. */
  advance(ms: number): Promise<void>;
  /** Time passes while nothing runs, as for a process stopped by a signal: sleepers wake late, all at once. */
  freeze(ms: number): Promise<void>;
  /** How many sleep now. */
  sleepers(): number;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Makes one; `now` and `monotonic` begin at the same number. */
export function fakeClock(start = 1_000_000): FakeClock {
  let now = start;
  const asleep = new Set<Sleeper>();
  const wakeDue = async (): Promise<void> => {
    const due = [...asleep].filter((one) => one.due <= now).toSorted((a, b) => a.due - b.due);
    for (const one of due) one.wake();
    await settled();
  };
  return {
    now: () => now,
    monotonic: () => now,
    sleepers: () => asleep.size,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = (): void => {
          asleep.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        // As a real timer: whole milliseconds, at least one.
        const sleeper: Sleeper = { due: now + Math.max(1, Math.ceil(ms)), wake };
        asleep.add(sleeper);
        signal?.addEventListener('abort', wake);
      }),
    advance: async (ms) => {
      const end = now + ms;
      await settled();
      for (;;) {
        const first = Math.min(...[...asleep].map((one) => one.due));
        if (first > end) break;
        now = Math.max(now, first);
        await wakeDue();
      }
      now = end;
    },
    freeze: async (ms) => {
      now += ms;
      await wakeDue();
    },
  };
}

/** Everything that can go on without time passing has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
