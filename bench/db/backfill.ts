import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { DEFAULT_LIMITS, openAccess, runBackfill } from '../../src/database/index.ts';
import { systemClock, createRedactor } from '../../src/kernel/index.ts';
import type { BenchResult, BenchRow } from '../result.ts';
import { median } from '../stats.ts';
import { benchBackfillResume } from './backfill-resume.ts';
import { hasPgbench, load, openOltp, type Oltp } from './oltp.ts';

const ROUNDS = 2;
const SECONDS = 40;
const PER_SECOND = 200;
const WARM_MS = 4_000;
const LAST_MS = 1_000;

type Filler = (url: string, signal: AbortSignal) => Promise<number>;

const FILLERS: Readonly<Record<string, Filler>> = {
  none: async () => 0,
  'one UPDATE': oneUpdate,
  '1,000 rows, no sleep': (url, signal) => batches(url, signal, 0),
  '1,000 rows + 50 ms': (url, signal) => batches(url, signal, 50),
  'no database, 5 of 12 ms': (_url, signal) => compute(signal, 5, 7),
  'no database, 1 of 3 ms': (_url, signal) => compute(signal, 1, 2),
  slipway: slipway,
};

interface Ran {
  readonly filler: string;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly tps: number;
}

/**
 * A column of the 2 million rows of pgbench_accounts is filled under TPC-B: at 200 transactions a second (open loop, so that time in a
 * queue counts), and as fast as the server goes. Each way on a fresh copy, in turn, in each round.
 */
export async function benchBackfill(): Promise<readonly BenchResult[]> {
  if (!hasPgbench())
    return [{ name: 'backfill', unit: 'ms', rows: [], notes: ['skipped: pgbench is not installed (apt-get install postgresql)'] }];
  const oltp = await openOltp();
  try {
    return [await underLoad(oltp, PER_SECOND), await underLoad(oltp, null), await benchBackfillResume()];
  } finally {
    await oltp.close();
  }
}

async function underLoad(oltp: Oltp, perSecond: number | null): Promise<BenchResult> {
  const ran: Ran[] = [];
  for (let round = 0; round < ROUNDS; round++) for (const filler of Object.keys(FILLERS)) ran.push(await beside(oltp, filler, perSecond));
  const of = (filler: string, figure: keyof Omit<Ran, 'filler'>): number =>
    median(ran.filter((one) => one.filler === filler).map((one) => one[figure]));
  const rows = Object.keys(FILLERS).map((filler): BenchRow => {
    const rate = of(filler, 'perSecond');
    const shared = {
      p50: of(filler, 'p50'),
      'p50 / none': of(filler, 'p50') / of('none', 'p50'),
      'p99 / none': of(filler, 'p99') / of('none', 'p99'),
      'rows/s': rate === 0 ? null : rate,
    };
    const slow = of('1,000 rows + 50 ms', 'perSecond');
    const figures = {
      p99: of(filler, 'p99'),
      ...shared,
      'rows/s / (1,000 + 50 ms)': rate === 0 ? null : rate / slow,
      'tps / none': of(filler, 'tps') / of('none', 'tps'),
    };
    return { subject: filler, figures };
  });
  const what = perSecond === null ? 'closed loop' : `${perSecond} tps, open loop`;
  return {
    name: `backfill of ${oltp.rows.toLocaleString('en-US')} rows, ${what}`,
    unit: 'ms',
    rows,
    notes: [
      `${ROUNDS} rounds of ${SECONDS} s, medians; transactions while the backfill ran, at most ${SECONDS - (WARM_MS + LAST_MS) / 1000} s`,
      'fsync on; min_wal_size 4 GB and all rows updated three times before, so that the server has WAL files to use again',
    ],
  };
}

/** The load for a while, and in its middle the backfill. */
async function beside(oltp: Oltp, filler: string, perSecond: number | null): Promise<Ran> {
  const url = await oltp.copy();
  const loading = load(url, SECONDS, perSecond);
  await systemClock.sleep(WARM_MS);
  const from = Date.now();
  const late = AbortSignal.timeout(SECONDS * 1000 - WARM_MS - LAST_MS);
  const rows = (await FILLERS[filler]?.(url, late)) ?? 0;
  const to = filler === 'none' ? from + SECONDS * 1000 - WARM_MS - LAST_MS : Date.now();
  const latencies = (await loading).latencies(from, to).toSorted((a, b) => a - b);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { filler, p50: at(0.5), p99: at(0.99), perSecond: (rows / (to - from)) * 1000, tps: (latencies.length / (to - from)) * 1000 };
}

async function oneUpdate(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query('UPDATE pgbench_accounts SET shard = aid % 16 WHERE shard IS NULL');
  await client.end();
  return rowCount ?? 0;
}

/** As most guides have it: ranges of 1,000 keys, each its own transaction. */
async function batches(url: string, signal: AbortSignal, pauseMs: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let done = 0;
  for (let from = 0; !signal.aborted; from += 1_000) {
    const { rowCount } = await client.query(
      `UPDATE pgbench_accounts SET shard = aid % 16 WHERE aid > ${from} AND aid <= ${from + 1_000} AND shard IS NULL`,
    );
    if (rowCount === 0) break;
    done += rowCount ?? 0;
    if (pauseMs > 0) await systemClock.sleep(pauseMs);
  }
  await client.end();
  return done;
}

/**
 * What it costs the users that anything else runs on this machine at all: a loop that touches no database, in turns as a backfill beside
 * them works and pauses.
 */
async function compute(signal: AbortSignal, workMs: number, pauseMs: number): Promise<number> {
  const worker = new Worker(
    `const idle = new Int32Array(new SharedArrayBuffer(4));
     for (;;) { const until = performance.now() + ${workMs}; while (performance.now() < until); Atomics.wait(idle, 0, 0, ${pauseMs}); }`,
    { eval: true },
  );
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await worker.terminate();
  return 0;
}

async function slipway(url: string, signal: AbortSignal): Promise<number> {
  let done = 0;
  await runBackfill({
    access: openAccess(url),
    definition: {
      name: 'shards',
      table: 'pgbench_accounts',
      key: null,
      where: 'shard IS NULL',
      change: { kind: 'set', columns: { shard: 'aid % 16' } },
      verify: 'SELECT 0',
      required: false,
      limits: DEFAULT_LIMITS,
    },
    folder: '.',
    workers: 1,
    effects: { clock: systemClock, faults: { at: () => undefined }, redact: createRedactor() },
    signal,
    onBatch: ({ changed }) => (done += changed),
  });
  return done;
}
