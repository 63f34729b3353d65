import type { Duration } from '../kernel/index.ts';
import { excerpt, lineAt } from './core/position.ts';
import { child, isSet, relationName, textOf } from './core/tree.ts';
import type { Statement } from './core/types.ts';
import { isConnectionLost, QUOTES_ROWS, serverError, type ServerError } from './errors.ts';
import type { Entry } from './histories/ports.ts';
import { AppliedMeanwhile } from './history.ts';
import type { MigrationFile } from './migrations.ts';
import type { Script } from './script.ts';
import type { MigrationSession, Worker } from './session.ts';
import { watchStatement } from './watch-statement.ts';

/** One file on its way up or down. */
export interface FileRun {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly script: Script;
  /** How the tool's table knows it and the one before it in the folder. */
  readonly entry: Entry | null;
  readonly before: Entry | null;
}

/** The ways of files of the folder in one direction; files without one are left out. */
export function runsOf(all: readonly MigrationFile[], chosen: readonly MigrationFile[], direction: 'up' | 'down'): readonly FileRun[] {
  return chosen.flatMap(({ name, entry, [direction]: script }) => {
    const before = all[all.findIndex((one) => one.name === name) - 1]?.entry ?? null;
    return script === null ? [] : [{ name, direction, script, entry, before }];
  });
}

/** Why a statement (null: the commit) did not take effect. */
export interface Problem {
  readonly kind: 'refused' | 'cancelled' | 'lost' | 'unsure';
  /** Trying the same again may work: a lock timeout, a deadlock, a serialisation failure. */
  readonly retry: boolean;
  readonly reason: string;
}

/** Thrown before a statement when the caller's signal has aborted. */
class Cancelled extends Error {}

const RETRYABLE = new Set(['55P03', '40P01', '40001']);
/** A worker that freezes inside a transaction must not keep its locks: PostgreSQL ends it after this. */
const LONGEST_IDLE_MS = 30_000;

/** Sets the limits of the current transaction, or of the whole session. */
export async function setLimits(
  { client }: Worker,
  { request, lockTimeoutMs }: MigrationSession,
  scope: { readonly local: boolean; readonly lockTimeoutMs?: Duration; readonly statementTimeoutMs?: Duration },
): Promise<void> {
  const lock = scope.lockTimeoutMs ?? lockTimeoutMs;
  const statement = scope.statementTimeoutMs ?? request.statementTimeoutMs;
  await client.query(
    `SELECT set_config('lock_timeout', $1, $4), set_config('statement_timeout', $2, $4), set_config('idle_in_transaction_session_timeout', $3, $4)`,
    [`${Math.ceil(lock)}`, `${Math.ceil(statement)}`, `${LONGEST_IDLE_MS}`, scope.local],
  );
}

const MAY_SET: ReadonlySet<string> = new Set(['VariableSetStmt', 'SelectStmt', 'DoStmt', 'CallStmt', 'DiscardStmt']);

/** A file may make the limits stricter for what follows; what would lift them is undone. Files made by pg_dump begin with such lines. */
async function keepLimits({ client }: Worker, { request, lockTimeoutMs }: MigrationSession, statement: Statement): Promise<void> {
  if (!MAY_SET.has(statement.kind)) return;
  await client.query(
    `SELECT set_config(name, most, true) FROM (VALUES ('lock_timeout', $1::text), ('statement_timeout', $2::text)) AS wanted (name, most)
     WHERE most <> '0' AND current_setting(name)::interval NOT BETWEEN '1 millisecond' AND (most || ' ms')::interval`,
    [`${Math.ceil(lockTimeoutMs)}`, `${Math.ceil(request.statementTimeoutMs)}`],
  );
}

/** Runs a statement, reports it, and finds out whom it waits for when it takes long. */
export async function execute(session: MigrationSession, worker: Worker, run: FileRun, statement: Statement): Promise<void> {
  const { request } = session;
  throwIfAborted(session);
  const { file, statements } = run.script;
  const report = (line: string): void => request.onProgress?.(request.effects.redact(line));
  report(`${file}:${statement.line} (${statements.indexOf(statement) + 1} of ${statements.length}): ${excerpt(statement.text)}`);
  const done = new AbortController();
  const watching = watchStatement(session, worker.pid, done.signal, report);
  try {
    await worker.client.query(statement.text);
    await keepLimits(worker, session, statement);
  } finally {
    done.abort();
    await watching;
  }
}

export function throwIfAborted({ request }: MigrationSession): void {
  if (request.signal?.aborted === true) throw new Cancelled();
}

/** Puts what was thrown into words: file, line, statement, the server's message, code and hint. */
export function problemOf(thrown: unknown, session: MigrationSession, run: FileRun, statement: Statement | null): Problem {
  const { request } = session;
  if (thrown instanceof Cancelled || (request.signal?.aborted === true && serverError(thrown)?.code === '57014')) {
    return {
      kind: 'cancelled',
      retry: false,
      reason: `cancelled in ${run.script.file}${statement === null ? '' : ` before line ${statement.line} took effect`}`,
    };
  }
  if (isConnectionLost(thrown))
    return {
      kind: 'lost',
      retry: false,
      reason: `the connection to the database was lost in ${run.script.file}${statement === null ? '' : `:${statement.line}`}`,
    };
  if (thrown instanceof AppliedMeanwhile)
    return { kind: 'refused', retry: false, reason: `${run.script.file}: ${thrown.message}; nothing more of it is run` };
  const error = serverError(thrown);
  if (error === null) throw thrown;
  return { kind: 'refused', retry: RETRYABLE.has(error.code), reason: request.effects.redact(describe(error, run, statement)) };
}

/** PostgreSQL says what is missing and never what to do about it. */
const NO_RIGHT = '42501';
const GRANT_IT =
  "give database.url's user the right (an ALTER needs the owner of the table, or a member of it), or name a user that has it";

function describe(error: ServerError, run: FileRun, statement: Statement | null): string {
  const place = statement === null ? `${run.script.file} (at its end)` : `${run.script.file}:${lineOf(error, statement)}`;
  const parts = [
    `${place}: ${error.message} [${error.code}]`,
    ...(statement === null ? [] : [`in: ${excerpt(statement.text)}`]),
    ...(error.detail === undefined || QUOTES_ROWS.test(error.code) ? [] : [`detail: ${error.detail}`]),
    ...hintOf(error),
    ...(statement !== null && error.code === '23505' ? sharedValues(statement) : []),
  ];
  return parts.join('\n  ');
}

/** Which rows is not told: their values are the user's. */
function sharedValues({ kind, node }: Statement): readonly string[] {
  if (kind !== 'IndexStmt') return [];
  const stays = 'what was built of it stays as an invalid index, which the next run removes before it builds it anew';
  return [
    `meaning: rows of ${relationName(child(node, 'relation'))} share values that the index ${textOf(node, 'idxname')} may hold once only; \`slipway db plan\` counts them`,
    ...(isSet(node, 'concurrent') ? [stays] : []),
    'to do: make these rows differ, then run the same command again',
  ];
}

function hintOf({ code, hint }: ServerError): readonly string[] {
  if (hint !== undefined) return [`hint: ${hint}`];
  return code === NO_RIGHT ? [`hint: ${GRANT_IT}`] : [];
}

function lineOf(error: ServerError, statement: Statement): number {
  return error.position === undefined ? statement.line : lineAt(statement.text, Number(error.position) - 1, statement.line);
}
