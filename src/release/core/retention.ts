import type { Duration, Instant } from '../../kernel/pure.ts';

/** What a finished release may have left in the database's server and on disk. */
export interface Leftovers {
  readonly release: string;
  readonly finishedAt: Instant;
  /** How its backup was made; null when it has none (any more). */
  readonly backup: string | null;
}

export interface Tidied {
  /** Releases whose backup is removed. */
  readonly backups: readonly string[];
  /** Releases whose database, renamed away by a restore, is dropped. */
  readonly failed: readonly string[];
}

const DAY = 86_400_000;
/** It holds what users wrote after the backup, and nothing else does: time for whoever repairs. */
const FAILED_KEPT_MS: Duration = 14 * DAY;
const FILES_KEPT_MS: Duration = 30 * DAY;
/** However old. */
const FILES_KEPT = 5;

/**
 * What may go when a release has ended. `earlier` are the finished releases of the same service and environment, the newest first;
 * `needed` are the one that ended and the one it replaced. docs/operations.md says the same in words.
 */
export function whatToTidy(earlier: readonly Leftovers[], needed: ReadonlySet<string>, now: Instant): Tidied {
  const olderThan = (ms: Duration) => (one: Leftovers) => now - one.finishedAt > ms;
  // A copy inside the server costs the database's size once more, and nothing in Slipway goes back to it.
  const copies = earlier.filter((one) => one.backup === 'template' && !needed.has(one.release));
  const files = earlier.filter((one) => one.backup !== null && one.backup !== 'template');
  const old = files.slice(FILES_KEPT).filter((one) => !needed.has(one.release) && olderThan(FILES_KEPT_MS)(one));
  return {
    backups: [...copies, ...old].map((one) => one.release),
    failed: earlier.filter(olderThan(FAILED_KEPT_MS)).map((one) => one.release),
  };
}

const PROOFS_KEPT_MS: Duration = 90 * DAY;
const PROOFS_KEPT = 20;
/** An id of a run is a ULID, whose first ten characters are its time. */
const RUN = /^[0-9a-hjkmnp-tv-z]{26}$/;
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** Proofs of `db prove` (folders by the id of their run) that may go: older than 90 days, and not of the newest twenty. Other folders stay. */
export function oldProofs(folders: readonly string[], now: Instant): readonly string[] {
  const runs = folders.filter((name) => RUN.test(name)).toSorted();
  return runs.slice(0, Math.max(0, runs.length - PROOFS_KEPT)).filter((id) => now - timeOf(id) > PROOFS_KEPT_MS);
}

const timeOf = (id: string): number => Array.from(id.slice(0, 10)).reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0);
