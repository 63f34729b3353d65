import type { Effect } from './effect.ts';
import type { Header } from './header.ts';
import { statementEffect } from './statement-effect.ts';
import { child, children, findAll, isSet, nameParts, oldParents, relationName, textOf } from './tree.ts';
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
}

/** Each statement's effect, knowing which tables the statements before it made. */
export function effectsOf(statements: readonly Statement[]): readonly StatementEffect[] {
  const fresh = new Set<string>();
  return statements.map((statement) => {
    const effect = statementEffect(statement, fresh);
    const onFresh = fresh.has(relationName(child(statement.node, 'relation')));
    const made = madeTable(statement, fresh);
    if (made !== null) fresh.add(made);
    if (movesNames(statement)) fresh.clear();
    for (const gone of freedNames(statement)) fresh.delete(gone);
    // Who writes to it from here on sets off what nobody has looked into.
    if (setsOff(statement)) fresh.delete(relationName(child(statement.node, 'relation')));
    return { line: statement.line, statement, effect, onFresh };
  });
}

/** Does a write set off more from here on: a trigger, a rule, or policies that count for the owner too? */
function setsOff({ kind, node }: Statement): boolean {
  return (
    kind === 'CreateTrigStmt' ||
    kind === 'RuleStmt' ||
    (kind === 'AlterTableStmt' &&
      children(node, 'cmds').some((one) => textOf(child(one, 'AlterTableCmd'), 'subtype') === 'AT_ForceRowSecurity'))
  );
}

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
  if (kind !== 'DropStmt' || textOf(node, 'removeType') !== 'OBJECT_TABLE') return [];
  return children(node, 'objects').map((one) => nameParts(children(child(one, 'List'), 'items')).join('.'));
}

/** The table a statement makes for certain; with IF NOT EXISTS an old one with live rows may be meant, and a child's rows are its parent's. */
function madeTable({ kind, node }: Statement, fresh: ReadonlySet<string>): string | null {
  if (isSet(node, 'if_not_exists')) return null;
  if (kind === 'CreateStmt') return oldParents(node, fresh).length > 0 ? null : relationName(child(node, 'relation'));
  return kind === 'CreateTableAsStmt' ? relationName(child(child(node, 'into'), 'rel')) : null;
}
