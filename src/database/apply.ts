import type pg from 'pg';
import { messageOf, SlipwayError } from '../kernel/index.ts';
import { withClient } from './access.ts';
import type { HistoryRow } from './core/drift.ts';
import { filePhase, phasesOf } from './core/plan/phase.ts';
import { effectsOf } from './core/rollback-class.ts';
import { hindrancesOf } from './hindrances.ts';
import { OWN_HISTORY, partialOf, readFence, readHistory, type StoredRow } from './history.ts';
import { filledError } from './histories/begin.ts';
import { lookAhead, type Look } from './histories/open.ts';
import { isOvertaken } from './lock.ts';
import type { FileOutcome } from './outcome.ts';
import type { AppliedMigration, ApplyRequest, DatabaseAccess, MigrationRequest, MigrationResult, MigrationStatus } from './ports.ts';
import type { FolderRequest } from './histories/ports.ts';
import { readMigrations, type Migrations } from './read-migrations.ts';
import { runSteps } from './run-steps.ts';
import { runTransaction } from './run-transaction.ts';
import { withMigrationLock, type MigrationSession } from './session.ts';
import { runsOf, type FileRun } from './statement.ts';

/**
 * Applies every pending file of the folder, in order, each exactly once whatever is killed when. All files are read and parsed
 * before the first one runs. A file runs in one transaction with its row in the history (Slipway's, or that of the tool whose folder it
 * is), unless it says `-- slipway: no-transaction` or holds a statement PostgreSQL refuses in one (CONCURRENTLY, VACUUM): then
 * statement by statement, and an interrupted run continues where it stood.
 * @returns `fail` with file, line and the server's words, and `partial` exact to the statement
 * @throws SlipwayError `locked`, `fenced`, `database_unreachable`, `database_refused` (read-only, missing right), `release_aborted`,
 * `not_possible_now` when what the database holds may be the history of another tool, unless `database.history` says whose it is to be
 */
export async function applyMigrations(request: ApplyRequest): Promise<MigrationResult> {
  const folder = await readFolder(request, async (client, migrations) => {
    const { filled } = await lookAhead(client, migrations);
    if (filled !== null) throw filledError(filled);
  });
  if (!folder.ok) return folder.result;
  const { tool, files } = folder.migrations;
  return withMigrationLock(request, tool, async (session) => {
    const look = await lookAhead(session.control, folder.migrations);
    const hindrance = hindranceOf(look, request.acceptDrift === true);
    if (hindrance !== null) return unchanged(hindrance, look.partial);
    const wanted = look.pending.filter(({ name }) => request.only?.includes(name) ?? true);
    return runAll(session, runsOf(files, wanted, 'up'), look.rows);
  });
}

/** What is applied, pending and out of step. Changes nothing, and needs no history tables. @throws as {@link readMigrations}, `database_unreachable` */
export async function migrationStatus(access: DatabaseAccess, folder: FolderRequest): Promise<MigrationStatus> {
  return withClient(access, 'reading the migration history', async (client) => {
    const migrations = await readMigrations(folder, client);
    const { tool } = migrations;
    const { pending, drift, partial, rows, broken, filled } = await lookAhead(client, migrations);
    const refusal = filled === null ? null : filledError(filled);
    return {
      history: tool === null ? OWN_HISTORY : tool.table,
      applied: rows.filter((row) => row.finished).map(({ name, sha256, at }) => ({ name, sha256, at })),
      pending: pending.map(({ name, sha256, transactional, rollbackClass, because, hasDown, up }) => ({
        name,
        sha256,
        transactional,
        rollbackClass,
        because,
        hasDown,
        statements: up.statements.length,
        phase: filePhase(phasesOf(effectsOf(up.statements))).phase,
      })),
      drift: [...(refusal === null ? [] : [`${refusal.message}. ${refusal.hint}`]), ...broken, ...drift],
      partial: partialOf(partial),
      hindrances: await hindrancesOf(client),
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

type Folder = { readonly ok: true; readonly migrations: Migrations } | { readonly ok: false; readonly result: MigrationResult };

/** The folder's files, or the answer that says why they cannot be used. */
export async function readFolder(
  { access, ...folder }: MigrationRequest,
  check: (client: pg.Client, migrations: Migrations) => Promise<unknown>,
): Promise<Folder> {
  try {
    return await withClient(access, 'reading the migration history', async (client) => {
      const migrations = await readMigrations(folder, client);
      // Before anything is made or locked.
      await check(client, migrations);
      return { ok: true, migrations };
    });
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'config_invalid')
      return { ok: false, result: unchanged(`${messageOf(error)}\n${error.hint}`, null) };
    throw error;
  }
}

/** An answer of a run that did nothing. */
export function unchanged(reason: string, partial: HistoryRow | null): MigrationResult {
  return { verdict: 'fail', reason, changed: false, applied: [], files: [], partial: partialOf(partial) };
}

function hindranceOf({ drift, partial, broken }: Look, acceptDrift: boolean): string | null {
  const listed = (lines: readonly string[]): string => lines.map((one) => `  ${one}`).join('\n');
  if (broken.length > 0) return `A migration was left in the middle, and only a person can tell what is to be done:\n${listed(broken)}`;
  if (drift.length > 0 && !acceptDrift) return `The folder and the database disagree:\n${listed(drift)}`;
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
