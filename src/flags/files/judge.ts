import type { Flag, Segment } from '../../../packages/flags/src/core/definition.ts';
import type { FlagChange, StoredFlags, WantedWrite } from '../ports.ts';
import type { FileDifference } from '../core/files/diff.ts';

/** A difference, and whose doing it is. */
export interface Judged {
  readonly difference: FileDifference;
  /** The newest change on the server that the files do not have; null: it is the files that are ahead. */
  readonly changedBy: FlagChange | null;
  /** As the files had it last; null where it was not there, or that is not known any more. */
  readonly known: Flag | Segment | null;
}

/**
 * Tells a difference that the files made from one that was made on the server. The files have what was applied from them (such a change
 * is an `import`), and what was pulled into them. `changes` are newest first.
 */
export function judge(difference: FileDifference, changes: readonly FlagChange[], pulled: number): Judged {
  const { kind, key } = difference;
  const own = changes.filter(({ writes }) => writes.some((write) => write.kind === kind && write.key === key));
  const at = own.findIndex((change) => change.action === 'import' || change.seq <= pulled);
  const [newest = null] = own;
  const written = own[at]?.writes.find((write) => write.kind === kind && write.key === key);
  return { difference, changedBy: at === 0 ? null : newest, known: written?.after ?? null };
}

/** What an apply does with each difference. */
export interface ApplyPlan {
  readonly writes: readonly WantedWrite[];
  readonly applied: readonly FileDifference[];
  /** On the server alone, and never in the files: left as they are. */
  readonly left: readonly Judged[];
  /** Changed on the server since; nothing is applied while there are any. */
  readonly conflicts: readonly Judged[];
}

/** `overwrite` are the keys whose state on the server may be lost. */
export function planApply(judged: readonly Judged[], stored: StoredFlags, overwrite: ReadonlySet<string>): ApplyPlan {
  const isFree = ({ difference, changedBy }: Judged): boolean => changedBy === null || overwrite.has(difference.key);
  const isServers = ({ difference }: Judged): boolean => difference.files === null;
  const applied = judged.filter(isFree).map(({ difference }) => difference);
  return {
    applied,
    writes: applied.map((difference) => writeOf(difference, stored)),
    left: judged.filter((one) => !isFree(one) && isServers(one)),
    conflicts: judged.filter((one) => !isFree(one) && !isServers(one)),
  };
}

function writeOf(difference: FileDifference, { flagRevisions, segmentRevisions }: StoredFlags): WantedWrite {
  const { key } = difference;
  if (difference.kind === 'flag') return { kind: 'flag', key, revision: flagRevisions.get(key) ?? null, after: difference.files };
  return { kind: 'segment', key, revision: segmentRevisions.get(key) ?? null, after: difference.files };
}
