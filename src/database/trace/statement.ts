import type pg from 'pg';
import type { Clock } from '../../kernel/index.ts';
import type { Claim } from '../core/lint/lint-file.ts';
import { isSolitary } from '../core/lint/timeline.ts';
import type { Placed } from '../core/lint/types.ts';
import { difference, type Observed } from '../core/trace/compare.ts';
import { transactionOf } from '../core/transactions.ts';
import { atRoots, observedOf, readLocks, readRelations, type Held as HeldLock, type Relations } from './observe.ts';
import type { TracedStatement } from './ports.ts';
import { watchAlone } from './watch.ts';

export interface Session {
  readonly client: pg.Client;
  readonly clock: Clock;
  /** A second session, opened when it is first needed. */
  readonly aside: () => Promise<pg.Client>;
}

/** The transaction that is open while a file runs. */
export interface Open {
  /** Its number in the file; null: none is open. */
  transaction: number | null;
  locks: Observed['locks'];
  /** As they were after its last statement. */
  relations: Relations | null;
}

/** One statement, and what it may be compared with. */
export interface Step {
  readonly placed: Placed;
  /** Relations that were there before the file. */
  readonly known: Relations;
  readonly claims: readonly Claim[];
}

/** How they read is the planner's choice, and another one on other data. */
const PLANNED = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'RefreshMatViewStmt',
  'CreateTableAsStmt',
  'DoStmt',
  'CallStmt',
]);
const NO_DIFFERENCE = { missed: [], careful: [] } as const;
const NOTHING = { ...NO_DIFFERENCE, locks: [], scans: [], rewrites: [] } as const;

/** Runs it where its tool would run it: in the file's transaction, in one of its own, or in none. */
export async function traceStatement(session: Session, step: Step, open: Open): Promise<TracedStatement> {
  const { statement, transaction, shared } = step.placed;
  if (open.transaction !== null && open.transaction !== transaction) await endOpen(session.client, open);
  if (transactionOf(statement) !== null) return takeControl(session, step.placed, open);
  // A statement by itself gets a transaction too, so that its locks are still there to be seen; unless PostgreSQL refuses that.
  const inside = shared || !isSolitary(statement);
  if (inside && open.transaction === null) await session.client.query('BEGIN');
  if (inside) open.transaction = transaction;
  // SET TRANSACTION must come before any query, so none of ours may be asked before.
  const seen = statement.kind === 'VariableSetStmt' ? await runOnly(session, step) : await observe(session, step, { open, inside });
  if (inside && !shared) await endOpen(session.client, open);
  return seen;
}

async function runOnly({ client, clock }: Session, { placed: { statement } }: Step): Promise<TracedStatement> {
  const since = clock.monotonic();
  await client.query(statement.text);
  return { line: statement.line, text: statement.text, tookMs: clock.monotonic() - since, locksSeen: true, ...NOTHING };
}

async function observe(
  session: Session,
  step: Step,
  { open, inside }: { readonly open: Open; readonly inside: boolean },
): Promise<TracedStatement> {
  const { client } = session;
  const { known, claims, placed } = step;
  const before = open.relations ?? (await readRelations(client));
  const { ran, locks, seen } = inside ? await watchInside(session, step) : await watchOutside(session, step);
  const after = await readRelations(client);
  const observed = observedOf(known, [before, after], locks);
  // What works in steps beside its users may read as often as it likes: lint tells locks and rewrites of it.
  const planned = !inside || PLANNED.has(placed.statement.kind);
  const differs = seen ? difference(atRoots(before, claims), observed, open.locks, planned) : NO_DIFFERENCE;
  open.locks = [...open.locks, ...observed.locks];
  open.relations = inside ? after : null;
  return { ...ran, locksSeen: seen, ...differs, ...observed };
}

interface Ran {
  readonly ran: TracedStatement;
  readonly locks: readonly HeldLock[];
  readonly seen: boolean;
}

async function watchInside(session: Session, step: Step): Promise<Ran> {
  const had = await readLocks(session.client);
  const ran = await runOnly(session, step);
  return { ran, locks: newLocks(had, await readLocks(session.client)), seen: true };
}

async function watchOutside(session: Session, step: Step): Promise<Ran> {
  const { known, placed } = step;
  const { text, line, kind } = placed.statement;
  const sessions = { ...session, aside: await session.aside() };
  const { locks, seen, tookMs } = await watchAlone(sessions, { known, gentle: kind === 'VacuumStmt' }, () => session.client.query(text));
  return { ran: { line, text, tookMs, locksSeen: seen, ...NOTHING }, locks, seen };
}

function newLocks(had: readonly HeldLock[], now: readonly HeldLock[]): readonly HeldLock[] {
  return now.filter((one) => !had.some((other) => other.oid === one.oid && other.mode === one.mode));
}

/** The file's own BEGIN, COMMIT or ROLLBACK. */
async function takeControl(session: Session, placed: Placed, open: Open): Promise<TracedStatement> {
  const ran = await runOnly(session, { placed, known: new Map(), claims: [] });
  open.transaction = transactionOf(placed.statement) === 'begin' ? placed.transaction : null;
  open.locks = [];
  open.relations = null;
  return ran;
}

/** Commits what is open. */
export async function endOpen(client: pg.Client, open: Open): Promise<void> {
  if (open.transaction !== null) await client.query('COMMIT');
  open.transaction = null;
  open.locks = [];
  // Counts of scans begin anew with a transaction.
  open.relations = null;
}
