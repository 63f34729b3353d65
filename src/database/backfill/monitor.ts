import { statfs } from 'node:fs/promises';
import type pg from 'pg';
import type { Clock, Duration } from '../../kernel/index.ts';
import { isConnectionLost } from '../errors.ts';
import { whyWait, type Health } from '../core/backfill/health.ts';
import type { HealthLimits } from '../core/backfill/definition.ts';
import { boundaryQuery, readQuery, type Key, type Walk } from '../core/backfill/sql.ts';
import { prepared } from './prepared.ts';

/** Watches the server while a backfill works. */
export interface Monitor {
  /**
   * Why the next batch must wait; null when it need not.
   * @throws what ended the monitor's connection: without it a wait would never end
   */
  why(): string | null;
  latest(): Health | null;
  /** Sessions of others that run a query, on average over the last two seconds; 0 while nobody can tell. */
  busy(): number;
  /** The quickest read by key so far: less than that no exchange with the server takes. 0 while there was no row to read. */
  answerMs(): Duration;
  /** A row that was just passed: what the reads by key ask for. */
  seen(key: Key): void;
  stop(): Promise<void>;
}

export interface MonitorOptions {
  /** A connection of its own. */
  readonly client: pg.Client;
  readonly walk: Walk;
  readonly limits: HealthLimits;
  readonly clock: Clock;
  /** Folder of the server's data when it lies on this machine. */
  readonly dataFolder: string | null;
  /** The backfill whose record is written to see how long a commit takes; null: nothing may be written. */
  readonly name: string | null;
}

const EVERY_MS = 250;
/** Tries before the first batch; their median is what calm looks like. */
const CALM_TRIES = 5;
/** One slow read or commit is chance; the median of the last few is not. */
const LAST = 5;
/** A commit that has not ended after this long is no chance. */
const LONG_COMMIT_MS = 1_000;
/** One look sees a moment; pauses follow what is usual. */
const BUSY_LOOKS = 8;

