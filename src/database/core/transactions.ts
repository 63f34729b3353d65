import { setsAmongOthers } from './session-settings.ts';
import { child, children, isOn, isSet, nameParts, textOf } from './tree.ts';
import type { Statement } from './types.ts';

/** An index named in a statement, the schema null when it isn't written. */
export interface IndexName {
  readonly schema: string | null;
  readonly name: string;
}

/** What a CREATE INDEX asks for, as far as the catalog tells it without doubt. An index is always in the schema of its table. */
export interface IndexShape {
  readonly table: IndexName;
  readonly name: string;
  readonly unique: boolean;
  readonly method: string;
  /** Key columns and then those of INCLUDE; null for an expression, which may be a column too. */
  readonly columns: readonly (string | null)[];
  readonly keys: number;
  /** Of part of the rows. */
  readonly partial: boolean;
}

/**
 * A statement PostgreSQL refuses inside a transaction, by what to do when it was interrupted and nobody knows how far it came:
 * `create-index` / `drop-index` / `detach`: the catalog answers; `reindex`: to be done again, without what was left; `repeat`: doing it twice equals doing it once; `unsure`: only a person knows.
 */
export type Solitary =
  | { readonly kind: 'create-index'; readonly index: IndexShape }
  | { readonly kind: 'drop-index'; readonly index: IndexName }
  | { readonly kind: 'detach'; readonly parent: IndexName; readonly partition: IndexName }
  | { readonly kind: 'reindex'; readonly relation: IndexName }
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
      return reindexOf(statement);
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

function indexOf(node: Statement['node']): IndexShape {
  const keys = children(node, 'indexParams');
  const names = [...keys, ...children(node, 'indexIncludingParams')].map((one) => textOf(child(one, 'IndexElem'), 'name'));
  return {
    table: rangeName(child(node, 'relation')),
    name: textOf(node, 'idxname'),
    unique: isSet(node, 'unique'),
    method: textOf(node, 'accessMethod'),
    columns: names.map((name) => (name === '' ? null : name)),
    keys: keys.length,
    partial: node['whereClause'] !== undefined,
  };
}

function droppedName(node: Statement['node']): IndexName {
  const [first] = children(node, 'objects');
  const parts = first === undefined ? [] : nameParts(children(child(first, 'List'), 'items'));
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' };
}

function reindexOf(statement: Statement): Solitary | null {
  const { node } = statement;
  if (['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE'].includes(textOf(node, 'kind')))
    return { kind: 'repeat' };
  return isOn(node, 'concurrently') ? { kind: 'reindex', relation: rangeName(child(node, 'relation')) } : null;
}

/**
 * Does it go on beside reads and writes for as long as it takes? Then nobody queues behind its waiting, and ending it half-way only
 * throws its work away.
 */
export function letsOthersWork({ kind, node }: Statement): boolean {
  if (kind === 'IndexStmt' || kind === 'DropStmt') return isSet(node, 'concurrent');
  if (kind === 'ReindexStmt') return isOn(node, 'concurrently');
  return kind === 'VacuumStmt' && isSet(node, 'is_vacuumcmd') && !isOn(node, 'full');
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

const LOST_SETTING =
  'this file runs statement by statement, and what set_config sets beside other work would be lost when it goes on after an interruption; write SET, or SELECT set_config(...) with fixed values and nothing else';

/**
 * Decides whether a file runs in one transaction, and refuses what would break "exactly once":
 * transaction control of its own (a `BEGIN; ... COMMIT;` around the whole file is simply left out) and data in the file.
 * @param pairs leave out each `BEGIN; ... COMMIT;`, as some tools write them into their files: all of the file is one transaction then
 */
export function arrange(statements: readonly Statement[], asked: boolean | null, pairs = false): Arranged {
  const inner = pairs && asked !== false ? withoutPairs(statements) : withoutWrapper(statements);
  const wrapped = inner.length !== statements.length;
  const alone = inner.find((statement) => solitary(statement) !== null);
  if (wrapped && alone !== undefined) return refuse(alone, 'this statement cannot run inside BEGIN ... COMMIT; take those two lines out');
  const transactional = asked ?? alone === undefined;
  for (const [index, statement] of inner.entries()) {
    const problem = setsTransaction(statement)
      ? problemOfSetting(statement, transactional && index === 0)
      : problemOf(statement, transactional);
    if (problem !== null) return refuse(statement, problem);
  }
  return { ok: true, statements: inner, transactional };
}

/** `SET TRANSACTION`, which PostgreSQL takes only before everything else in a transaction. */
export function setsTransaction({ kind, node }: Statement): boolean {
  return kind === 'VariableSetStmt' && textOf(node, 'name') === 'TRANSACTION';
}

function problemOfSetting({ node }: Statement, first: boolean): string | null {
  if (!first) return 'SET TRANSACTION has to be the first statement of a file that runs in a transaction';
  const names = children(node, 'args').map((one) => textOf(child(one, 'DefElem'), 'defname'));
  return names.includes('transaction_read_only')
    ? 'a transaction that may not write could not be recorded; take READ ONLY or READ WRITE out'
    : null;
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

function withoutPairs(statements: readonly Statement[]): readonly Statement[] {
  const kept: Statement[] = [];
  let open = false;
  for (const statement of statements) {
    const begins = transactionOf(statement) === 'begin' && statement.node['options'] === undefined;
    const ends = transactionKind(statement) === 'TRANS_STMT_COMMIT' && statement.node['chain'] !== true;
    // One that has no other half is refused further down.
    if (open ? ends : begins) open = !open;
    else kept.push(statement);
  }
  return open ? statements : kept;
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

function problemOf(statement: Statement, transactional: boolean): string | null {
  if (!transactional && setsAmongOthers(statement)) return LOST_SETTING;
  if (transactionKind(statement) !== '')
    return 'BEGIN, COMMIT and ROLLBACK are not allowed here: Slipway runs each file in one transaction of its own';
  if (statement.kind === 'CopyStmt' && statement.node['filename'] === undefined) {
    return 'COPY ... FROM stdin carries its data in the file, which only psql can read; write INSERT statements or load the data with a program';
  }
  return problemOfAlone(statement);
}

function problemOfAlone(statement: Statement): string | null {
  const alone = solitary(statement);
  if (alone?.kind === 'create-index' && alone.index.name === '')
    return 'CREATE INDEX CONCURRENTLY needs a name, so that a half-built index can be found and dropped';
  if (alone?.kind === 'drop-index' && statement.node['objects'] !== undefined && children(statement.node, 'objects').length > 1) {
    return 'DROP INDEX CONCURRENTLY takes one index at a time';
  }
  return null;
}
