/** Three-valued answer to any question that may block a release. `unknown` never passes a required gate. */
export type Verdict = 'pass' | 'fail' | 'unknown';

/** One checked question with its answer and the reason a person can read. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** What to do about it; present when the verdict is not `pass`. */
  readonly fix?: string;
}

/**
 * Joins verdicts the way a required gate does: one `fail` fails, else one `unknown` is unknown.
 * An empty list is `unknown`: zero things checked proves nothing.
 */
export function joinVerdicts(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return 'unknown';
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.includes('unknown') ? 'unknown' : 'pass';
}
