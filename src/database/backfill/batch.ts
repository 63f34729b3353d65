import type pg from 'pg';
import type { Duration, Faults } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import { boundaryQuery, changeQuery, claimQuery, stillQuery, type Key, type Span, type Walk } from '../core/backfill/sql.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import { changeByFunction, RowFunctionError, type RowFunction } from './function.ts';
import { recordBatch, type Wanted } from './state.ts';

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

/** How a batch ended. Only `done` changed anything. */
export type BatchOutcome =
  | {
      readonly kind: 'done';
      readonly cursor: Key | null;
      readonly scanned: number;
      readonly changed: number;
      readonly rangeDone: boolean;
      readonly wanted: Wanted;
    }
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
  | { readonly kind: 'conflict'; readonly message: string }
  /** The condition is still true of a row that was just written: it would be written for ever. */
  | { readonly kind: 'endless'; readonly key: Key }
  | { readonly kind: 'lost'; readonly message: string };

/** Lock timeout, deadlock, serialisation failure, statement timeout. */
const CONFLICTS = new Set(['55P03', '40P01', '40001', '57014']);
/** Data exceptions, broken constraints, RAISE, a wrong cast in a function, a JSON that is none. */
const ROW_REFUSED = /^(22|23|P0001|38|39)/;

/** A process that freezes, or whose network is gone, must not keep rows locked: PostgreSQL ends its transaction after this. */
const LONGEST_IDLE_MS = 30_000;

/** Long enough for a first batch on cold data, far too short to be noticed as a queue. */
const statementTimeout = (transactionMs: Duration): Duration => Math.max(2_000, transactionMs * 50);

/**
 * Claims the next rows, changes them and moves the cursor, in one transaction: after a `kill -9` either all of it happened or nothing.
 * @throws SlipwayError `fenced`; whatever is no matter of rows, locks or the connection
 */
export async function runBatch(client: pg.Client, work: BatchWork, span: Span, rows: number): Promise<BatchOutcome> {
  const { definition, walk, sparing, faults } = work;
  const { where, limits } = definition;
  let boundary: Key | null = null;
  let keys: readonly Key[] = [];
  try {
    await client.query(
      `BEGIN; SET LOCAL lock_timeout = ${Math.ceil(limits.lockTimeoutMs)}; SET LOCAL statement_timeout = ${Math.ceil(statementTimeout(limits.transactionMs))}; SET LOCAL idle_in_transaction_session_timeout = ${LONGEST_IDLE_MS}`,
    );
    boundary = (await client.query<{ key: Key }>(query(boundaryQuery(walk, span, rows)))).rows[0]?.key ?? null;
    const part = { after: span.after, until: boundary ?? span.until };
    const claim = claimQuery(walk, part, { where, quarantine: sparing ? definition.name : null });
    keys = (await client.query<{ key: Key }>(query(claim))).rows.map(({ key }) => key);
    const again = keys.length === 0 ? null : await change(client, work, keys);
    faults.at('backfill.changed');
    if (again !== null) {
      await client.query('ROLLBACK');
      return { kind: 'endless', key: again };
    }
    const scanned = boundary === null ? keys.length : rows;
    const cursor = boundary ?? keys.at(-1) ?? null;
    const rangeDone = boundary === null;
    const { name } = definition;
    const wanted = await recordBatch(client, {
      name,
      fence: work.fence,
      range: work.range,
      cursor,
      done: rangeDone,
      scanned,
      changed: keys.length,
    });
    faults.at('backfill.before-commit');
    await client.query('COMMIT');
    faults.at('backfill.committed');
    return { kind: 'done', cursor, scanned, changed: keys.length, rangeDone, wanted };
  } catch (error) {
    return failed(client, error, { rows, boundary, keys });
  }
}

const query = ({ text, values }: { readonly text: string; readonly values: readonly unknown[] }) => ({ text, values: [...values] });

/** Writes the rows; answers the key of one that still needs work afterwards. */
async function change(client: pg.Client, { definition, walk, compute }: BatchWork, keys: readonly Key[]): Promise<Key | null> {
  const { where } = definition;
  if (definition.change.kind === 'set') {
    const { rows } = await client.query<{ again: Key | null }>(query(changeQuery(walk, definition.change, where, keys)));
    const again = rows.find((row) => row.again !== null)?.again ?? null;
    // A trigger or a rule may keep a row from being written without a word.
    if (again !== null || rows.length === keys.length) return again;
  }
  if (definition.change.kind === 'statement') await client.query(query(changeQuery(walk, definition.change, where, keys)));
  else if (compute !== null) await changeByFunction(client, walk, compute, keys);
  const { rows } = await client.query<{ again: Key }>(query(stillQuery(walk, where, keys)));
  return rows[0]?.again ?? null;
}

async function failed(
  client: pg.Client,
  error: unknown,
  { rows, boundary, keys }: { readonly rows: number; readonly boundary: Key | null; readonly keys: readonly Key[] },
): Promise<BatchOutcome> {
  await client.query('ROLLBACK').catch(() => undefined);
  if (isConnectionLost(error)) return { kind: 'lost', message: (error as Error).message };
  const server = serverError(error);
  const refusal = server === null ? refusalOf(error) : server;
  if (refusal === null) throw error;
  if (CONFLICTS.has(refusal.code)) return { kind: 'conflict', message: `${refusal.message} [${refusal.code}]` };
  if (!ROW_REFUSED.test(refusal.code)) throw error;
  if (rows === 1 && keys.length === 0) return { kind: 'undecided', key: boundary, sqlstate: refusal.code, message: refusal.message };
  const only = keys.length === 1 ? (keys[0] ?? null) : null;
  return { kind: 'refused', only, cursor: boundary ?? only, sqlstate: refusal.code, message: refusal.message };
}

/** What a function of the user threw counts as a row that refused. */
function refusalOf(error: unknown): { readonly code: string; readonly message: string } | null {
  return error instanceof RowFunctionError ? { code: '38000', message: error.message } : null;
}
