import { alterTableEffect } from './alter-table-effect.ts';
import { effect, type Effect, type Fresh } from './effect.ts';
import { child, children, findAll, isSet, nameParts, relationName, textOf } from './tree.ts';
import type { Statement } from './types.ts';

type Node = Statement['node'];

/** Things of which a new one changes nothing for a program that doesn't know it. */
const CREATES = new Set([
  'CreateStmt',
  'CreateSeqStmt',
  'CreateEnumStmt',
  'CreateDomainStmt',
  'CompositeTypeStmt',
  'CreateRangeStmt',
  'CreateExtensionStmt',
  'CreateSchemaStmt',
  'CreateTableAsStmt',
  'CreateStatsStmt',
  'CreatePublicationStmt',
  'CommentStmt',
  'VariableSetStmt',
  'VariableShowStmt',
  'VacuumStmt',
  'ReindexStmt',
  'RefreshMatViewStmt',
  'LockStmt',
  'ConstraintsSetStmt',
]);
/** Their new version takes the place of the old one when they say OR REPLACE. */
const REPLACEABLE = new Set(['ViewStmt', 'CreateFunctionStmt', 'DefineStmt']);
/** Change what the old version meets, and a down file can take it back whole. */
const UNDONE_BY_DOWN = new Set([
  'RenameStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
  'AlterPolicyStmt',
  'RuleStmt',
  'AlterObjectSchemaStmt',
  'AlterOwnerStmt',
  'AlterFunctionStmt',
  'AlterSeqStmt',
  'AlterEnumStmt',
]);
const QUERIES = new Set(['SelectStmt', 'InsertStmt', 'CreateTableAsStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
const REWRITES_DATA: Readonly<Record<string, string>> = { UpdateStmt: 'UPDATE', DeleteStmt: 'DELETE', MergeStmt: 'MERGE' };
const DROPPED_WITH_DATA = new Set([
  'OBJECT_TABLE',
  'OBJECT_SCHEMA',
  'OBJECT_SEQUENCE',
  'OBJECT_EXTENSION',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_PUBLICATION',
]);
const HARMLESS_FUNCTIONS = new Set(['set_config', 'pg_advisory_xact_lock', 'now', 'count', 'current_setting']);

/** What a statement does to the old version and to the data; `fresh` are the tables this same file made before. */
export function statementEffect(statement: Statement, fresh: Fresh): Effect {
  const { kind, node } = statement;
  if (hidesWrites(statement))
    return effect('unknown', 'a query that writes or calls a function is not known to be compatible with the old version');
  if (CREATES.has(kind)) return effect('additive', kind);
  if (REPLACEABLE.has(kind))
    return isSet(node, 'replace') ? effect('reversible', 'OR REPLACE changes what the old version calls') : effect('additive', kind);
  if (kind === 'CreateTrigStmt' || kind in REWRITES_DATA) return onRelation(statement, fresh);
  if (kind === 'AlterEnumStmt' && textOf(node, 'oldVal') === '') return effect('additive', kind);
  if (UNDONE_BY_DOWN.has(kind)) return effect('reversible', `${label(kind)} changes what the old version relies on`);
  switch (kind) {
    case 'SelectStmt':
      return effect('additive', kind);
    case 'IndexStmt':
      return indexEffect(node, fresh);
    case 'AlterTableStmt':
      return alterTableEffect(node, fresh);
    case 'InsertStmt':
      return insertEffect(node, fresh);
    case 'AlterDefaultPrivilegesStmt':
      return grantEffect(child(node, 'action'));
    case 'GrantStmt':
    case 'GrantRoleStmt':
      return grantEffect(node);
    case 'TruncateStmt':
      return effect('lossy', 'TRUNCATE deletes rows');
    case 'DropStmt':
      return dropEffect(node);
    default:
      return effect('unknown', `${label(kind)} is not known to be compatible with the old version`);
  }
}

/** Data-modifying WITH, SELECT INTO and functions can do anything, whatever the statement is called. */
function hidesWrites({ kind, node }: Statement): boolean {
  if (!QUERIES.has(kind)) return false;
  if (kind === 'SelectStmt' && node['intoClause'] !== undefined) return true;
  if (findAll(node, ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']).length > 0) return true;
  return (
    kind === 'SelectStmt' &&
    findAll(node, ['FuncCall']).some((call) => !HARMLESS_FUNCTIONS.has(nameParts(children(call.node, 'funcname')).at(-1) ?? ''))
  );
}

function onRelation({ kind, node }: Statement, fresh: Fresh): Effect {
  const name = relationName(child(node, 'relation'));
  if (fresh.has(name)) return effect('additive', kind);
  const verb = REWRITES_DATA[kind];
  return verb === undefined
    ? effect('reversible', `a trigger on ${name} changes what the old version's writes do`)
    : effect('lossy', `${verb} changes rows of ${name}`);
}

function indexEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'relation'));
  if (!isSet(node, 'unique') || fresh.has(table)) return effect('additive', 'IndexStmt');
  return effect('reversible', `a unique index on ${table} refuses rows the old version may write`);
}

function insertEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'relation'));
  if (fresh.has(table)) return effect('additive', 'InsertStmt');
  const overwrites = textOf(child(node, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE';
  return overwrites
    ? effect('lossy', `INSERT ... ON CONFLICT DO UPDATE changes rows of ${table}`)
    : effect('reversible', `INSERT adds rows to ${table}, which the old version will meet`);
}

function grantEffect(node: Node): Effect {
  return isSet(node, 'is_grant') ? effect('additive', 'GrantStmt') : effect('reversible', 'REVOKE may take a right the old version needs');
}

function dropEffect(node: Node): Effect {
  const what = textOf(node, 'removeType');
  const word = what.replace('OBJECT_', '').replaceAll('_', ' ');
  if (textOf(node, 'behavior') === 'DROP_CASCADE') return effect('lossy', `DROP ${word} ... CASCADE takes whatever depends on it`);
  return DROPPED_WITH_DATA.has(what)
    ? effect('lossy', `DROP ${word} loses what was in it`)
    : effect('reversible', `DROP ${word} takes away what the old version may use`);
}

/** `CreateTrigStmt` -> `CreateTrig`: close enough to the SQL for a reader. */
function label(kind: string): string {
  return kind.replace(/Stmt$/, '');
}
