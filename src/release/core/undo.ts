import { toIso } from '../../kernel/pure.ts';
import type { Step } from './plan.ts';
import type { ReleaseState } from './state.ts';

/** The way back from where a release stands. */
export interface Undo {
  /** False when nothing outside Slipway's own folder was changed yet. */
  readonly changed: boolean;
  /** In the order they run: newest change first, then the smoke of the old version. */
  readonly steps: readonly Step[];
  /** Undo steps that are not needed, with the reason, for the ledger. */
  readonly skipped: readonly { readonly step: string; readonly reason: string }[];
  /** Why the way back must not be taken without a person; null when it may. */
  readonly refused: string | null;
}

/**
 * Plans the rollback from the ledger alone: what was begun is undone in reverse order (a step whose outcome is not
 * known counts as begun), and the old version must then pass its smoke again. An undo that would lose what users
 * wrote is refused unless a person accepted that loss.
 */
export function planUndo(state: ReleaseState): Undo {
  const { plan } = state;
  const begun = plan.steps.filter((step) => wasBegun(state, step.id));
  const skipped: { step: string; reason: string }[] = [];
  const steps = begun.toReversed().flatMap((step) => {
    const undo = plan.undo[step.id] ?? [];
    const reason = needlessReason(state, step.id);
    if (reason === null || undo.length === 0) return undo;
    skipped.push(...undo.map((one) => ({ step: one.id, reason })));
    return [];
  });
  // A change that stays (an additive migration) has no undo step, yet the old version must show that it lives with it.
  const changed = begun.some((step) => plan.undo[step.id] !== undefined && needlessReason(state, step.id) === null);
  if (!changed) return { changed, steps: [], skipped, refused: null };
  // Several changes may have the same way back (traffic held twice); it is taken once, where it first comes.
  const once = steps.filter((step, index) => steps.findIndex((other) => other.id === step.id) === index);
  return { changed, steps: placeReSmoke(once, plan.reSmoke), skipped, refused: lossReason(state) };
}

/** The old version is smoked before users reach it again: just ahead of the last step that opens traffic, else at the end. */
function placeReSmoke(steps: readonly Step[], reSmoke: readonly Step[]): readonly Step[] {
  const opening = steps.findLastIndex((step) => step.kind === 'route' && step.input['mode'] === 'open');
  const laterStart = steps.findLastIndex((step) => step.kind === 'apply-group' || step.kind === 'restore' || step.kind === 'migrate-down');
  return opening > laterStart ? [...steps.slice(0, opening), ...reSmoke, ...steps.slice(opening)] : [...steps, ...reSmoke];
}

function wasBegun(state: ReleaseState, id: string): boolean {
  const step = state.steps[id];
  return step !== undefined && step.status !== 'skipped' && step.attempt > 0;
}

/** A migration known to have changed nothing needs no restore; one that is not known to have changed nothing does. */
function needlessReason(state: ReleaseState, id: string): string | null {
  const step = state.plan.steps.find((candidate) => candidate.id === id);
  if (step?.kind !== 'migrate') return null;
  const before = state.steps[id];
  return before !== undefined && before.status !== 'intended' && !before.mayHaveChanged ? 'the migration changed nothing' : null;
}

function lossReason(state: ReleaseState): string | null {
  const point = state.plan.rollback.pointOfNoReturn;
  if (point === null || !wasBegun(state, point) || state.rollbackRequest?.acceptDataLoss === true) return null;
  const since = state.steps[point]?.firstIntendedAt;
  const when = since === undefined ? point : `${point} at ${toIso(since)}`;
  return `users have been writing to the new version since ${when}, and the way back restores a backup from before, which would lose all of that; order it with \`slipway rollback --accept-data-loss\` or repair forward`;
}
