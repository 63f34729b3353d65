import { droppedNames, forgetDependants, isOpaque, noteDependants } from '../lint/dependants-follow.ts';
import { copyOf, relationKey, type Schema } from '../lint/schema.ts';
import { applyStatement } from '../lint/schema-apply.ts';
import { resolveNames, type Path } from '../lint/search-path.ts';
import { settingOf } from '../lint/settings.ts';
import { followThere } from '../lint/there.ts';
import { child, children, findAll, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { isAsked, keyOf, refusalsOf, type Ground } from './refusals.ts';

/** A statement that PostgreSQL is going to refuse. */
export interface Refusal {
  readonly line: number;
  readonly why: string;
}

/** From a line on nobody looked whether the server refuses what a file does. */
export interface NotLookedAt {
  readonly line: number;
  readonly why: string;
}

/** A migration and what it finds. */
export interface Looked {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly ground: Pick<Ground, 'schema'> & { readonly path: Path };
  /** Why nobody can tell what is there when it begins; null where that is known. */
  readonly unsure: string | null;
}

/**
 * What the server refuses of a file, statement after statement, each on the ground the one before it leaves.
 * @returns `unsure`: why from here on nobody can tell what is there, so that nothing may be said of later files either
 */
export function refusedIn({ name, statements, ground, unsure: before }: Looked): {
  readonly refusals: readonly Refusal[];
  readonly notLookedAt: NotLookedAt | null;
  readonly unsure: string | null;
} {
  const schema = copyOf(ground.schema);
  const refusals: Refusal[] = [];
  let notLookedAt: NotLookedAt | null = null;
  let unsure = before;
  for (const written of statements) {
    if (unsure !== null) {
      if (notLookedAt === null && isAsked(written)) notLookedAt = { line: written.line, why: unsure };
      continue;
    }
    const { statement, sure } = resolveNames(written, ground.path, schema);
    const here = { schema, bare: sure };
    refusals.push(...refusalsOf(statement, here));
    if (isFollowed(statement, here)) follow(schema, written, ground.path);
    else unsure = `what line ${statement.line} of ${name} leaves is not known here`;
  }
  return { refusals, notLookedAt, unsure };
}

/** Changes the schema as a statement does, with what needs what and what is there. @param path where bare names are looked for */
export function follow(schema: Schema, written: Statement, path: Path): void {
  const { statement, sure: plain } = resolveNames(written, path, schema);
  // What is only a session's has no part in the schema.
  if (plain && isTemporary(statement, schema)) return followThere(schema.dependants, statement);
  forgetDependants(schema, statement, plain);
  applyStatement(schema, statement, { file: 0, transaction: 0 });
  if (!plain) return;
  noteDependants(schema, statement);
  followThere(schema.dependants, statement);
}

/** Statements after which the model of a schema is still right; of what is not here nobody knows what it did. */
const FOLLOWED = new Set([
  'CreateStmt',
  'CreateTableAsStmt',
  'AlterTableStmt',
  'IndexStmt',
  'DropStmt',
  'ViewStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CopyStmt',
  'TruncateStmt',
  'CreateEnumStmt',
  'AlterEnumStmt',
  'CreateDomainStmt',
  'AlterDomainStmt',
  'CreateFunctionStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
  'AlterPolicyStmt',
  'CreateExtensionStmt',
  'CreateSeqStmt',
  'AlterSeqStmt',
  'CreateStatsStmt',
  'CommentStmt',
  'GrantStmt',
  'LockStmt',
  'VacuumStmt',
  'ReindexStmt',
  'VariableSetStmt',
  'VariableShowStmt',
  'CreateSchemaStmt',
  'AlterOwnerStmt',
  'AlterDefaultPrivilegesStmt',
  'AlterFunctionStmt',
  'AlterPublicationStmt',
  'AlterRoleStmt',
  'AlterStatsStmt',
  'ClusterStmt',
  'CompositeTypeStmt',
  'ConstraintsSetStmt',
  'CreatePublicationStmt',
  'CreateRangeStmt',
  'CreateRoleStmt',
  'GrantRoleStmt',
  'RefreshMatViewStmt',
  'RuleStmt',
  'RenameStmt',
  'SelectStmt',
  'TransactionStmt',
]);
const MOVE_NAMES = new Set(['', 'search_path', 'role', 'session_authorization']);

function isFollowed(statement: Statement, ground: Ground): boolean {
  const { kind, node } = statement;
  const { schema } = ground;
  if (!FOLLOWED.has(kind)) return false;
  // What a cascade takes with it is told by no tree.
  if (findAll({ node }, ['AlterTableCmd']).some((one) => textOf(one.node, 'behavior') === 'DROP_CASCADE')) return false;
  switch (kind) {
    case 'DropStmt':
      if (isTemporary(statement, schema)) return true;
      return textOf(node, 'behavior') !== 'DROP_CASCADE' && !NOT_ALONE.has(textOf(node, 'removeType')) && !takesParts(node, schema);
    case 'RenameStmt':
      return isRenameFollowed(node, ground);
    case 'SelectStmt':
      return node['intoClause'] === undefined && !isOpaque(statement, schema) && settingOf(statement)?.name !== 'search_path';
    case 'TransactionStmt':
      return !isOpaque(statement, schema);
    case 'AlterTableStmt':
      // A constraint gives its name to the index it takes over.
      return !findAll(node, ['Constraint']).some((one) => textOf(one.node, 'indexname') !== '');
    case 'CreateStmt':
    case 'CreateTableAsStmt':
    case 'ViewStmt':
      return hidesNothing(statement, ground);
    case 'CreateSchemaStmt':
      return children(node, 'schemaElts').length === 0;
    case 'VariableSetStmt':
      return !MOVE_NAMES.has(textOf(node, 'name'));
    default:
      return true;
  }
}

/** What is only a session's and stands before another of its name hides that, and nobody knows until when. */
function hidesNothing(statement: Statement, { schema, bare }: Ground): boolean {
  const name = temporaryMade(statement, schema);
  const { there, besides } = schema.dependants;
  return name === null || (bare && !there.has(name) && besides?.has(name) !== true);
}

/** The name of the relation that it makes for its session only: one that reads such is one too. */
function temporaryMade({ kind, node }: Statement, { dependants }: Schema): string | null {
  const made = kind === 'CreateTableAsStmt' ? child(child(node, 'into'), 'rel') : child(node, kind === 'ViewStmt' ? 'view' : 'relation');
  if (!['CreateStmt', 'CreateTableAsStmt', 'ViewStmt'].includes(kind)) return null;
  const reads = kind === 'ViewStmt' ? findAll(node['query'] ?? null, ['RangeVar']).map((one) => relationKey(one.node)) : [];
  const temporary = textOf(made, 'relpersistence') === 't' || reads.some((one) => dependants.temporary.has(one));
  return temporary ? relationKey(made) : null;
}

/** Is it about what is only a session's, and nothing else? */
function isTemporary(statement: Statement, schema: Schema): boolean {
  if (temporaryMade(statement, schema) !== null) return true;
  const names = namesOf(statement);
  return names.length > 0 && names.every((one) => schema.dependants.temporary.has(one));
}

/** The relations that it changes. */
function namesOf({ kind, node }: Statement): readonly string[] {
  if (kind === 'TruncateStmt') return children(node, 'relations').map((one) => relationKey(child(one, 'RangeVar')));
  const drops = kind === 'DropStmt' && /^OBJECT_(?:TABLE|VIEW)$/.test(textOf(node, 'removeType'));
  return drops ? droppedNames(node) : [relationKey(child(node, 'relation'))];
}

const NOT_ALONE = new Set(['OBJECT_EXTENSION', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);

/** With a partitioned table go its partitions, and with its index theirs. */
function takesParts(node: Statement['node'], { tables, indexes }: Schema): boolean {
  const what = textOf(node, 'removeType');
  if (what !== 'OBJECT_TABLE' && what !== 'OBJECT_INDEX') return false;
  const of = (name: string): string => (what === 'OBJECT_INDEX' ? (indexes.get(name)?.table ?? '') : name);
  return droppedNames(node).some((name) => (tables.get(of(name))?.partitioned?.parts.size ?? 0) > 0);
}

/** What has a name that no schema here tells of. */
const NOT_FOLLOWED = new Set(['OBJECT_SCHEMA', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);

function isRenameFollowed(node: Statement['node'], ground: Ground): boolean {
  const type = textOf(node, 'renameType');
  if (NOT_FOLLOWED.has(type)) return false;
  if (node['relation'] === undefined) return true;
  const { tables, views, indexes } = ground.schema;
  if (ground.bare && ground.schema.dependants.temporary.has(relationKey(child(node, 'relation')))) return true;
  const key = keyOf(relationName(child(node, 'relation')), ground);
  if (key === null) return false;
  if (type === 'OBJECT_TABLE') return tables.has(key);
  return tables.has(key) || views.has(key) || indexes.has(key);
}
