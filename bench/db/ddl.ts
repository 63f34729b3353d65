import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { applyMigrations, openAccess } from '../../src/database/index.ts';
import { createRedactor, systemClock } from '../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import type { BenchResult, BenchRow } from '../result.ts';
import { median } from '../stats.ts';

const ROUNDS = 3;
const READER_MS = 8_000;
const TAIL_MS = 1_000;
const PER_SECOND = 100;
const CLIENTS = 40;

type Migrate = (url: string, folder: string) => Promise<void>;

const WAYS: Readonly<Record<string, Migrate>> = {
  'no migration': async () => undefined,
  'ALTER TABLE, no lock timeout': async (url) => {
    await withClient(url, (client) => client.query('ALTER TABLE accounts ADD COLUMN n int'));
  },
  'slipway, 100 ms': (url, folder) => slipway(url, folder, 100),
  'slipway, 50 ms': (url, folder) => slipway(url, folder, 50),
};

/** Users who read by key, 100 a second, while somebody's report keeps a table for 8 s and a migration wants it: how long they wait. */
export async function benchDdl(): Promise<BenchResult> {
  const server = await startPostgres({ settings: ['max_connections=100'] });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  writeFileSync(join(folder, '1_n.sql'), 'ALTER TABLE accounts ADD COLUMN n int');
  try {
    const rows: BenchRow[] = [];
    for (const [subject, migrate] of Object.entries(WAYS)) {
      const runs: Run[] = [];
      for (let round = 0; round < ROUNDS; round++)
        runs.push(await oneRun(server, `ddl${rows.length}_${round}`, (url) => migrate(url, folder)));
      const of = (read: (run: Run) => number): number => median(runs.map(read));
      const figures = {
        p50: of(({ waits }) => at(waits, 0.5)),
        p99: of(({ waits }) => at(waits, 0.99)),
        most: of(({ waits }) => at(waits, 1)),
      };
      rows.push({ subject, figures: { ...figures, 'migration took': of(({ tookMs }) => tookMs) } });
    }
    return {
      name: 'ddl behind a reader of 8 s',
      unit: 'ms',
      rows,
      notes: [`${ROUNDS} rounds each, medians; ${PER_SECOND} reads a second, open loop`],
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly waits: readonly number[];
  readonly tookMs: number;
}

async function oneRun(server: TestPostgres, name: string, migrate: (url: string) => Promise<void>): Promise<Run> {
  const url = await server.create(name);
  await server.query(name, 'CREATE TABLE accounts (id int PRIMARY KEY, v int)');
  await server.query(name, 'INSERT INTO accounts SELECT g, g FROM generate_series(1, 100000) g');
  const reader = new pg.Client({ connectionString: url });
  await reader.connect();
  await reader.query('BEGIN; SELECT count(*) FROM accounts');
  const users = readers(url);
  const since = performance.now();
  const migrating = migrate(url).then(() => performance.now() - since);
  await systemClock.sleep(READER_MS);
  await reader.query('COMMIT');
  await reader.end();
  const tookMs = await migrating;
  await systemClock.sleep(TAIL_MS);
  return { waits: await users.stop(), tookMs };
}

/** Reads at fixed moments, whatever became of those before. */
function readers(url: string): { stop(): Promise<readonly number[]> } {
  const pool = new pg.Pool({ connectionString: url, max: CLIENTS });
  const waits: number[] = [];
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const since = performance.now();
    const one: Promise<void> = pool
      .query('SELECT v FROM accounts WHERE id = $1', [1 + Math.floor(Math.random() * 100_000)])
      .then(() => void waits.push(performance.now() - since))
      .finally(() => open.delete(one));
    open.add(one);
  }, 1_000 / PER_SECOND);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      await pool.end();
      return waits.toSorted((a, b) => a - b);
    },
  };
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

async function slipway(url: string, folder: string, lockTimeoutMs: number): Promise<void> {
  const effects = { clock: systemClock, faults: { at: () => undefined }, redact: createRedactor() };
  const request = {
    access: openAccess(url),
    directory: folder,
    history: 'slipway' as const,
    release: 'bench',
    fence: 1,
    lockTimeoutMs,
    statementTimeoutMs: 60_000,
    effects,
  };
  const { verdict, reason } = await applyMigrations(request);
  if (verdict !== 'pass') throw new Error(reason);
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
