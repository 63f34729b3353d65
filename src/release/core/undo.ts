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
    const reason = needlessReason(state, step);
    if (reason === null || undo.length === 0) return undo;
    skipped.push(...undo.map((one) => ({ step: one.id, reason })));
    return [];
  });
  // A change that stays (an additive migration) has no undo step, yet the old version must show that it lives with it.
  const changed = begun.some((step) => plan.undo[step.id] !== undefined && needlessReason(state, step) === null);
  if (!changed) return { changed, steps: [], skipped, refused: null };
  // Several changes may have the same way back (traffic held twice); it is taken once, where it first comes.
  const once = steps.filter((step, index) => steps.findIndex((other) => other.id === step.id) === index);
  // What one change does not need, another may.
  const needless = skipped.filter(({ step }) => !once.some(({ id }) => id === step));
  // What a flag does ends at once; whatever else is undone takes longer.
  const first = [...(plan.flagsOff ?? []), ...(plan.recall ?? [])];
  return { changed, steps: [...first, ...placeReSmoke(once, plan.reSmoke)], skipped: needless, refused: lossReason(state) };
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

/** Begun, and every try of it ended by saying that it changed nothing. A try without an outcome says nothing. */
function changedNothing(state: ReleaseState, id: string): boolean {
  const step = state.steps[id];
  return step !== undefined && step.status !== 'intended' && !step.mayHaveChanged;
}

/** A migration or a route known to have changed nothing needs no way back; one that is not known to have changed nothing does. */
function needlessReason(state: ReleaseState, { id, kind }: Step): string | null {
  if (!changedNothing(state, id)) return null;
  if (kind === 'migrate') return 'the migration changed nothing';
  return kind === 'route' ? 'the route was not changed' : null;
}

/** How to keep what users wrote and still end what is wrong, as what to type. */
export function repairForward({ plan }: ReleaseState): string {
  return `repair forward: \`slipway abort ${plan.release} --accept REASON\` closes this release and leaves users on ${plan.version}; then commit the repair under a new version and \`slipway release\` it`;
}

/** May users have written to the new version? Not when the step that sends them there was refused before it sent anybody. */
export function isPastNoReturn(state: ReleaseState): boolean {
  const point = state.plan.rollback.pointOfNoReturn;
  return point !== null && wasBegun(state, point) && !changedNothing(state, point);
}

function lossReason(state: ReleaseState): string | null {
  const point = state.plan.rollback.pointOfNoReturn;
  if (point === null || !isPastNoReturn(state) || state.rollbackRequest?.acceptDataLoss === true) return null;
  const step = state.steps[point];
  const when = step === undefined ? point : `${point} at ${toIso(step.firstIntendedAt)}`;
  return `users ${step?.status === 'pass' ? 'have' : 'may have'} been writing to the new version since ${when}, and the way back restores a backup from before, which would lose all of that; order it with \`slipway rollback ${state.plan.release} --accept-data-loss\`, or ${repairForward(state)}`;
}
