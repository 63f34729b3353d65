import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from './definition.ts';
import { forecast, progressOf } from './forecast.ts';
import { whyWait, type Health } from './health.ts';
import { afterBatch, afterConflict, afterRefusal, firstPace, type Pace } from './pace.ts';
import { boundaryQuery, changeQuery, claimQuery, directQuery, readQuery, type Walk } from './sql.ts';

const LIMITS = { ...DEFAULT_LIMITS, transactionMs: 5 };

/** A table whose rows each take this long, as a batch sees it: a fixed cost, and one for each row. */
const run = (perRowMs: number, batches: number, fixedMs = 2): readonly Pace[] => {
  const paces = [firstPace(LIMITS)];
  for (let n = 0; n < batches; n++) {
    const pace = paces.at(-1) ?? firstPace(LIMITS);
    paces.push(afterBatch(pace, fixedMs + pace.rows * perRowMs, LIMITS));
  }
  return paces;
};

describe('the pace', () => {
  it('finds within a few batches the size whose transaction takes the budget, and stays there', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.13, noNaN: true }), (perRowMs) => {
        const right = Math.min(LIMITS.mostRowsPerBatch, (LIMITS.transactionMs - 2) / perRowMs);
        const sizes = run(perRowMs, 200)
          .slice(60)
          .map(({ rows }) => rows);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(right * 1.06 + 1);
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(right * 0.7 - 2);
      }),
    );
  });

  it('halves what takes far too long, and never falls below one row or rises above the most', () => {
    expect(afterBatch({ rows: 1000, starting: false, bisecting: null }, 60, LIMITS).rows).toBe(500);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.constantFrom('refused', 'conflict'))), (events) => {
        let pace = firstPace(LIMITS);
        for (const event of events) {
          pace = event === 'refused' ? afterRefusal(pace) : event === 'conflict' ? afterConflict(pace) : afterBatch(pace, event, LIMITS);
          expect(pace.rows).toBeGreaterThanOrEqual(1);
          expect(pace.rows).toBeLessThanOrEqual(LIMITS.mostRowsPerBatch);
          expect(Number.isInteger(pace.rows)).toBe(true);
        }
      }),
    );
  });

  it('closes in on a row that refuses, and comes back to the size it had', () => {
    let pace: Pace = { rows: 1000, starting: false, bisecting: null };
    for (let n = 0; n < 10; n++) pace = afterRefusal(pace);
    expect(pace).toMatchObject({ rows: 1, bisecting: 1000 });
    for (let n = 0; n < 10; n++) pace = afterBatch(pace, 1, LIMITS);
    expect(pace).toEqual({ rows: 1000, starting: false, bisecting: null });
  });
});

const BEFORE = { readMs: 0.2, commitMs: 1 };

const CALM: Health = {
  lockWaiters: 0,
  waitForUs: 0,
  activeSessions: 2,
  replicaLagMs: null,
  replicaLagBytes: null,
  keptWalBytes: null,
  unarchivedBytes: null,
  deadRows: 0,
  liveRows: 1_000_000,
  readMs: 0.2,
  commitMs: 1,
  freeDiskBytes: null,
  transactionAge: 1_000,
};

describe('the health of the server', () => {
  it.each<readonly [words: string, worse: Partial<Health>]>([
    ['1 sessions wait for a lock of this backfill', { waitForUs: 1 }],
    ['4 sessions wait for locks', { lockWaiters: 4 }],
    ['17 sessions are at work', { activeSessions: 17 }],
    ['a replica is 2.5 s behind', { replicaLagMs: 2_500 }],
    ['a replica is 65 MiB behind', { replicaLagBytes: 65 * 1024 ** 2 }],
    ['1040 MiB of WAL wait for the archive', { unarchivedBytes: 1040 * 1024 ** 2 }],
    ['1025 MiB of WAL are kept', { keptWalBytes: 1025 * 1024 ** 2 }],
    ['vacuum does not keep up', { deadRows: 1_500_001 }],
    ['1000 MiB are free', { freeDiskBytes: 1000 * 1024 ** 2 }],
    ['transactions old', { transactionAge: 1_600_000_000 }],
    ['a read by key takes 11.0 ms', { readMs: 11 }],
    ['a commit takes 50.0 ms, before it took 1.0 ms (limit 4 times)', { commitMs: 50 }],
  ])('%s', (words, worse) => {
    expect(whyWait(CALM, LIMITS.health, BEFORE)).toBeNull();
    expect(whyWait({ ...CALM, ...worse }, LIMITS.health, BEFORE)).toContain(words);
  });

  it('does not take a fraction of a millisecond, or a few dead rows, for trouble', () => {
    expect(whyWait({ ...CALM, readMs: 9.9, deadRows: 90_000, liveRows: 10 }, LIMITS.health, BEFORE)).toBeNull();
  });
});

