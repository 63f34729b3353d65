import { copyOf } from '../lint/schema.ts';
import { applyStatement } from '../lint/schema-apply.ts';
import { child, children, findAll, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { refusalsOf, type Ground } from './refusals.ts';

/** A statement that PostgreSQL is going to refuse. */
export interface Refusal {
  readonly line: number;
  readonly why: string;
}

/**
 * What the server refuses of a file, statement after statement, each on the ground the one before it leaves.
 * @returns `sure`: false when from here on nobody can tell what is there, so that nothing may be said of later files either
 */
export function refusedIn(
  statements: readonly Statement[],
  ground: Ground,
): { readonly refusals: readonly Refusal[]; readonly sure: boolean } {
  const schema = copyOf(ground.schema);
  const refusals: Refusal[] = [];
  for (const statement of statements) {
    refusals.push(...refusalsOf(statement, { ...ground, schema }));
    if (!isFollowed(statement, { ...ground, schema })) return { refusals, sure: false };
    applyStatement(schema, statement, { file: 0, transaction: 0 });
  }
  return { refusals, sure: true };
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
  'CreateSeqStmt',
  'AlterSeqStmt',
  'CreateStatsStmt',
  'CommentStmt',
  'GrantStmt',
  'LockStmt',
  'VacuumStmt',
  'ReindexStmt',
  'VariableSetStmt',
  'CreateSchemaStmt',
]);
const MOVE_NAMES = new Set(['', 'search_path', 'role', 'session_authorization']);

function isFollowed({ kind, node }: Statement, { schema }: Ground): boolean {
  if (!FOLLOWED.has(kind)) return false;
  // What a cascade takes with it is told by no tree.
  if (findAll({ node }, ['AlterTableCmd']).some((one) => textOf(one.node, 'behavior') === 'DROP_CASCADE')) return false;
  switch (kind) {
    case 'DropStmt':
      return (
        textOf(node, 'behavior') !== 'DROP_CASCADE' &&
        textOf(node, 'removeType') !== 'OBJECT_EXTENSION' &&
        ![...schema.tables.values()].some(({ partitioned }) => partitioned !== null && partitioned.parts.size > 0)
      );
    case 'AlterTableStmt':
      // A constraint gives its name to the index it takes over.
      return !findAll(node, ['Constraint']).some((one) => textOf(one.node, 'indexname') !== '');
    case 'CreateStmt':
      return textOf(child(node, 'relation'), 'relpersistence') !== 't';
    case 'CreateTableAsStmt':
      return textOf(child(child(node, 'into'), 'rel'), 'relpersistence') !== 't';
    case 'CreateSchemaStmt':
      return children(node, 'schemaElts').length === 0;
    case 'VariableSetStmt':
      return !MOVE_NAMES.has(textOf(node, 'name'));
    default:
      return true;
  }
}
