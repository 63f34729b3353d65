import { alterTableEffect } from './alter-table-effect.ts';
import { effect, type Effect, type Fresh } from './effect.ts';
import { indexKeptByNull } from './empty-columns.ts';
import { calledName, mayFail, unknownCall } from './expression-effect.ts';
import {
  child,
  children,
  droppedNames,
  findAll,
  isSet,
  nameParts,
  oldParents,
  relationName,
  restarts,
  textOf,
  truncatedNames,
} from './tree.ts';
import type { Statement } from './types.ts';

type Node = Statement['node'];

/** Things of which a new one changes nothing for a program that doesn't know it. */
const CREATES = new Set([
  'CreateSeqStmt',
  'CreateEnumStmt',
  'CreateDomainStmt',
  'CompositeTypeStmt',
  'CreateRangeStmt',
  'CreateExtensionStmt',
  'CreateTableAsStmt',
  'CreateStatsStmt',
  'CommentStmt',
  'VariableSetStmt',
  'VariableShowStmt',
  'VacuumStmt',
  'ReindexStmt',
  'LockStmt',
  'ConstraintsSetStmt',
]);
/** Their new version takes the place of the old one when they say OR REPLACE. */
const REPLACEABLE = new Set(['ViewStmt', 'CreateFunctionStmt', 'DefineStmt']);
/** Change what the old version meets, and a down file can take it back whole. */
const UNDONE_BY_DOWN = new Set([
  'RenameStmt',
  'CreateTrigStmt',
  'RuleStmt',
  'AlterObjectSchemaStmt',
  'AlterOwnerStmt',
  'AlterFunctionStmt',
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
  const judge = JUDGES[kind];
  return judge === undefined ? effect('unknown', `${label(kind)} is not known to be compatible with the old version`) : judge(node, fresh);
}

const JUDGES: Readonly<Record<string, (node: Node, fresh: Fresh) => Effect>> = {
  CreatePolicyStmt: policyEffect,
  AlterPolicyStmt: policyEffect,
  SelectStmt: selectEffect,
  CreateStmt: createTableEffect,
  CreateSchemaStmt: createSchemaEffect,
  AlterDomainStmt: domainEffect,
  IndexStmt: indexEffect,
  AlterTableStmt: alterTableEffect,
  InsertStmt: insertEffect,
  AlterDefaultPrivilegesStmt: (node) => grantEffect(child(node, 'action')),
  GrantStmt: grantEffect,
  GrantRoleStmt: grantEffect,
  TruncateStmt: (node, fresh) =>
    textOf(node, 'behavior') !== 'DROP_CASCADE' && isAllFresh(truncatedNames(node), fresh)
      ? effect('additive', 'TruncateStmt')
      : effect('lossy', 'TRUNCATE deletes rows'),
  DropStmt: dropEffect,
  CreatePublicationStmt: () => effect('reversible', 'in a publication, UPDATE and DELETE fail on tables without a replica identity'),
  RefreshMatViewStmt: (node) =>
    isSet(node, 'skipData')
      ? effect('reversible', 'WITH NO DATA leaves nothing for the old version to read')
      : effect('additive', 'RefreshMatViewStmt'),
  AlterSeqStmt: (node) =>
    restarts(children(node, 'options'))
      ? effect('lossy', 'RESTART forgets where the sequence stood')
      : effect('reversible', 'AlterSeq changes what the old version relies on'),
};

/** A sequence of this file's own is nobody's yet. */
function selectEffect(node: Node, fresh: Fresh): Effect {
  const sets = findAll(node, ['FuncCall']).filter((one) => calledName(one.node) === SETS);
  const own = sets.every((one) => ownSequence(child({ first: children(one.node, 'args')[0] ?? {} }, 'first'), fresh));
  return own
    ? effect('additive', 'SelectStmt')
    : effect('lossy', 'setval changes the numbers that the old version is given next, and forgets where its sequence stood');
}

const SETS = 'setval';

/** A sequence that this file made, or that of a table which it made. */
function ownSequence(named: Node, fresh: Fresh): boolean {
  const text = (node: Node): string => textOf(child(child(node, 'A_Const'), 'sval'), 'sval');
  const call = child(named, 'FuncCall');
  if (calledName(call) === 'pg_get_serial_sequence') return fresh.has(text(children(call, 'args')[0] ?? {}));
  return fresh.has(text(named['TypeCast'] === undefined ? named : child(child(named, 'TypeCast'), 'arg')));
}

/** Data-modifying WITH, SELECT INTO and functions can do anything, whatever the statement is called. */
function hidesWrites({ kind, node }: Statement): boolean {
  if (!QUERIES.has(kind)) return false;
  if (kind === 'SelectStmt' && node['intoClause'] !== undefined) return true;
  const writes = findAll(node, ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']).length > 0;
  return writes || unknownCall(node, kind === 'SelectStmt' ? [SETS] : []) !== null;
}

/** What a new table has to do with old ones: a child's rows are its parent's, and a partition's rules bind who writes to the parent. */
function createTableEffect(node: Node, fresh: Fresh): Effect {
  const parents = oldParents(node, fresh);
  if (parents.length === 0) return effect('additive', 'CreateStmt');
  if (node['partbound'] === undefined) return effect('reversible', `its rows are also met in ${parents[0] ?? ''}`);
  if (node['partspec'] !== undefined)
    return effect('reversible', `rows of ${parents[0] ?? ''} that belong to it are refused until it has a partition for them`);
  return findAll(node, ['Constraint']).length > 0
    ? effect('reversible', `its constraints refuse rows the old version may write to ${parents[0] ?? ''}`)
    : effect('additive', 'CreateStmt');
}

/** What it makes inside is the schema's own, unless it has to do with tables outside. */
function createSchemaEffect(node: Node, fresh: Fresh): Effect {
  const inside = children(node, 'schemaElts').map((one) => child(one, 'CreateStmt'));
  return (
    inside.map((table) => createTableEffect(table, fresh)).find((one) => one.kind !== 'additive') ?? effect('additive', 'CreateSchemaStmt')
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

/** Nobody asks for rows of a table that this file made. */
function policyEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'table'));
  return fresh.has(table)
    ? effect('additive', 'CreatePolicyStmt')
    : effect('reversible', `a policy decides which rows of ${table} the old version sees and writes`);
}

function indexEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'relation'));
  if (fresh.has(table)) return effect('additive', 'IndexStmt');
  if (isSet(node, 'unique') && !indexKeptByNull(node, table, fresh))
    return effect('reversible', `a unique index on ${table} refuses rows the old version may write`);
  return mayFail([...children(node, 'indexParams'), node['whereClause'] ?? null])
    ? effect('reversible', `the index computes something for every row the old version writes to ${table}, which may fail`)
    : effect('additive', 'IndexStmt');
}

function insertEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'relation'));
  if (fresh.has(table)) return effect('additive', 'InsertStmt');
  const overwrites = textOf(child(node, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE';
  return overwrites
    ? effect('lossy', `INSERT ... ON CONFLICT DO UPDATE changes rows of ${table}`)
    : effect('reversible', `INSERT adds rows to ${table}, which the old version will meet`);
}

/** Columns that are of a domain keep its rules. */
function domainEffect(node: Node): Effect {
  const [domain, subtype] = [nameParts(children(node, 'typeName')).join('.'), textOf(node, 'subtype')];
  if (subtype === 'V') return effect('additive', 'AlterDomainStmt');
  if (subtype === 'C' || subtype === 'O')
    return effect('reversible', `a stricter domain ${domain} refuses values the old version may write`);
  if (subtype === 'T') return effect('reversible', `a changed default of the domain ${domain} changes what the old version writes`);
  return effect('reversible', `a domain ${domain} that refuses less lets values in that the old version may not expect`);
}

function grantEffect(node: Node): Effect {
  return isSet(node, 'is_grant') ? effect('additive', 'GrantStmt') : effect('reversible', 'REVOKE may take a right the old version needs');
}

function dropEffect(node: Node, fresh: Fresh): Effect {
  const what = textOf(node, 'removeType');
  const word = what.replace('OBJECT_', '').replaceAll('_', ' ');
  if (textOf(node, 'behavior') === 'DROP_CASCADE') return effect('lossy', `DROP ${word} ... CASCADE takes whatever depends on it`);
  if (what === 'OBJECT_TABLE' && isAllFresh(droppedNames(node), fresh)) return effect('additive', 'DropStmt');
  return DROPPED_WITH_DATA.has(what)
    ? effect('lossy', `DROP ${word} loses what was in it`)
    : effect('reversible', `DROP ${word} takes away what the old version may use`);
}

const isAllFresh = (names: readonly string[], fresh: Fresh): boolean => names.length > 0 && names.every((name) => fresh.has(name));

/** `CreateTrigStmt` -> `CreateTrig`: close enough to the SQL for a reader. */
function label(kind: string): string {
  return kind.replace(/Stmt$/, '');
}
