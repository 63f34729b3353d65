import type { Effect } from './effect.ts';
import { emptyColumns, filledColumns, isColumnOf } from './empty-columns.ts';
import type { Header } from './header.ts';
import { statementEffect } from './statement-effect.ts';
import { child, children, droppedNames, findAll, isSet, nameParts, oldParents, relationName, textOf, truncatedNames } from './tree.ts';
import type { RollbackClass, Statement } from './types.ts';

/** A rollback class and what decided it. */
export interface Classified {
  readonly rollbackClass: RollbackClass;
  readonly because: string;
}

/**
 * Answers "may the previous version run after this file, and if not, what brings it back?" from the parse tree alone.
 *
 * The author's header wins. Else: nothing but additions the old version cannot notice is `app`; changes it may notice
 * are `reversible` with a down file, unless they lose data; everything else, and whatever is not understood, is `restore`.
 * Deliberately careful, since it decides an automatic rollback. It knows neither the catalog (a domain that is NOT NULL,
 * a type change that is safe) nor the old version's queries: lint and the executed compatibility proof refine it.
 */
export function classify(statements: readonly Statement[], header: Header['rollback'], hasDown: boolean): Classified {
  if (header !== null) return { rollbackClass: header.rollbackClass, because: header.because };
  const effects = effectsOf(statements);
  const first = (kind: Effect['kind']): string | null => {
    const found = effects.find((one) => one.effect.kind === kind);
    return found === undefined ? null : `line ${found.line}: ${found.effect.why}`;
  };
  const hindrance = first('unknown') ?? first('lossy');
  if (hindrance !== null) return { rollbackClass: 'restore', because: hindrance };
  const noticed = first('reversible');
  if (noticed === null)
    return { rollbackClass: 'app', because: effects.length === 0 ? 'no statements' : 'only additions the old version does not notice' };
  return hasDown
    ? { rollbackClass: 'reversible', because: noticed }
    : { rollbackClass: 'restore', because: `${noticed}, and there is no down file` };
}

/** A statement with what it does to the old version and to the data. */
export interface StatementEffect {
  readonly line: number;
  readonly statement: Statement;
  readonly effect: Effect;
  /** It works only on tables that this file made before. */
  readonly onFresh: boolean;
  /** Columns that this file has added by then and that are NULL in every row, by `columnKey`. */
  readonly empty: ReadonlySet<string>;
}

/** Each statement's effect, knowing which tables the statements before it made. */
export function effectsOf(statements: readonly Statement[]): readonly StatementEffect[] {
  // Tables and sequences that it made, and columns of older tables.
  const fresh = new Set<string>();
  const written = new Set<string>();
  return statements.map((statement) => {
    const effect = statementEffect(statement, fresh);
    const about = namedIn(statement);
    const onFresh = about.length > 0 && about.every((name) => fresh.has(name));
    const made = madeTable(statement, fresh);
    if (made !== null) fresh.add(made);
    const added = emptyColumns(statement);
    const empty = new Set([...fresh, ...added].filter((key) => !about.some((table) => written.has(table) && isColumnOf(key, table))));
    for (const key of added) fresh.add(key);
    if (WRITES.has(statement.kind)) for (const table of about) written.add(table);
    forget(fresh, statement);
    return { line: statement.line, statement, effect, onFresh, empty };
  });
}

const WRITES = new Set(['UpdateStmt', 'InsertStmt', 'MergeStmt', 'CopyStmt']);

/** The tables that a statement works on, as it names them. */
function namedIn({ kind, node }: Statement): readonly string[] {
  if (kind === 'DropStmt') return textOf(node, 'removeType') === 'OBJECT_TABLE' ? droppedNames(node) : [];
  if (kind === 'TruncateStmt') return truncatedNames(node);
  // A partition is made in the table it belongs to.
  if (kind === 'CreateStmt' && node['partbound'] !== undefined)
    return children(node, 'inhRelations').map((one) => relationName(child(one, 'RangeVar')));
  const name = relationName(child(node, 'relation'));
  return name === '' ? [] : [name];
}

/** Takes out what after a statement is no more what this file made, or may be filled. */
function forget(fresh: Set<string>, statement: Statement): void {
  if (movesNames(statement)) fresh.clear();
  // Who writes to it from here on sets off what nobody has looked into.
  const gone = [...freedNames(statement), ...(setsOff(statement) ? [relationName(child(statement.node, 'relation'))] : [])];
  for (const key of [...fresh]) if (gone.some((table) => key === table || isColumnOf(key, table))) fresh.delete(key);
  for (const key of filledColumns(statement)) fresh.delete(key);
}

/** Does a write set off more from here on: a trigger, a rule, or policies that count for the owner too? Or does it hold rows of an older one: a partition's? */
function setsOff({ kind, node }: Statement): boolean {
  return (
    kind === 'CreateTrigStmt' ||
    kind === 'RuleStmt' ||
    (kind === 'AlterTableStmt' && children(node, 'cmds').some((one) => SETS_OFF.has(textOf(child(one, 'AlterTableCmd'), 'subtype'))))
  );
}

const SETS_OFF = new Set(['AT_ForceRowSecurity', 'AT_AttachPartition']);

const MOVE_NAMES = new Set(['search_path', 'role', 'session_authorization']);

/** May the same bare name mean another schema's table from here on? */
function movesNames({ kind, node }: Statement): boolean {
  if (kind === 'VariableSetStmt') return MOVE_NAMES.has(textOf(node, 'name')) || textOf(node, 'kind') === 'VAR_RESET_ALL';
  const calls = kind === 'SelectStmt' ? findAll(node, ['FuncCall']) : [];
  return calls.some((call) => nameParts(children(call.node, 'funcname')).at(-1) === 'set_config');
}

/** Names that a statement takes from their tables: from here on another table may be meant by them. */
function freedNames({ kind, node }: Statement): readonly string[] {
  if (kind === 'RenameStmt' || kind === 'AlterObjectSchemaStmt') return [relationName(child(node, 'relation'))];
  return kind === 'DropStmt' && textOf(node, 'removeType') === 'OBJECT_TABLE' ? droppedNames(node) : [];
}

/** The table a statement makes for certain; with IF NOT EXISTS an old one with live rows may be meant, and a child's rows are its parent's. */
function madeTable({ kind, node }: Statement, fresh: ReadonlySet<string>): string | null {
  if (isSet(node, 'if_not_exists')) return null;
  if (kind === 'CreateSeqStmt') return relationName(child(node, 'sequence'));
  if (kind === 'CreateStmt') return oldParents(node, fresh).length > 0 ? null : relationName(child(node, 'relation'));
  return kind === 'CreateTableAsStmt' ? relationName(child(child(node, 'into'), 'rel')) : null;
}