/** Looks a first time, before anything is changed, and then four times a second until it is stopped. */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const { clock, limits } = options;
  const stopping = new AbortController();
  const archive = await archiveText(options.client);
  let key = await firstKey(options);
  const reads = await tried(async () => (key === null ? null : timedRead(options, key)));
  const commits = await tried(() => timedCommit(options));
  const calm = { readMs: median(reads), commitMs: median(commits) };
  let quickest = Math.min(...reads);
  let last: { readonly reads: readonly Duration[]; readonly commits: readonly Duration[] } = { reads: [], commits: [] };
  let committingSince: Duration | null = null;
  let active: readonly number[] = [];
  let health: Health | null = null;
  let lost: Error | null = null;
  const look = async (): Promise<void> => {
    const readMs = key === null ? null : await timedRead(options, key);
    committingSince = clock.monotonic();
    const commitMs = await timedCommit(options);
    committingSince = null;
    quickest = Math.min(quickest, readMs ?? quickest);
    last = { reads: withLast(last.reads, readMs), commits: withLast(last.commits, commitMs) };
    const read = await readHealth(options, archive);
    active = [...active, read.activeSessions].slice(-BUSY_LOOKS);
    health = { ...read, readMs: usual(last.reads), commitMs: usual(last.commits) };
  };
  const failed = (error: unknown): void => {
    if (isConnectionLost(error)) lost = error as Error;
    committingSince = null;
    // What was true when it could last be asked must not hold anything up for ever.
    health = null;
    active = [];
  };
  await look();
  const running = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(EVERY_MS, stopping.signal);
      if (!stopping.signal.aborted) await look().catch(failed);
    }
  })();
  const now = (): Health | null => {
    const openMs = committingSince === null ? 0 : clock.monotonic() - committingSince;
    return health === null || openMs < LONG_COMMIT_MS ? health : { ...health, commitMs: openMs };
  };
  return {
    why: () => {
      if (lost !== null) throw lost;
      const seen = now();
      return seen === null ? null : whyWait(seen, limits, calm);
    },
    latest: () => health,
    busy: () => mean(active),
    answerMs: () => (Number.isFinite(quickest) ? quickest : 0),
    seen: (next) => void (key = next),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

const withLast = (all: readonly Duration[], next: Duration | null): readonly Duration[] =>
  next === null ? all : [...all, next].slice(-LAST);

const usual = (all: readonly Duration[]): Duration | null => (all.length < LAST ? null : median(all));

async function tried(once: () => Promise<Duration | null>): Promise<readonly Duration[]> {
  const times: Duration[] = [];
  while (times.length < CALM_TRIES) {
    const ms = await once();
    if (ms === null) break;
    times.push(ms);
  }
  return times;
}

async function firstKey({ client, walk }: MonitorOptions): Promise<Key | null> {
  const { text, values } = boundaryQuery(walk, { after: null, until: null }, 1);
  const { rows } = await client.query<{ key: Key }>({ text, values: [...values] });
  return rows[0]?.key ?? null;
}

async function timedRead({ client, walk, clock }: MonitorOptions, key: Key): Promise<number> {
  const query = prepared(readQuery(walk, key));
  const since = clock.monotonic();
  await client.query(query);
  return clock.monotonic() - since;
}

/** As long as users' commits: its session waits for the disk, which the batches do not. */
async function timedCommit({ client, clock, name }: MonitorOptions): Promise<Duration | null> {
  if (name === null) return null;
  const since = clock.monotonic();
  await client.query(
    prepared({ text: 'UPDATE slipway_history.backfill SET updated_at = clock_timestamp() WHERE name = $1', values: [name] }),
  );
  return clock.monotonic() - since;
}

/**
 * Slipway's own sessions of this backfill call themselves alike and are not counted. Who waits is asked of the locks, which every role
 * may see, not of the sessions, of which one with few rights sees only its own.
 */
const HEALTH = `SELECT
  (SELECT count(*)::int FROM waiting) AS "lockWaiters",
  (SELECT count(*)::int FROM waiting WHERE pg_blocking_pids(pid) && (SELECT array_agg(pid) FROM ours)) AS "waitForUs",
  (SELECT count(*)::int FROM others WHERE state = 'active' AND backend_type = 'client backend') AS "activeSessions",
  (SELECT max(extract(epoch FROM replay_lag))::float8 * 1000 FROM pg_stat_replication) AS "replicaLagMs",
  CASE WHEN pg_is_in_recovery() THEN NULL ELSE (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))::float8 FROM pg_stat_replication) END AS "replicaLagBytes",
  CASE WHEN pg_is_in_recovery() THEN NULL ELSE (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::float8 FROM pg_replication_slots) END AS "keptWalBytes",
  ARCHIVE AS "unarchivedBytes",
  coalesce((SELECT sum(n_dead_tup)::float8 FROM parts), 0) AS "deadRows",
  coalesce((SELECT sum(greatest(n_live_tup, reltuples))::float8 FROM parts JOIN pg_class c ON c.oid = parts.relid), 0) AS "liveRows",
  (SELECT age(datfrozenxid)::float8 FROM pg_database WHERE datname = current_database()) AS "transactionAge"`;
const SESSIONS = `WITH ours AS (SELECT pid FROM pg_stat_activity WHERE application_name = current_setting('application_name')),
  others AS (SELECT * FROM pg_stat_activity WHERE pid NOT IN (SELECT pid FROM ours)),
  waiting AS (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid NOT IN (SELECT pid FROM ours)),
  parts AS (SELECT * FROM pg_stat_user_tables WHERE relid = $1::regclass OR relid IN (SELECT relid FROM pg_partition_tree($1::regclass))) `;

/** WAL that waits for the archive; only members of pg_monitor may count it, and a statement that tries without the right fails as a whole. */
async function archiveText(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ ok: boolean }>(
    `SELECT current_setting('archive_mode') <> 'off' AND has_function_privilege(to_regprocedure('pg_ls_archive_statusdir()'), 'EXECUTE') AS ok`,
  );
  if (rows[0]?.ok !== true) return 'NULL::float8';
  return `(SELECT count(*) * pg_size_bytes(current_setting('wal_segment_size')) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')::float8`;
}

async function readHealth({ client, walk, dataFolder }: MonitorOptions, archive: string): Promise<Omit<Health, 'readMs' | 'commitMs'>> {
  const text = SESSIONS + HEALTH.replace('ARCHIVE', archive);
  const { rows } = await client.query<Omit<Health, 'readMs' | 'commitMs' | 'freeDiskBytes'>>(prepared({ text, values: [walk.table] }));
  const [row] = rows;
  if (row === undefined) throw new Error('a SELECT without FROM answered no row');
  return { ...row, freeDiskBytes: await freeDisk(dataFolder) };
}

async function freeDisk(folder: string | null): Promise<number | null> {
  if (folder === null) return null;
  return statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
