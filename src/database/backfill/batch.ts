import type pg from 'pg';
import type { Duration, Faults } from '../../kernel/index.ts';
import type { BackfillDefinition, BackfillLimits } from '../core/backfill/definition.ts';
import { boundaryQuery, type Key, type Span, type Walk } from '../core/backfill/sql.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import { claimAndChange } from './claim.ts';
import { changeAtOnce } from './direct.ts';
import { RowFunctionError, type RowFunction } from './function.ts';
import { prepared } from './prepared.ts';
import type { Wanted } from './state.ts';

/** What a batch works on: one backfill, one run of it, one part of the table. */
export interface BatchWork {
  readonly definition: BackfillDefinition;
  readonly walk: Walk;
  /** The function of a `function` change; null for the others. */
  readonly compute: RowFunction | null;
  readonly fence: number;
  readonly range: number;
  /** Whether rows of the quarantine must be left out. */
  readonly sparing: boolean;
  readonly faults: Faults;
}

/** The rows one batch looks at. */
export interface Reach {
  readonly span: Span;
  readonly rows: number;
  /** The last key of them; null when the part of the table ends before there are as many. */
  readonly boundary: Key | null;
}

/** Whether the rows are locked first, so that those that somebody holds can be left, or are written straight away. */
export type Manner = 'direct' | 'claimed';

/** How a batch ended. Only `done` changed anything. */
export type BatchOutcome =
  | Done
  /** A row refused the change; `only` is its key when it was alone. */
  | {
      readonly kind: 'refused';
      readonly only: Key | null;
      readonly cursor: Key | null;
      readonly sqlstate: string;
      readonly message: string;
    }
  /** `where` itself cannot be worked out for a row (null: for none): neither can it be changed, nor can anybody say that none is left. */
  | { readonly kind: 'undecided'; readonly key: Key | null; readonly sqlstate: string; readonly message: string }
  | Conflict
  | Endless
  | { readonly kind: 'lost'; readonly message: string };

export interface Done {
  readonly kind: 'done';
  readonly cursor: Key | null;
  readonly scanned: number;
  readonly changed: number;
  readonly rangeDone: boolean;
  readonly wanted: Wanted;
}

/** Somebody's lock, or the time limit. */
export interface Conflict {
  readonly kind: 'conflict';
  /** It was the time limit: the same rows once more would take as long. */
  readonly tooLong: boolean;
  readonly message: string;
}

/** The condition is still true of a row that was just written: it would be written for ever. */
export interface Endless {
  readonly kind: 'endless';
  readonly key: Key;
}

/** By the statement timeout. */
const CANCELED = '57014';
/** Lock timeout, deadlock, serialisation failure, statement timeout. */
const CONFLICTS = new Set(['55P03', '40P01', '40001', CANCELED]);
/** Data exceptions, broken constraints, RAISE, a wrong cast in a function, a JSON that is none. */
const ROW_REFUSED = /^(22|23|P0001|38|39)/;

/** A process that freezes, or whose network is gone, must not keep rows locked: PostgreSQL ends its transaction after this. */
const LONGEST_IDLE_MS = 30_000;
/** A direct batch has written rows when it meets one that is held, and others wait for those: it gives up at once. */
const DIRECT_LOCK_MS = 10;

/** Long enough for a first batch on cold data, far too short to be noticed as a queue. */
const statementTimeout = (transactionMs: Duration): Duration => Math.max(2_000, transactionMs * 50);

/**
 * Finds the end of the next batch. Outside of its transaction, which then locks nothing while pages are read, and stays right
 * whatever comes and goes meanwhile: a batch takes the rows that are in its range when it runs.
 */
export async function findReach(client: pg.Client, walk: Walk, span: Span, rows: number): Promise<Reach | BatchOutcome> {
  try {
    const found = await client.query<{ key: Key }>(prepared(boundaryQuery(walk, span, rows)));
    const boundary = found.rows[0]?.key ?? null;
    return { span: { after: span.after, until: boundary ?? span.until }, rows, boundary };
  } catch (error) {
    return outcomeOf(error, (refusal) => conflictOf(refusal));
  }
}

/**
 * Bounds the transactions of a session that walks; those of claimed batches wait longer for locks. No batch waits for the disk, and
 * none makes others wait for it there: one that a crash of the server takes back takes its cursor back with it, and the record that
 * the backfill is done, which another session writes, does wait, for all that was written before it.
 */
export async function boundSession(client: pg.Client, { lockTimeoutMs, transactionMs }: BackfillLimits): Promise<void> {
  // Compiling a plan takes longer than a batch may; one that was made for other keys may be a bad one.
  await client.query(`SET lock_timeout = ${Math.ceil(Math.min(DIRECT_LOCK_MS, lockTimeoutMs))}; SET statement_timeout = ${Math.ceil(statementTimeout(transactionMs))};
    SET idle_in_transaction_session_timeout = ${LONGEST_IDLE_MS}; SET jit = off; SET synchronous_commit = off; SET plan_cache_mode = force_custom_plan`);
}

/**
 * Changes the rows of the reach that need work and moves the cursor, in one transaction: after a `kill -9` either all of it happened
 * or nothing. A direct batch that fails may succeed as a claimed one.
 * @throws SlipwayError `fenced`; whatever is no matter of rows, locks or the connection
 */
export async function runBatch(client: pg.Client, work: BatchWork, reach: Reach, manner: Manner): Promise<BatchOutcome> {
  const { change, limits } = work.definition;
  if (manner === 'direct' && change.kind === 'set')
    return changeAtOnce(client, work, reach, change.columns).catch((error: unknown) => outcomeOf(error, (refusal) => conflictOf(refusal)));
  const claimed: { keys: readonly Key[] } = { keys: [] };
  try {
    await client.query(`BEGIN; SET LOCAL lock_timeout = ${Math.ceil(limits.lockTimeoutMs)}`);
    const ended = await claimAndChange(client, work, reach, claimed);
    if (ended.kind === 'endless') {
      await client.query('ROLLBACK');
      return ended;
    }
    work.faults.at('backfill.before-commit');
    await client.query('COMMIT');
    work.faults.at('backfill.committed');
    return ended;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    return outcomeOf(error, (refusal) => refusedOf(refusal, reach, claimed.keys));
  }
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

const conflictOf = ({ code, message }: Refusal): Conflict => ({
  kind: 'conflict',
  tooLong: code === CANCELED,
  message: `${message} [${code}]`,
});

function outcomeOf(error: unknown, refused: (refusal: Refusal) => BatchOutcome): BatchOutcome {
  if (isConnectionLost(error)) return { kind: 'lost', message: (error as Error).message };
  // What a function of the user threw counts as a row that refused.
  const refusal = error instanceof RowFunctionError ? { code: '38000', message: error.message } : serverError(error);
  if (refusal === null) throw error;
  if (CONFLICTS.has(refusal.code)) return conflictOf(refusal);
  if (!ROW_REFUSED.test(refusal.code)) throw error;
  return refused(refusal);
}

function refusedOf({ code, message }: Refusal, { rows, boundary }: Reach, keys: readonly Key[]): BatchOutcome {
  if (rows === 1 && keys.length === 0) return { kind: 'undecided', key: boundary, sqlstate: code, message };
  const only = keys.length === 1 ? (keys[0] ?? null) : null;
  return { kind: 'refused', only, cursor: boundary ?? only, sqlstate: code, message };
}
