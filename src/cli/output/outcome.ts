import type { Verdict } from '../../kernel/index.ts';
import { ERRORS } from '../../kernel/index.ts';
import type { ReleaseView } from './release-view.ts';

/** The exit code of a finished (or stuck) release. */
export function exitOf({
  outcome,
  stuck,
  aborted,
  unsealedBecause,
  alreadyServes,
  rollback,
}: Pick<ReleaseView, 'outcome' | 'stuck' | 'aborted' | 'unsealedBecause' | 'alreadyServes' | 'rollback'>): number {
  if (outcome === 'released' && rollback.time?.verdict === 'fail') return ERRORS.rollback_late.exit;
  // Where nobody looks at the text, a release without its evidence must not pass for a proven one.
  if (outcome === 'released') return unsealedBecause === null ? 0 : ERRORS.release_unsealed.exit;
  // Whoever queued it wanted this version to serve, and it does: a pipeline must not go red for that.
  if (alreadyServes) return 0;
  if (outcome === 'rolled-back') return ERRORS.release_rolled_back.exit;
  if (outcome === 'unchanged') return aborted ? ERRORS.release_aborted.exit : ERRORS.release_failed.exit;
  if (outcome === 'accepted') return ERRORS.release_failed.exit;
  return stuck === null ? 0 : ERRORS.release_stuck.exit;
}

/** The one-word answer about a finished release; unknown while it is not finished. */
export function verdictOfOutcome({
  outcome,
  alreadyServes,
  rollback,
}: Pick<ReleaseView, 'outcome' | 'alreadyServes' | 'rollback'>): Verdict {
  if (outcome === null) return 'unknown';
  if (rollback.time?.verdict === 'fail') return 'fail';
  return outcome === 'released' || alreadyServes ? 'pass' : 'fail';
}

/** The exit codes of every command that ends with a release's outcome, for --help. */
export const OUTCOME_EXITS: readonly (readonly [code: number, meaning: string])[] = [
  [10, 'nothing was changed: a gate blocked it or a step failed early; or a stuck release was accepted as it stands'],
  [11, 'rolled back: the old version is serving'],
  [12, 'stuck: a person is needed'],
  [13, 'aborted before anything was changed'],
  [15, 'released, but the evidence could not be written yet'],
  [16, 'a rollback that worked, but took longer than rollback.within'],
];
