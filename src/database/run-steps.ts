import type { Duration } from '../kernel/index.ts';
import { onlySets } from './core/session-settings.ts';
import { letsOthersWork, solitaryByRequest, type Solitary } from './core/transactions.ts';
import type { Statement } from './core/types.ts';
import { digestOf, recordProgress, type StoredRow } from './history.ts';
import { clearLeftovers, finishDetach, standingOf, type Standing } from './interrupted.ts';
import { withAttempts, withRetries, type FileOutcome } from './outcome.ts';
import { literal } from './server.ts';
import { withWorker, type MigrationSession, type Worker } from './session.ts';
import { execute, problemOf, setLimits, throwIfAborted, type FileRun, type Problem } from './statement.ts';

/** What lets others work waits for old transactions with a lock nobody queues behind, so it may wait longer than what blocks users. */
const PATIENT_LOCK_MS = 60_000;

/** Where a run of a file without a transaction stands. */
interface Step {
  readonly run: FileRun;
  readonly index: number;
  readonly statement: Statement;
  /** When this run of the file began. */
  readonly since: Duration;
}

/**
 * Runs a file statement by statement. What can run in a transaction commits together with its own progress; what cannot is
 * recorded as begun before and as done after, and when it was interrupted between the two the catalog says which it was.
 */
export async function runSteps(session: MigrationSession, run: FileRun, row: StoredRow | null): Promise<FileOutcome> {
  const { statements } = run.script;
  const resumed = row !== null && row.direction === run.direction ? row : null;
  const first = resumed?.statementsDone ?? 0;
  if (resumed !== null && digestOf(statements.slice(0, first)) !== resumed.doneSha256) {
    const reason = `${run.script.file} was changed in the part that is already applied (statements 1 to ${first}); put that part back as it was`;
    return { ok: false, verdict: 'fail', reason, changed: false };
  }
  const since = session.request.effects.clock.monotonic();
  return withWorker(session, async (worker) => {
    await replaySettings(worker, statements.slice(0, first));
    await setLimits(worker, session, { local: false });
    let attempts = 1;
    for (const [index, statement] of statements.entries()) {
      if (index < first) continue;
      const interrupted = index === first && (resumed?.begun ?? 0) > index;
      const outcome = await runStep(session, worker, { run, index, statement, since }, interrupted);
      if (outcome.problem !== null) return stepFailed(outcome.problem, outcome.attempts, index > first || outcome.problem.changed);
      attempts = Math.max(attempts, outcome.attempts);
    }
    // A person said that the last one took effect, and the tool's table does not know of it yet.
    const last = statements.at(-1);
    if (last !== undefined && first === statements.length)
      await record(session, worker, { run, index: first - 1, statement: last, since }, first);
    return { ok: true, attempts };
  });
}

type StepProblem = Problem & { readonly changed: boolean };

function stepFailed(problem: StepProblem, attempts: number, changed: boolean): FileOutcome {
  const verdict = problem.kind === 'lost' || problem.kind === 'unsure' ? 'unknown' : 'fail';
  return { ok: false, verdict, reason: withAttempts(problem.reason, attempts), changed };
}

/** A resumed file continues on a new connection, which must see what the done part had set. */
async function replaySettings({ client }: Worker, done: readonly Statement[]): Promise<void> {
  for (const statement of done) if (onlySets(statement)) await client.query(statement.text);
}

async function runStep(
  session: MigrationSession,
  worker: Worker,
  step: Step,
  interrupted: boolean,
): Promise<{ readonly problem: StepProblem | null; readonly attempts: number }> {
  const alone = solitaryByRequest(step.statement);
  if (alone === null) return withRetries(session, () => inTransaction(session, worker, step));
  let begun = interrupted;
  return withRetries(session, async () => {
    try {
      const standing = await standingOf(worker.client, alone);
      if (begun && standing === 'unsure') return unsure(session, step);
      if (begun && standing === 'done') return await record(session, worker, step, step.index + 1);
      begun = true;
      return await onItsOwn(session, worker, { ...step, alone, standing });
    } catch (error) {
      const problem = problemOf(error, session, step.run, step.statement);
      if (problem.kind === 'refused' && alone.kind !== 'unsure') begun = false;
      // A block that commits in the middle may have done half of its work, so it is never simply run again.
      return { ...problem, retry: problem.retry && alone.kind !== 'unsure', changed: true };
    }
  });
}

