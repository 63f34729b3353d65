import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependants } from './dependant.ts';
import { relationKey } from './schema.ts';
import { schemaKey } from './there-others.ts';
import { isMissing, isRelationMissing, not, type Other, type Wrong } from './there-wrong.ts';

type Node = Statement['node'];

/** Relations and schemas that a statement needs and that are not there. */
export function wrongRelations({ kind, node }: Statement, known: Dependants): readonly Wrong[] {
  return [...onGone(kind, node, known), ...readGone(kind, node, known), ...intoSchema(kind, node, known)];
}

/** Under which key a statement names the relation that it must find. */
const FINDS: Readonly<Record<string, string>> = {
  AlterTableStmt: 'relation',
  IndexStmt: 'relation',
  CreateTrigStmt: 'relation',
  CreatePolicyStmt: 'table',
  AlterPolicyStmt: 'table',
  RuleStmt: 'relation',
  RenameStmt: 'relation',
  AlterObjectSchemaStmt: 'relation',
  InsertStmt: 'relation',
  UpdateStmt: 'relation',
  DeleteStmt: 'relation',
  MergeStmt: 'relation',
  CopyStmt: 'relation',
  RefreshMatViewStmt: 'relation',
};
/** And those that name several. */
const LISTS: Readonly<Record<string, string>> = { TruncateStmt: 'relations', LockStmt: 'relations', CreateStmt: 'inhRelations' };
/** Under which key it says what that is. */
const SAYS: Readonly<Record<string, string>> = { AlterTableStmt: 'objtype', RenameStmt: 'renameType', AlterObjectSchemaStmt: 'objectType' };
/** What may have a name that nobody wrote, or is no relation. */
const NOT_ALL_KNOWN = new Set(['OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_TYPE', 'OBJECT_ATTRIBUTE']);

function onGone(kind: string, node: Node, known: Dependants): readonly Wrong[] {
  // With IF NOT EXISTS nobody looks further where it is there.
  if (isSet(node, 'missing_ok') || (kind === 'CreateStmt' && isSet(node, 'if_not_exists'))) return [];
  const list = LISTS[kind];
  const names =
    list === undefined
      ? [relationKey(child(node, FINDS[kind] ?? ''))]
      : children(node, list).map((one) => relationKey(child(one, 'RangeVar')));
  const some = NOT_ALL_KNOWN.has(textOf(node, SAYS[kind] ?? ''));
  const others = othersTaken(kind, node);
  return names.filter((one) => (some ? known.gone.has(one) : isRelationMissing(known, one, others))).map((one) => not(one, one));
}

/** What ALTER TABLE does to tables alone. */
const OF_TABLES = new Set([
  'AT_AddColumn',
  'AT_DropColumn',
  'AT_AlterColumnType',
  'AT_ColumnDefault',
  'AT_SetNotNull',
  'AT_DropNotNull',
  'AT_AddConstraint',
  'AT_DropConstraint',
  'AT_ValidateConstraint',
  'AT_AddIdentity',
  'AT_EnableRowSecurity',
]);

/** ALTER TABLE takes indexes and sequences for some of what it does. */
function othersTaken(kind: string, node: Node): readonly Other[] {
  if (SAYS[kind] === undefined) return [];
  const commands = children(node, 'cmds').map((one) => textOf(child(one, 'AlterTableCmd'), 'subtype'));
  return commands.some((one) => OF_TABLES.has(one)) ? [] : ['index', 'sequence'];
}

const READS = new Set(['ViewStmt', 'CreateTableAsStmt', 'SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** What a query reads; names of WITH and others that it gives itself are none. */
function readGone(kind: string, node: Node, known: Dependants): readonly Wrong[] {
  if (!READS.has(kind)) return [];
  const own = new Set([
    ...findAll(node, ['CommonTableExpr']).map((one) => textOf(one.node, 'ctename')),
    ...findAll(node, ['alias', 'Alias']).map((one) => textOf(one.node, 'aliasname')),
  ]);
  const names = new Set(findAll(node, ['RangeVar']).map((one) => relationKey(one.node)));
  return [...names].filter((one) => !own.has(one) && isRelationMissing(known, one, ['sequence'])).map((one) => not(one, one));
}

/** Under which key a statement names what it makes. */
const MAKES: Readonly<Record<string, string>> = {
  CreateStmt: 'relation',
  ViewStmt: 'view',
  CreateSeqStmt: 'sequence',
  CompositeTypeStmt: 'typevar',
  CreateEnumStmt: 'typeName',
  CreateRangeStmt: 'typeName',
  CreateDomainStmt: 'domainname',
  CreateFunctionStmt: 'funcname',
};

/** Is the schema there that it is made in? */
function intoSchema(kind: string, node: Node, known: Dependants): readonly Wrong[] {
  const key = MAKES[kind] ?? '';
  const listed = nameParts(children(node, key));
  const schema = listed.length > 1 ? (listed[0] ?? '') : textOf(child(node, key), 'schemaname');
  return schema !== '' && !schema.startsWith('pg_') && isMissing(known, schemaKey(schema)) ? [not(schemaKey(schema))] : [];
}
