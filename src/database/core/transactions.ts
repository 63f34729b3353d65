import { child, children, isSet, nameParts, textOf } from './tree.ts';
import type { Statement } from './types.ts';

/** An index named in a statement, the schema null when it isn't written. */
export interface IndexName {
  readonly schema: string | null;
  readonly name: string;
}

/**
 * A statement PostgreSQL refuses inside a transaction, by what to do when it was interrupted and nobody knows how far it came:
 * `create-index` / `drop-index` / `detach`: the catalog answers; `repeat`: doing it twice equals doing it once; `unsure`: only a person knows.
 */
export type Solitary =
  | { readonly kind: 'create-index'; readonly index: IndexName }
  | { readonly kind: 'drop-index'; readonly index: IndexName }
  | { readonly kind: 'detach'; readonly parent: IndexName; readonly partition: IndexName }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'unsure' };

const UNSURE = new Set(['CreatedbStmt', 'DropdbStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt']);
/** May commit inside when they run outside a transaction; so only the author knows whether half of them was done. */
const MAY_COMMIT = new Set(['DoStmt', 'CallStmt']);
const REPEAT = new Set(['AlterSystemStmt', 'AlterDatabaseRefreshCollStmt']);

/** How a statement that cannot run in a transaction is treated; null for one that can. */
function solitary(statement: Statement): Solitary | null {
  const { kind, node } = statement;
  if (UNSURE.has(kind)) return { kind: 'unsure' };
  if (REPEAT.has(kind)) return { kind: 'repeat' };
  switch (kind) {
    case 'IndexStmt':
      return isSet(node, 'concurrent') ? { kind: 'create-index', index: indexOf(node) } : null;
    case 'DropStmt':
      return isSet(node, 'concurrent') ? { kind: 'drop-index', index: droppedName(node) } : null;
    case 'VacuumStmt':
      return isSet(node, 'is_vacuumcmd') ? { kind: 'repeat' } : null;
    case 'ReindexStmt':
      return reindexIsSolitary(statement) ? { kind: 'repeat' } : null;
    case 'ClusterStmt':
      return node['relation'] === undefined ? { kind: 'repeat' } : null;
    case 'AlterTableStmt':
      return detachOf(statement);
    default:
      return null;
  }
}

/** As {@link solitary}, for a file whose author asked for no transaction: blocks that may commit are on their own there. */
export function solitaryByRequest(statement: Statement): Solitary | null {
  return MAY_COMMIT.has(statement.kind) ? { kind: 'unsure' } : solitary(statement);
}

function indexOf(node: Statement['node']): IndexName {
  const schema = textOf(child(node, 'relation'), 'schemaname');
  return { schema: schema === '' ? null : schema, name: textOf(node, 'idxname') };
}

function droppedName(node: Statement['node']): IndexName {
  const [first] = children(node, 'objects');
  const parts = first === undefined ? [] : nameParts(children(child(first, 'List'), 'items'));
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' };
}

function reindexIsSolitary({ node }: Statement): boolean {
  const whole = ['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE'].includes(textOf(node, 'kind'));
  return whole || children(node, 'params').some((one) => textOf(child(one, 'DefElem'), 'defname') === 'concurrently');
}

function detachOf({ node }: Statement): Solitary | null {
  for (const command of children(node, 'cmds')) {
    const partition = child(child(child(command, 'AlterTableCmd'), 'def'), 'PartitionCmd');
    if (isSet(partition, 'concurrent'))
      return { kind: 'detach', parent: rangeName(child(node, 'relation')), partition: rangeName(child(partition, 'name')) };
  }
  return null;
}

function rangeName(rangeVar: Statement['node']): IndexName {
  const schema = textOf(rangeVar, 'schemaname');
  return { schema: schema === '' ? null : schema, name: textOf(rangeVar, 'relname') };
}

/** A file's statements as they will be run. */
export type Arranged =
  | { readonly ok: true; readonly statements: readonly Statement[]; readonly transactional: boolean }
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * Decides whether a file runs in one transaction, and refuses what would break "exactly once":
 * transaction control of its own (a `BEGIN; ... COMMIT;` around the whole file is simply left out) and data in the file.
 */
export function arrange(statements: readonly Statement[], asked: boolean | null): Arranged {
  const inner = withoutWrapper(statements);
  const wrapped = inner.length !== statements.length;
  const alone = inner.find((statement) => solitary(statement) !== null);
  if (wrapped && alone !== undefined) return refuse(alone, 'this statement cannot run inside BEGIN ... COMMIT; take those two lines out');
  for (const statement of inner) {
    const problem = problemOf(statement);
    if (problem !== null) return refuse(statement, problem);
  }
  return { ok: true, statements: inner, transactional: asked ?? alone === undefined };
}

function refuse(statement: Statement, message: string): Arranged {
  return { ok: false, line: statement.line, message };
}

function withoutWrapper(statements: readonly Statement[]): readonly Statement[] {
  const [first, last] = [statements[0], statements.at(-1)];
  if (first === undefined || last === undefined || statements.length < 2) return statements;
  const begins = transactionOf(first) === 'begin';
  // BEGIN with options (isolation level) would be lost, so it is refused further down instead.
  const plain = first.node['options'] === undefined;
  return begins && plain && transactionKind(last) === 'TRANS_STMT_COMMIT' && last.node['chain'] !== true
    ? statements.slice(1, -1)
    : statements;
}

/** What a statement does to the transaction it is in; null for one that leaves it alone (savepoints too). */
export function transactionOf(statement: Statement): 'begin' | 'end' | null {
  const kind = transactionKind(statement);
  if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START') return 'begin';
  return kind === 'TRANS_STMT_COMMIT' || kind === 'TRANS_STMT_ROLLBACK' ? 'end' : null;
}

function transactionKind({ kind, node }: Statement): string {
  return kind === 'TransactionStmt' ? textOf(node, 'kind') : '';
}

function problemOf(statement: Statement): string | null {
  if (transactionKind(statement) !== '')
    return 'BEGIN, COMMIT and ROLLBACK are not allowed here: Slipway runs each file in one transaction of its own';
  if (statement.kind === 'CopyStmt' && statement.node['filename'] === undefined) {
    return 'COPY ... FROM stdin carries its data in the file, which only psql can read; write INSERT statements or load the data with a program';
  }
  const alone = solitary(statement);
  if (alone?.kind === 'create-index' && alone.index.name === '')
    return 'CREATE INDEX CONCURRENTLY needs a name, so that a half-built index can be found and dropped';
  if (alone?.kind === 'drop-index' && statement.node['objects'] !== undefined && children(statement.node, 'objects').length > 1) {
    return 'DROP INDEX CONCURRENTLY takes one index at a time';
  }
  return null;
}