/** The statement and its progress commit together. */
async function inTransaction(session: MigrationSession, worker: Worker, step: Step): Promise<StepProblem | null> {
  const { client } = worker;
  let committing = false;
  try {
    await client.query('BEGIN');
    await setLimits(worker, session, { local: true });
    await execute(session, worker, step.run, step.statement);
    await writeProgress(session, worker, step, { begun: step.index + 1, done: step.index + 1 });
    session.request.effects.faults.at(`migrate.${step.run.direction}.step-before-commit`);
    throwIfAborted(session);
    committing = true;
    await client.query('COMMIT');
    session.request.effects.faults.at(`migrate.${step.run.direction}.step-committed`);
    return null;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    const problem = problemOf(error, session, step.run, step.statement);
    return { ...problem, changed: committing && problem.kind === 'lost' };
  }
}

async function onItsOwn(
  session: MigrationSession,
  worker: Worker,
  step: Step & { readonly alone: Solitary; readonly standing: Standing },
): Promise<null> {
  const { faults } = session.request.effects;
  const { alone, standing } = step;
  throwIfAborted(session);
  const patient = letsOthersWork(step.statement);
  await setLimits(worker, session, { local: false, ...(patient ? { lockTimeoutMs: PATIENT_LOCK_MS, statementTimeoutMs: 0 } : {}) });
  // What is there before it begins would be taken for its work after an interruption. The server passes over it or refuses it, both at once.
  if (standing !== 'done') await record(session, worker, step, step.index);
  faults.at(`migrate.${step.run.direction}.step-begun`);
  try {
    await clearLeftovers(worker.client, alone);
    if (alone.kind === 'detach' && standing === 'half') await finishDetach(worker.client, alone);
    else await execute(session, worker, step.run, step.statement);
  } catch (error) {
    if (problemOf(error, session, step.run, step.statement).kind === 'refused') await recordRefused(session, worker, step);
    throw error;
  }
  faults.at(`migrate.${step.run.direction}.step-before-record`);
  return record(session, worker, step, step.index + 1);
}

/** A refused statement is not an interrupted one: the next run has nothing to find out. */
async function recordRefused(session: MigrationSession, worker: Worker, step: Step & { readonly alone: Solitary }): Promise<void> {
  if (step.alone.kind === 'unsure') return;
  // Why it was refused is what has to be told; where this is not recorded, the next run asks the catalog.
  await record(session, worker, step, step.index, step.index).catch(() => undefined);
}

/** Records in a transaction of its own that the step was begun, and how many statements are done. */
// oxlint-disable-next-line max-params -- what, how much is done, and how much begun
async function record(session: MigrationSession, worker: Worker, step: Step, done: number, begun = step.index + 1): Promise<null> {
  const { client } = worker;
  await client.query('BEGIN');
  try {
    await writeProgress(session, worker, step, { begun, done });
    await client.query('COMMIT');
    return null;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function writeProgress(
  { request, history }: MigrationSession,
  { client }: Worker,
  { run, since }: Step,
  reached: { readonly begun: number; readonly done: number },
): Promise<void> {
  const { sha256, statements } = run.script;
  await recordProgress(client, history, {
    ...run,
    sha256,
    durationMs: request.effects.clock.monotonic() - since,
    release: request.release,
    fence: request.fence,
    statements,
    ...reached,
  });
}

/** Says what a person can find out and we cannot, with the statement that tells us. */
function unsure({ history }: MigrationSession, { run, index, statement }: Step): StepProblem {
  const { statements, file } = run.script;
  const number = index + 1;
  const row = `WHERE name = ${literal(run.name)}`;
  // A tool's table is written when the migration is run again.
  const last = number === statements.length && history.tool === null;
  const reached = `statements_begun = ${number}, statements_done = ${number}, done_sha256 = '${digestOf(statements.slice(0, number))}', finished = ${last}`;
  const did =
    last && run.direction === 'down'
      ? `DELETE FROM slipway_history.migration ${row}`
      : `UPDATE slipway_history.migration SET ${reached} ${row}`;
  const reason = `${file}:${statement.line}: statement ${number} was interrupted, and only a person can tell whether it took effect
  if it did: ${did};
  if it did not: UPDATE slipway_history.migration SET statements_begun = ${index} ${row};
  and then run the migration again`;
  return { kind: 'unsure', retry: false, reason, changed: false };
}
