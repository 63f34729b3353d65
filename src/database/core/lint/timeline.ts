import { solitaryByRequest, transactionOf } from '../transactions.ts';
import { isSet } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Draft, Placed, TransactionMode } from './types.ts';

/** A remark about the file's own BEGIN and COMMIT. */
export interface Slip {
  readonly statement: Statement;
  readonly kind: 'nested' | 'commits-managed' | 'left-open' | 'nothing-open' | 'alone';
}

export interface Timeline {
  readonly placed: readonly Placed[];
  readonly slips: readonly Slip[];
}

/** Says which statements share a transaction, given how the tool runs the file and what the file does itself. */
export function timeline(statements: readonly Statement[], mode: TransactionMode, first: number): Timeline {
  const managed = isManaged(statements, mode);
  const placed: Placed[] = [];
  const slips: Slip[] = [];
  const state: State = { transaction: first, open: null };
  for (const statement of statements) {
    const control = transactionOf(statement);
    const slip = slipOf(statement, control, { managed, enforced: mode === 'file', open: state.open !== null });
    if (slip !== null) slips.push({ statement, kind: slip });
    const shared = managed || state.open !== null;
    if (control === 'begin' ? !managed : control === null && !shared) state.transaction += 1;
    if (control === 'begin') state.open = statement;
    placed.push({ statement, transaction: state.transaction, shared: shared || control !== null, inside: null, base: 0 });
    if (control !== 'end') continue;
    // AND CHAIN begins the next at once.
    if (!isSet(statement.node, 'chain')) state.open = null;
    state.transaction += 1;
  }
  if (state.open !== null) slips.push({ statement: state.open, kind: 'left-open' });
  return { placed, slips };
}

interface State {
  transaction: number;
  /** The BEGIN of the file's own transaction. */
  open: Statement | null;
}

interface Around {
  readonly managed: boolean;
  /** The tool opens the transaction itself, whatever the file says. */
  readonly enforced: boolean;
  readonly open: boolean;
}

function slipOf(statement: Statement, control: 'begin' | 'end' | null, { managed, enforced, open }: Around): Slip['kind'] | null {
  if (control === 'begin') return open || (managed && enforced) ? 'nested' : null;
  if (control === 'end') return open ? null : endSlip(managed, enforced);
  return (managed || open) && isSolitary(statement) ? 'alone' : null;
}

function endSlip(managed: boolean, enforced: boolean): Slip['kind'] | null {
  if (!managed) return 'nothing-open';
  return enforced ? 'commits-managed' : null;
}

/** In one transaction that the file did not begin itself? */
function isManaged(statements: readonly Statement[], mode: TransactionMode): boolean {
  if (mode === 'file') return true;
  if (statements.some((one) => transactionOf(one) === 'begin')) return false;
  const [count, alone] = [statements.filter((one) => one.kind !== 'VariableSetStmt').length, statements.some(isSolitary)];
  if (mode === 'string') return statements.length > 1 && count > 0;
  return mode === 'auto' && !alone;
}

/** PostgreSQL refuses it inside a transaction; blocks that only may commit are no such thing. */
export function isSolitary(statement: Statement): boolean {
  return statement.kind !== 'DoStmt' && statement.kind !== 'CallStmt' && solitaryByRequest(statement) !== null;
}

/** What a remark says. */
export function slipDraft({ kind, statement }: Slip): Draft {
  switch (kind) {
    case 'nested':
      return {
        rule: 'nested-transaction',
        message: 'a transaction is open already: this BEGIN does nothing, and its COMMIT ends the outer one',
      };
    case 'commits-managed':
      return { rule: 'managed-transaction', message: 'this ends the transaction the tool runs the file in' };
    case 'nothing-open':
      return {
        rule: 'no-transaction',
        message: 'no transaction is open here: what stands before this is committed already, and this only warns',
      };
    case 'left-open':
      return { rule: 'open-transaction', message: 'this transaction is not ended in the file' };
    case 'alone':
      return {
        rule: 'index-in-transaction',
        message: `PostgreSQL refuses this inside a transaction`,
        fix: `-- in a file of its own, outside a transaction:\n${statement.text};`,
      };
  }
}
