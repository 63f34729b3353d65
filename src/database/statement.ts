import type { Duration } from '../kernel/index.ts';
import { excerpt, lineAt } from './core/position.ts';
import type { Statement } from './core/types.ts';
import { isConnectionLost, QUOTES_ROWS, serverError, type ServerError } from './errors.ts';
import type { Script } from './migrations.ts';
import type { MigrationSession, Worker } from './session.ts';
import { watchStatement } from './watch-statement.ts';

/** One file on its way up or down. */
export interface FileRun {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly script: Script;
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
  scope: { readonly local: boolean; readonly lockTimeoutMs?: Duration },
): Promise<void> {
  const lock = scope.lockTimeoutMs ?? lockTimeoutMs;
  await client.query(
    `SELECT set_config('lock_timeout', $1, $4), set_config('statement_timeout', $2, $4), set_config('idle_in_transaction_session_timeout', $3, $4)`,
    [`${Math.ceil(lock)}`, `${Math.ceil(request.statementTimeoutMs)}`, `${LONGEST_IDLE_MS}`, scope.local],
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
  const error = serverError(thrown);
  if (error === null) throw thrown;
  return { kind: 'refused', retry: RETRYABLE.has(error.code), reason: request.effects.redact(describe(error, run, statement)) };
}

function describe(error: ServerError, run: FileRun, statement: Statement | null): string {
  const place = statement === null ? `${run.script.file} (at its end)` : `${run.script.file}:${lineOf(error, statement)}`;
  const parts = [
    `${place}: ${error.message} [${error.code}]`,
    ...(statement === null ? [] : [`in: ${excerpt(statement.text)}`]),
    ...(error.detail === undefined || QUOTES_ROWS.test(error.code) ? [] : [`detail: ${error.detail}`]),
    ...(error.hint === undefined ? [] : [`hint: ${error.hint}`]),
  ];
  return parts.join('\n  ');
}

function lineOf(error: ServerError, statement: Statement): number {
  return error.position === undefined ? statement.line : lineAt(statement.text, Number(error.position) - 1, statement.line);
}
