import { SlipwayError, type ErrorCode, type ExecResult, type Redactor } from '../../kernel/index.ts';

/** What a program says when the trouble is not the backup. Programs print PostgreSQL's message and no code, so words must do. */
const TROUBLE: readonly (readonly [RegExp, ErrorCode])[] = [
  [/No space left on device|could not (extend|write to) file|disk quota exceeded/i, 'disk_full'],
  [
    /connection to server .* failed|server closed the connection|terminating connection|too many (clients|connections)|remaining connection slots|the database system is (starting|shutting|not yet)/i,
    'database_unreachable',
  ],
];

/**
 * Throws unless a program that makes or restores a backup ended well.
 * @throws SlipwayError `disk_full` or `database_unreachable` when that was the cause, `release_aborted` when it was stopped or ran out of
 * time: none of them says that the backup is bad. Else `database_refused`.
 */
export function succeed(result: ExecResult, name: string, redact: Redactor): void {
  if (result.exitCode === 0) return;
  const said = result.tail.trim();
  if (result.isCanceled || result.timedOut) {
    const hint = 'Give it more time in slipway.yaml, or find out what it waited for; then try again.';
    throw new SlipwayError('release_aborted', redact(`${name} ${result.isCanceled ? 'was stopped' : 'did not end in time'}: ${said}`), {
      hint,
    });
  }
  const code = TROUBLE.find(([words]) => words.test(said))?.[1] ?? 'database_refused';
  throw new SlipwayError(code, redact(`${name} failed (${result.signal ?? `exit ${result.exitCode ?? '?'}`}): ${said}`));
}
