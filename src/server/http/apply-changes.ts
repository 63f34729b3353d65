import type { FlagChange, FlagWrite, StoredFlags } from '../../flags/index.ts';

/** What flags become by changes, oldest first. What was given stays as it is: others may be reading it. */
export function applyChanges(before: StoredFlags, changes: readonly FlagChange[]): StoredFlags {
  const newest = changes.at(-1);
  if (newest === undefined) return before;
  // Maps, because a key may be the name of something every object has.
  const flags = new Map(Object.entries(before.set.flags));
  const segments = new Map(Object.entries(before.set.segments));
  const flagRevisions = new Map(before.flagRevisions);
  const segmentRevisions = new Map(before.segmentRevisions);
  for (const { seq, writes } of changes) {
    for (const write of writes) {
      if (write.kind === 'flag') apply(flags, flagRevisions, write.after, { key: write.key, seq });
      else apply(segments, segmentRevisions, write.after, { key: write.key, seq });
    }
  }
  const set = { ...before.set, seq: newest.seq, flags: Object.fromEntries(flags), segments: Object.fromEntries(segments) };
  return { ...before, set, flagRevisions, segmentRevisions };
}

function apply<T>(
  all: Map<string, T>,
  revisions: Map<string, number>,
  after: T | null,
  { key, seq }: Pick<FlagWrite, 'key'> & { readonly seq: number },
): void {
  if (after === null) {
    all.delete(key);
    revisions.delete(key);
    return;
  }
  all.set(key, after);
  revisions.set(key, seq);
}
