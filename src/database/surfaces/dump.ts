import { SlipwayError } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { child, children, relationName, textOf } from '../core/tree.ts';
import type { Claims, RealSchema } from '../core/surfaces/types.ts';
import type { Statement } from '../core/types.ts';
import { serverError } from '../errors.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';

/** Who owns what, and who may do what, is not the schema; roles are not there. */
const NOT_SCHEMA = new Set([
  'AlterOwnerStmt',
  'GrantStmt',
  'GrantRoleStmt',
  'AlterDefaultPrivilegesStmt',
  'CommentStmt',
  'SecLabelStmt',
  'TransactionStmt',
]);
/** What pg_dump writes for psql. */
const FOR_PSQL = /^\\(restrict|unrestrict|connect|set)\b.*$/gm;

export interface LoadedDump {
  readonly statements: readonly Statement[];
  /** The first statement the server refused; null when there is none. */
  readonly refused: { readonly line: number; readonly message: string } | null;
}

/**
 * Runs a dump of a schema (`pg_dump --schema-only`, Rails' structure.sql) in an empty database, without owners and grants. Stops at the first
 * statement that is refused.
 * @throws SlipwayError `config_invalid` when it is no SQL
 */
export async function loadDump(access: DatabaseAccess, sql: string, shown: string): Promise<LoadedDump> {
  const parsed = await parseSql(sql.replaceAll(FOR_PSQL, ''));
  if (!parsed.ok)
    throw new SlipwayError('config_invalid', `${shown}:${parsed.line}: ${parsed.message}`, {
      hint: 'A dump of the schema without data is needed.',
    });
  const statements = parsed.statements.filter(isSchema);
  return withClient(access, 'loading a dump', async (client) => {
    for (const { text, line } of statements) {
      try {
        await client.query(text);
      } catch (error) {
        const refused = serverError(error);
        if (refused === null) throw error;
        return { statements, refused: { line, message: refused.message } };
      }
    }
    // pg_dump leaves the session without a search_path; the next one has its own.
    return { statements, refused: null };
  });
}

function isSchema({ kind, node }: Statement): boolean {
  if (NOT_SCHEMA.has(kind)) return false;
  const commands = children(node, 'cmds').map((one) => textOf(child(one, 'AlterTableCmd'), 'subtype'));
  return kind !== 'AlterTableStmt' || !commands.every((subtype) => subtype === 'AT_ChangeOwner');
}

/** What a dump claims: the schema it makes, with the lines on which it makes each table. */
export function claimsOfDump({ statements, refused }: LoadedDump, made: RealSchema): Claims {
  const lines = new Map(
    statements
      .filter(({ kind }) => kind === 'CreateStmt')
      .map(({ node, line }) => [relationName(child(node, 'relation')).replace(/^public\./, ''), line]),
  );
  const lineOf = (table: string): number => lines.get(table) ?? 1;
  return {
    tables: made.tables.map(({ name, columns }) => ({
      names: [name],
      columns: columns.map((column) => ({
        names: [column.name],
        kind: null,
        type: column.type,
        nullable: column.nullable,
        line: lineOf(name),
      })),
      whole: true,
      line: lineOf(name),
    })),
    enums: made.enums.map((one) => ({ ...one, line: 1 })),
    whole: true,
    unclear: refused === null ? [] : [{ line: refused.line, what: `the server refused it: ${refused.message}` }],
  };
}
