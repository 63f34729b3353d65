import { messageOf, SlipwayError } from '../kernel/index.ts';
import { withClient } from './access.ts';
import { compareHistory, type HistoryRow } from './core/drift.ts';
import { partialOf, readFence, readHistory, type StoredRow } from './history.ts';
import { isOvertaken } from './lock.ts';
import { readMigrations, type MigrationFile } from './migrations.ts';
import type { FileOutcome } from './outcome.ts';
import type { AppliedMigration, ApplyRequest, DatabaseAccess, MigrationRequest, MigrationResult, MigrationStatus } from './ports.ts';
import { runSteps } from './run-steps.ts';
import { runTransaction } from './run-transaction.ts';
import { withMigrationLock, type MigrationSession } from './session.ts';
import type { FileRun } from './statement.ts';

/**
 * Applies every pending file of the folder, in order, each exactly once whatever is killed when. All files are read and parsed
 * before the first one runs. A file runs in one transaction with its row in `slipway_history.migration`, unless it says
 * `-- slipway: no-transaction` or holds a statement PostgreSQL refuses in one (CONCURRENTLY, VACUUM): then statement by
 * statement, and an interrupted run continues where it stood.
 * @returns `fail` with file, line and the server's words, and `partial` exact to the statement
 * @throws SlipwayError `locked`, `fenced`, `database_unreachable`, `database_refused` (read-only, missing right), `release_aborted`
 */
export async function applyMigrations(request: ApplyRequest): Promise<MigrationResult> {
  const folder = await readFolder(request.directory);
  if (!folder.ok) return folder.result;
  return withMigrationLock(request, async (session) => {
    const history = await readHistory(session.control);
    const { pending, drift, partial } = compareHistory(folder.files, history);
    const hindrance = hindranceOf(drift, partial, request.acceptDrift === true);
    if (hindrance !== null) return unchanged(hindrance, partial);
    const wanted = pending.filter(({ name }) => request.only?.includes(name) ?? true);
    const runs = wanted.map((file): FileRun => ({ name: file.name, direction: 'up', script: file.up }));
    return runAll(session, runs, history);
  });
}

/** What is applied, pending and out of step. Changes nothing, and needs no history tables. @throws as {@link readMigrations}, `database_unreachable` */
export async function migrationStatus(access: DatabaseAccess, directory: string, shown = directory): Promise<MigrationStatus> {
  const files = await readMigrations(directory, shown);
  return withClient(access, 'reading the migration history', async (client) => {
    const history = await readHistory(client);
    const { pending, drift, partial } = compareHistory(files, history);
    return {
      applied: history.filter((row) => row.finished).map(({ name, sha256, at }) => ({ name, sha256, at })),
      pending: pending.map(({ up: _up, down: _down, ...migration }) => migration),
      drift,
      partial: partialOf(partial),
    };
  });
}

/**
 * Fence for work that belongs to no release: the one that is recorded. It stands in no release's way, ends nobody's session, and
 * waits for the lock as anybody does; a later release's claim still ends it.
 */
export async function standaloneFence(access: DatabaseAccess): Promise<number> {
  return withClient(access, 'reading the migration history', readFence);
}

type Folder = { readonly ok: true; readonly files: readonly MigrationFile[] } | { readonly ok: false; readonly result: MigrationResult };

/** The folder's files, or the answer that says why they cannot be used. */
export async function readFolder(directory: string): Promise<Folder> {
  try {
    return { ok: true, files: await readMigrations(directory) };
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'config_invalid') return { ok: false, result: unchanged(messageOf(error), null) };
    throw error;
  }
}

/** An answer of a run that did nothing. */
export function unchanged(reason: string, partial: HistoryRow | null): MigrationResult {
  return { verdict: 'fail', reason, changed: false, applied: [], files: [], partial: partialOf(partial) };
}

function hindranceOf(drift: readonly string[], partial: HistoryRow | null, acceptDrift: boolean): string | null {
  if (drift.length > 0 && !acceptDrift) return `The folder and the database disagree:\n${drift.map((one) => `  ${one}`).join('\n')}`;
  if (partial?.direction === 'down')
    return `${partial.name} is being taken back (${partial.statementsDone} of ${partial.statements} statements); finish that first`;
  return null;
}

/** Runs files one after another; stops at the first that does not end well. */
export async function runAll(session: MigrationSession, runs: readonly FileRun[], history: readonly StoredRow[]): Promise<MigrationResult> {
  const { request } = session;
  const files: AppliedMigration[] = [];
  for (const run of runs) {
    const row = history.find((one) => one.name === run.name && !one.finished) ?? null;
    const began = request.effects.clock.monotonic();
    const outcome = await runFile(session, run, row);
    if (!outcome.ok) return failed(request, files, outcome);
    const durationMs = Math.round(request.effects.clock.monotonic() - began);
    files.push({
      name: run.name,
      sha256: run.script.sha256,
      statements: run.script.statements.length,
      attempts: outcome.attempts,
      durationMs,
    });
  }
  return { verdict: 'pass', reason: reasonOf(runs), changed: runs.length > 0, applied: runs.map((run) => run.name), files, partial: null };
}

function runFile(session: MigrationSession, run: FileRun, row: StoredRow | null): Promise<FileOutcome> {
  // Without a statement there is nothing to go step by step through.
  const whole = run.script.transactional || run.script.statements.length === 0;
  return whole ? runTransaction(session, run) : runSteps(session, run, row);
}

function reasonOf(runs: readonly FileRun[]): string {
  if (runs.length === 0) return 'nothing to do: the database is up to date with the folder';
  const verb = runs[0]?.direction === 'down' ? 'taken back' : 'applied';
  return `${runs.length} ${runs.length === 1 ? 'migration' : 'migrations'} ${verb}: ${runs.map((run) => run.name).join(', ')}`;
}

/** On a new connection, because the old one may be what failed: which file is partial, and was it a later claim that ended us? */
async function failed(
  request: MigrationRequest,
  files: readonly AppliedMigration[],
  outcome: Extract<FileOutcome, { ok: false }>,
): Promise<MigrationResult> {
  const seen = await withClient(request.access, 'reading the migration history', async (client) => ({
    // In this order: whoever is gone from the sessions by the first look has raised the fence by the second.
    fenced: (await isOvertaken(client, 'migrate', request.fence)) || (await readFence(client)) > request.fence,
    partial: (await readHistory(client)).find((row) => !row.finished) ?? null,
  })).catch((error: unknown) => {
    if (error instanceof SlipwayError) return null;
    throw error;
  });
  if (seen?.fenced === true) throw new SlipwayError('fenced', 'A later claim has taken this migration over; nothing more is done here');
  const changed = files.length > 0 || outcome.changed;
  const partial = partialOf(seen?.partial ?? null);
  const stopped = partial === null ? '' : `\n  ${partial.name} is partly applied: ${partial.statement} of ${partial.statements} statements`;
  return {
    verdict: outcome.verdict,
    reason: `${outcome.reason}${stopped}`,
    changed,
    applied: files.map((file) => file.name),
    files,
    partial,
  };
}
