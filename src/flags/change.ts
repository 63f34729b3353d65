import { SlipwayError } from '../kernel/index.ts';
import { same } from './core/same.ts';
import { currentOf, setWith, type Target } from './core/targets.ts';
import { refuseKilled } from './killed.ts';
import { refuseInvalid } from './problems.ts';
import type { FlagAction, FlagChange, FlagStore, StoredFlags, WantedWrite } from './ports.ts';

/** Who changes flags, where and why. */
export interface Asked {
  readonly environment: string;
  readonly actor: string;
  readonly reason: string;
  /** The revision that was looked at, null for nothing there; left out, the change is made to whatever there is. */
  readonly revision?: number | null;
}

export interface Making {
  readonly action: FlagAction;
  /** In the place of the one that was asked with: worked out from what there is, before `edit`, and may refuse. */
  readonly revision?: (stored: StoredFlags) => number | null;
  /** Answers what is to be of what there is. Called again when somebody else was quicker. */
  readonly edit: (stored: StoredFlags) => readonly Target[];
}

/** Whoever else writes the same gets through each time that we do not, so this is far more than it takes. */
const TRIES = 50;

/**
 * Reads, edits, checks and commits; once more when somebody else was quicker. What is so already is not written; null: all of it.
 * @throws SlipwayError `flag_invalid` for what the change would break, `flag_conflict` for another revision than `asked` names, `flag_exists`,
 *   `not_possible_now` when it would turn a killed flag on; whatever `edit` throws
 */
export async function changeFlags(store: FlagStore, asked: Asked, { action, revision, edit }: Making): Promise<FlagChange | null> {
  const { environment, actor, reason } = asked;
  let stored = await store.read(environment);
  for (let left = TRIES; ; left--) {
    const from = revision === undefined ? asked.revision : revision(stored);
    const edited = edit(stored);
    if (action !== 'create') refuseOlder(stored, edited, from);
    const targets = edited.filter((target) => action === 'create' || !same(currentOf(stored.set, target), target.after));
    if (targets.length === 0) return null;
    // Of what is there already nothing else is worth saying than who made it, which the store knows.
    if (!isThere(stored, targets, from)) {
      refuseInvalid(stored.set, setWith(stored.set, targets), targets);
      await refuseKilled(store, stored.set, targets);
    }
    const writes = targets.map((target): WantedWrite => Object.assign({}, target, { revision: revisionOf(stored, target, from) }));
    const change = { environment, actor, reason, action, acknowledge: false, writes };
    const made = await store.commitChecked(stored.set.seq, change);
    if (made !== null) return made;
    if (left === 1) throw new SlipwayError('flag_conflict', `The flags of ${environment} change faster than a change can be checked`);
    stored = await caughtUp(store, stored);
  }
}

/** The same with what was committed since; read anew only where that is not told change by change. */
async function caughtUp(store: FlagStore, stored: StoredFlags): Promise<StoredFlags> {
  const { set, history } = stored;
  const changes = await store.changesSince(set.environment, set.seq, history);
  if (changes === null) return store.read(set.environment);
  const flagRevisions = new Map(stored.flagRevisions);
  const segmentRevisions = new Map(stored.segmentRevisions);
  for (const { seq, writes } of changes) {
    for (const { kind, key, after } of writes) {
      const revisions = kind === 'flag' ? flagRevisions : segmentRevisions;
      if (after === null) revisions.delete(key);
      else revisions.set(key, seq);
    }
  }
  const next = setWith(
    set,
    changes.flatMap(({ writes }): readonly Target[] => writes),
  );
  return { set: { ...next, seq: changes.at(-1)?.seq ?? set.seq }, flagRevisions, segmentRevisions, history };
}

/** Somebody else changed the same, and whoever asks did not say that this must not be. */
export function wasQuicker(error: unknown, asked: Asked): boolean {
  return error instanceof SlipwayError && error.code === 'flag_conflict' && asked.revision === undefined;
}

function revisionOf({ flagRevisions, segmentRevisions }: StoredFlags, { kind, key }: Target, from: number | null | undefined) {
  return from === undefined ? ((kind === 'flag' ? flagRevisions : segmentRevisions).get(key) ?? null) : from;
}

/** Something would be made that is there. */
function isThere(stored: StoredFlags, targets: readonly Target[], from: number | null | undefined): boolean {
  return from === null && targets.some((target) => revisionOf(stored, target, undefined) !== null);
}

/** Whoever names a revision is told that there is another one, also where the change would change nothing. @throws SlipwayError `flag_conflict` */
function refuseOlder(stored: StoredFlags, targets: readonly Target[], from: number | null | undefined): void {
  if (from === undefined) return;
  for (const target of targets) {
    const now = revisionOf(stored, target, undefined);
    if (now === from || !same(currentOf(stored.set, target), target.after)) continue;
    const { kind, key } = target;
    throw new SlipwayError(
      'flag_conflict',
      `The ${kind} ${key} in ${stored.set.environment} has revision ${now}; this change was made from revision ${from}`,
    );
  }
}