describe('a forecast', () => {
  const trial = { rowMs: 0.1, rowWalBytes: 200, answerMs: 0 };
  const limits = { nice: 1, transactionMs: 1, mostRowsPerBatch: 20_000 };
  const scale = { left: 10_000, scanned: 10_000, rowBytes: 80, workers: 1, exchanges: 2, limits };

  it('scales what a trial cost to all rows', () => {
    expect(forecast(trial, scale)).toEqual({ takesMs: [2_000, 8_000], walBytes: 2_000_000, bloatBytes: 800_000 });
    expect(forecast(trial, { ...scale, workers: 2, limits: { ...limits, nice: 0 } }).takesMs?.[0]).toBe(500);
    expect(forecast(trial, { ...scale, scanned: 510_000 }).takesMs?.[0]).toBe(4_000);
  });

  it('counts the ways to the server and back of each batch, which grow fewer with longer transactions', () => {
    const far = { ...trial, answerMs: 60 };
    // Ten rows a batch, so a thousand batches.
    expect(forecast(far, scale).takesMs?.[0]).toBe(2_000 + 120_000);
    expect(forecast(far, { ...scale, limits: { ...limits, transactionMs: 10 } }).takesMs?.[0]).toBe(2_000 + 12_000);
    expect(forecast(far, { ...scale, limits: { ...limits, transactionMs: 10, mostRowsPerBatch: 50 } }).takesMs?.[0]).toBe(2_000 + 24_000);
    expect(forecast({ ...far, rowMs: 5 }, scale).takesMs?.[0]).toBe(100_000 + 1_200_000);
  });

  it('says nothing of what was not tried', () => {
    expect(forecast({ rowMs: null, rowWalBytes: null, answerMs: 0 }, scale)).toMatchObject({ takesMs: null, walBytes: null });
  });

  it('of a running one follows its recent speed', () => {
    expect(progressOf(400, 1_000, 100, 1_000)).toEqual({ scanned: 400, total: 1_000, perSecond: 100, leftMs: 6_000 });
    expect(progressOf(1_200, 1_000, 0, 0)).toMatchObject({ total: 1_200, leftMs: null });
  });
});

describe('the SQL of a batch', () => {
  const walk: Walk = {
    table: '"public"."t"',
    key: [
      { name: 'a"b', type: 'bigint' },
      { name: 'c', type: 'text' },
    ],
    guarded: false,
    types: new Map(),
  };

  it('asks for ranges of the key as one row comparison, and quotes names', () => {
    expect(boundaryQuery(walk, { after: ['1', 'x'], until: ['9', 'z'] }, 100)).toEqual({
      text: `SELECT /* slipway */ ARRAY["a""b"::text, "c"::text] AS key FROM "public"."t" WHERE ("a""b", "c") > ($2::bigint, $3::text) AND ("a""b", "c") <= ($4::bigint, $5::text) ORDER BY "a""b", "c" OFFSET $1 LIMIT 1`,
      values: [99, '1', 'x', '9', 'z'],
    });
  });

  it('numbers its parameters without a gap whatever is bounded', () => {
    const key = fc.option(fc.tuple(fc.string(), fc.string()));
    fc.assert(
      fc.property(key, key, fc.option(fc.string()), (after, until, quarantine) => {
        const span = { after, until };
        for (const { text, values } of [
          boundaryQuery(walk, span, 5),
          claimQuery(walk, span, { where: 'true', quarantine }),
          directQuery({ ...walk, guarded: after === null }, span, {
            filter: { where: 'true', quarantine },
            columns: { x: '1' },
            move: { name: 'n', fence: 1, range: 0, cursor: until, done: false, scanned: 5 },
          }),
          changeQuery(walk, { kind: 'set', columns: { x: '1' } }, 'x = 0', [['1', 'a']]),
          readQuery(walk, ['1', 'a']),
        ]) {
          const used = new Set([...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
          expect([...used].toSorted((a, b) => a - b)).toEqual(values.map((_value, index) => index + 1));
        }
      }),
    );
  });
});
