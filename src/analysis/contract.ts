import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import type { Pair } from './core/counts.ts';
import { changeBetween, checkedReading, type Heard, type Reading } from './core/reading.ts';
import type { MetricSource, Question } from './ports.ts';

/** One source under test, which counts what it is told to. */
export interface SourceHarness {
  source(): MetricSource;
  readonly question: Question;
  /** Counts so many more of each version. */
  count(more: Pair): Promise<void>;
  /** Resolves when a reading knows all of it. */
  settled(): Promise<void>;
  /** Whoever counts begins again at zero. */
  reset(): Promise<void>;
  /** Ends what the source reads from as by kill -9. */
  kill(): Promise<void>;
  /** Starts it again. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** What a source says of a version it never heard of. */
export interface SourceTraits {
  readonly unknownVersion: 'silent' | 'zero';
}

/** Only bounds a hang. */
const SOON_MS = 60_000;
const pair = (canary: readonly [number, number], stable: readonly [number, number]): Pair => ({
  canary: { requests: canary[0], bad: canary[1] },
  stable: { requests: stable[0], bad: stable[1] },
});

/** The behaviour every source of counts must show. */
export function sourceContract(name: string, traits: SourceTraits, make: () => Promise<SourceHarness>): void {
  describe(`${name} keeps the contract of a metric source`, () => {
    let harness: SourceHarness;
    beforeEach(async () => {
      harness = await make();
    });
    afterEach(() => harness.close());

    const read = async (question: Question = harness.question): Promise<Reading> =>
      checkedReading(await harness.source().read(question, new AbortController().signal), systemClock.now());
    /** The first reading that is as wanted; fails with the last one. */
    const until = async (is: (reading: Reading) => boolean): Promise<Reading> => {
      const end = systemClock.monotonic() + SOON_MS;
      for (;;) {
        const reading = await read();
        if (is(reading)) return reading;
        if (systemClock.monotonic() > end) throw new Error(`Not seen in time; last: ${JSON.stringify(reading)}`);
        await systemClock.sleep(50);
      }
    };
    const heard = async (): Promise<Heard> => {
      await harness.settled();
      const reading = await until(({ kind }) => kind === 'counts');
      if (reading.kind === 'silent') throw new Error(reading.reason);
      return reading;
    };
    const since = (earlier: Heard, later: Reading) => (later.kind === 'silent' ? null : changeBetween(earlier, later, null).pair);
    const grewBy = (earlier: Heard, more: Pair) => (reading: Reading) => JSON.stringify(since(earlier, reading)) === JSON.stringify(more);

    test('counts of both versions grow by what was counted, and stand still otherwise', async () => {
      await harness.count(pair([3, 1], [30, 2]));
      const first = await heard();
      const more = pair([5, 2], [50, 1]);
      await harness.count(more);
      const later = await until(grewBy(first, more));
      expect(since(first, later)).toEqual(more);
      expect(since(first, await read())).toEqual(more);
    });

    test('both versions are of one moment: what is counted together is read together', async () => {
      await harness.count(pair([1, 1], [1, 1]));
      const first = await heard();
      const over = new AbortController();
      const counting = (async () => {
        for (let n = 0; n < 15; n++) await harness.count(pair([1, 1], [1, 1]));
        over.abort();
      })();
      const torn: unknown[] = [];
      while (!over.signal.aborted) {
        const change = since(first, await read());
        // Each counting adds one request and one failure, so they never come apart.
        if (change !== null) torn.push(...Object.values(change).filter(({ requests, bad }) => bad !== requests));
        await systemClock.sleep(20);
      }
      await counting;
      expect(torn).toEqual([]);
    });

    test('counting that began anew is never a difference', async () => {
      await harness.count(pair([30, 1], [300, 2]));
      const before = await heard();
      await harness.reset();
      await harness.count(pair([1, 0], [2, 0]));
      const after = await until((reading) => reading.kind === 'counts' && since(before, reading) === null);
      expect(changeBetween(before, after as Heard, null)).toMatchObject({ pair: null, reason: expect.stringMatching(/anew/) as string });
    });

    test('says why when what it reads from is killed, and answers again when it is back', async () => {
      await harness.count(pair([3, 1], [30, 2]));
      await heard();
      await harness.kill();
      const quiet = await until(({ kind }) => kind === 'silent');
      expect(quiet).toMatchObject({ reason: expect.stringMatching(/\w{3}/) as string });
      await harness.revive();
      await harness.count(pair([1, 0], [10, 0]));
      const again = await heard();
      await harness.count(pair([2, 1], [20, 0]));
      await until(grewBy(again, pair([2, 1], [20, 0])));
    });

    test('a version it never heard of is silent, or has no requests: never those of another', async () => {
      await harness.count(pair([3, 1], [30, 2]));
      await heard();
      const strange = { version: '9.9.9"} or vector(7) #', group: 'shop/prd/red' };
      const reading = await read({ ...harness.question, canary: strange });
      if (traits.unknownVersion === 'silent') expect(reading.kind).toBe('silent');
      else expect(reading).toMatchObject({ kind: 'counts', versions: { canary: { requests: 0, bad: 0 } } });
    });

    test('a reading that is ended early throws nothing', async () => {
      const ended = await harness.source().read(harness.question, AbortSignal.abort());
      expect(['silent', 'counts']).toContain(ended.kind);
    });
  });
}
