import type { HealthLimits } from './definition.ts';

/** What the server said of itself at one moment; null where it could not or may not say. */
export interface Health {
  readonly lockWaiters: number;
  /** Those among them that wait for this backfill. */
  readonly waitForUs: number;
  readonly activeSessions: number;
  readonly replicaLagMs: number | null;
  readonly replicaLagBytes: number | null;
  readonly keptWalBytes: number | null;
  /** WAL that waits to be archived. */
  readonly unarchivedBytes: number | null;
  readonly deadRows: number;
  readonly liveRows: number;
  /** Answer time of a point read. */
  readonly readMs: number | null;
  /** How long a commit takes that waits for the disk, and for replicas where the server is told to; one that has not ended counts with its time so far. */
  readonly commitMs: number | null;
  readonly freeDiskBytes: number | null;
  readonly transactionAge: number;
}

/** Below this many dead rows nobody notices them, whatever the share. */
const FEW_DEAD_ROWS = 100_000;
/** Always allowed: a multiple of a fraction of a millisecond says nothing. */
const QUICK_MS = 10;

/** What users' reads and commits took before the first batch; null where it could not be measured. */
export interface Calm {
  readonly readMs: number | null;
  readonly commitMs: number | null;
}

/**
 * Why the next batch has to wait; null when nothing speaks against it. What is not known does not hold a backfill up (it is
 * bounded by its transaction time and pauses all the same), but is told beforehand by the dry run.
 */
export function whyWait(health: Health, limits: HealthLimits, calm: Calm): string | null {
  const reason = CHECKS.map((check) => check(health, limits)).find((one) => one !== null) ?? null;
  return (
    reason ?? slow('a read by key', [health.readMs, calm.readMs], limits) ?? slow('a commit', [health.commitMs, calm.commitMs], limits)
  );
}

type Check = (health: Health, limits: HealthLimits) => string | null;

const over = (value: number | null, limit: number): value is number => value !== null && value > limit;

const CHECKS: readonly Check[] = [
  ({ waitForUs }) => (waitForUs > 0 ? `${waitForUs} sessions wait for a lock of this backfill` : null),
  ({ lockWaiters }, limits) =>
    lockWaiters > limits.lockWaiters ? `${lockWaiters} sessions wait for locks (limit ${limits.lockWaiters})` : null,
  ({ activeSessions }, limits) =>
    activeSessions > limits.activeSessions ? `${activeSessions} sessions are at work (limit ${limits.activeSessions})` : null,
  ({ replicaLagMs }, limits) =>
    over(replicaLagMs, limits.replicaLagMs) ? `a replica is ${seconds(replicaLagMs)} behind (limit ${seconds(limits.replicaLagMs)})` : null,
  ({ replicaLagBytes }, limits) =>
    over(replicaLagBytes, limits.replicaLagBytes)
      ? `a replica is ${mebibytes(replicaLagBytes)} behind (limit ${mebibytes(limits.replicaLagBytes)})`
      : null,
  ({ keptWalBytes }, limits) =>
    over(keptWalBytes, limits.keptWalBytes)
      ? `${mebibytes(keptWalBytes)} of WAL are kept for a replication slot (limit ${mebibytes(limits.keptWalBytes)})`
      : null,
  ({ unarchivedBytes }, limits) =>
    over(unarchivedBytes, limits.keptWalBytes)
      ? `${mebibytes(unarchivedBytes)} of WAL wait for the archive (limit ${mebibytes(limits.keptWalBytes)})`
      : null,
  ({ deadRows, liveRows }, limits) =>
    deadRows > Math.max(FEW_DEAD_ROWS, liveRows * limits.deadRows)
      ? `the table has ${deadRows} dead rows beside ${liveRows} live ones (limit ${limits.deadRows} times): vacuum does not keep up`
      : null,
  ({ freeDiskBytes }, limits) =>
    freeDiskBytes !== null && freeDiskBytes < limits.freeDiskBytes
      ? `${mebibytes(freeDiskBytes)} are free on the server's disk (limit ${mebibytes(limits.freeDiskBytes)})`
      : null,
  ({ transactionAge }, limits) =>
    transactionAge > limits.transactionAge ? `the oldest transaction not frozen is ${transactionAge} transactions old` : null,
];

function slow(what: string, [nowMs, calmMs]: readonly [number | null, number | null], limits: HealthLimits): string | null {
  if (nowMs === null || calmMs === null || nowMs <= Math.max(QUICK_MS, calmMs * limits.latency)) return null;
  return `${what} takes ${nowMs.toFixed(1)} ms, before it took ${calmMs.toFixed(1)} ms (limit ${limits.latency} times)`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;
