import type { Duration, Instant } from '../../kernel/pure.ts';

/** What of a release in the ledger tells when a version may have run. */
export interface Ran {
  readonly release: string;
  readonly version: string;
  /** How it ended, or that it did not yet. */
  readonly status: string;
  readonly requestedAt: Instant;
  readonly finishedAt: Instant | null;
}

/** Is a version older than the first that does without something? Null: nothing tells. */
export type IsOld = (version: string) => boolean | null;

/**
 * @param releases of one service in one environment
 * @param precedes compares two versions by what they are called; null for those that it cannot compare: then that one is older which
 * was released first here
 */
export function olderThan(since: string, releases: readonly Ran[], precedes: (one: string, other: string) => boolean | null): IsOld {
  const first = new Map<string, number>();
  for (const { version, status } of inOrder(releases)) if (status === 'released' && !first.has(version)) first.set(version, first.size);
  return (version) => {
    if (version === since) return false;
    const [its, others] = [first.get(version), first.get(since)];
    return precedes(version, since) ?? (its === undefined || others === undefined ? null : its < others);
  };
}

/** When a version that needs the old shape was last there. */
export type LastUse =
  /** It still serves, or is being released. */
  | { readonly kind: 'now'; readonly version: string }
  /** Until then, its time to stay warm not counted; `by` replaced it. No version: none was ever released here. */
  | { readonly kind: 'until'; readonly at: Instant; readonly version: string | null; readonly by: string | null }
  | { readonly kind: 'unknown'; readonly reason: string };

interface Seen {
  /** Versions that may serve: more than one after a release was accepted as it stood. */
  readonly serving: readonly string[];
  readonly last: Extract<LastUse, { kind: 'until' }> | null;
  /** When a version that is not old was first released. */
  readonly first: Instant | null;
}

/** When, by the ledger of one service in one environment, an old version may last have run. */
export function lastUse(releases: readonly Ran[], isOld: IsOld): LastUse {
  const told = inOrder(releases).filter(({ status }) => status !== 'unchanged');
  const unclear = told.find(({ version }) => isOld(version) === null);
  if (unclear !== undefined)
    return { kind: 'unknown', reason: `nothing tells whether ${unclear.version} is older than the first version that does without it` };
  const old = (version: string): boolean => isOld(version) === true;
  const { serving, last, first } = told.reduce((seen, one) => after(seen, one, old), { serving: [], last: null, first: null } as Seen);
  const now = [...serving, ...told.filter(({ finishedAt }) => finishedAt === null).map(({ version }) => version)].find(old);
  if (now !== undefined) return { kind: 'now', version: now };
  if (last !== null) return last;
  if (first !== null) return { kind: 'until', at: first, version: null, by: null };
  return { kind: 'unknown', reason: 'no version that does without it was ever released here' };
}

function after(seen: Seen, { release, version, status, finishedAt }: Ran, old: (version: string) => boolean): Seen {
  if (finishedAt === null) return seen;
  if (status === 'accepted') return { ...seen, serving: [...seen.serving, version] };
  // It ran, and was taken back.
  if (status !== 'released') return old(version) ? { ...seen, last: { kind: 'until', at: finishedAt, version, by: null } } : seen;
  const replaced = seen.serving.find(old);
  const last = replaced === undefined ? seen.last : ({ kind: 'until', at: finishedAt, version: replaced, by: release } as const);
  return { serving: [version], last, first: seen.first ?? (old(version) ? null : finishedAt) };
}

/** By the time they ended; those that did not last. */
function inOrder(releases: readonly Ran[]): readonly Ran[] {
  const end = ({ finishedAt }: Ran): number => finishedAt ?? Number.MAX_SAFE_INTEGER;
  return releases.toSorted((a, b) => end(a) - end(b) || a.requestedAt - b.requestedAt);
}

/** Since when no old version ran, its time to stay warm counted. */
export function freeSince(use: Extract<LastUse, { kind: 'until' }>, warmMs: Duration): Instant {
  return use.at + (use.version === null ? 0 : warmMs);
}
