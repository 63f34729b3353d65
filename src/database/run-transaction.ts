import { setsTransaction } from './core/transactions.ts';
import type { Statement } from './core/types.ts';
import { claimFence, holdHistory, recordProgress } from './history.ts';
import { withAttempts, withRetries, type FileOutcome } from './outcome.ts';
import { withWorker, type MigrationSession, type Worker } from './session.ts';
import { execute, problemOf, setLimits, throwIfAborted, type FileRun, type Problem } from './statement.ts';

/**
 * The whole file and its row in the history commit together, so a `kill -9` anywhere leaves either both or none.
 */
export async function runTransaction(session: MigrationSession, run: FileRun): Promise<FileOutcome> {
  const answer = await withRetries(session, () => withWorker(session, (worker) => attemptTransaction(session, worker, run)));
  if (answer.problem === null) return { ok: true, attempts: answer.attempts };
  const lostInCommit = answer.problem.kind === 'lost' && answer.problem.committing;
  if (lostInCommit)
    return {
      ok: false,
      verdict: 'unknown',
      reason: `${answer.problem.reason} while it was committed; run it again to find out`,
      changed: true,
    };
  return { ok: false, verdict: 'fail', reason: withAttempts(answer.problem.reason, answer.attempts), changed: false };
}

async function attemptTransaction(
  session: MigrationSession,
  worker: Worker,
  run: FileRun,
): Promise<(Problem & { readonly committing: boolean }) | null> {
  const { request } = session;
  const { faults } = request.effects;
  const { client } = worker;
  let at: Statement | null = null;
  let committing = false;
  const since = request.effects.clock.monotonic();
  try {
    await client.query('BEGIN');
    const [first, ...others] = run.script.statements;
    // Even our own limits would come too early for it.
    const setting = first !== undefined && setsTransaction(first) ? first : null;
    if (setting !== null) await execute(session, worker, run, (at = setting));
    await setLimits(worker, session, { local: true });
    await holdHistory(client, session.history, run);
    await claimFence(client, request.fence);
    for (const statement of setting === null ? run.script.statements : others) {
      at = statement;
      await execute(session, worker, run, statement);
      faults.at(`migrate.${run.direction}.statement-done`);
    }
    at = null;
    const { statements, sha256 } = run.script;
    const whole = { begun: statements.length, done: statements.length, statements };
    await recordProgress(client, session.history, {
      ...run,
      sha256,
      release: request.release,
      fence: request.fence,
      durationMs: request.effects.clock.monotonic() - since,
      ...whole,
    });
    faults.at(`migrate.${run.direction}.before-commit`);
    throwIfAborted(session);
    committing = true;
    await client.query('COMMIT');
    faults.at(`migrate.${run.direction}.committed`);
    return null;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    return { ...problemOf(error, session, run, at), committing };
  }
}
