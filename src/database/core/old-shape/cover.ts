import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { renameOf } from './renames.ts';
import { pathOf, samePath } from './shape.ts';

/** A view that takes a relation's old name in the transaction that gives the relation another one. */
export interface Cover {
  readonly path: readonly string[];
  /** Names of its columns when those of the relation are given; null where it is more than a plain view of the whole of it. */
  readonly columns: ((of: readonly string[]) => readonly string[]) | null;
  /** Whoever reads it is asked for their own rights on what is behind it, and its row security counts for them. */
  readonly invoker: boolean;
  /** The role it is given to; null: it stays with whoever makes it. */
  readonly owner: string | null;
  /** Does the file let a role (null: everybody) do this with it? */
  readonly lets: (grantee: string | null, privilege: string, column: string | null) => boolean;
}

/** What the database says of a relation whose name a view takes over. */
export interface CoveredRelation {
  readonly kind: 'table' | 'other';
  readonly schema: string;
  readonly columns: readonly string[];
  readonly rowSecurity: boolean;
  readonly owner: string;
  /** Who migrates: what is made belongs to them. */
  readonly user: string;
  /** What others than the owner may do with it; grantee null: everybody, column null: all of it. */
  readonly rights: readonly Right[];
  /** What everybody is let in to by default with what this user makes there. */
  readonly usual: readonly Right[];
}

export interface Right {
  readonly grantee: string | null;
  readonly privilege: string;
  readonly column: string | null;
}

/**
 * The view that a file makes under the old name of a relation, behind the statements that rename it or its columns.
 * @param first index of the statement that takes the name away
 */
export function coverOf(statements: readonly Statement[], first: number, path: readonly string[]): Cover | null {
  const at = statements.findIndex(
    ({ kind, node }, index) => index > first && kind === 'ViewStmt' && samePath(pathOf(child(node, 'view')), path),
  );
  const view = statements[at];
  if (view === undefined) return null;
  const { name, columns } = followed(statements.slice(0, at), path);
  const after = statements.slice(at + 1);
  return {
    path,
    columns: plainColumns(view.node, name, columns),
    invoker: children(view.node, 'options').some((one) => isOn(child(one, 'DefElem'), 'security_invoker')),
    owner: ownerGiven(after, path),
    lets: (grantee, privilege, column) =>
      after.some(({ kind, node }) => kind === 'GrantStmt' && lets(node, path, { grantee, privilege, column })),
  };
}

/** What the relation is called where the view is made, and what became of its columns. */
function followed(statements: readonly Statement[], path: readonly string[]) {
  let name = path;
  let columns = (of: readonly string[]): readonly string[] => of;
  for (const statement of statements) {
    const { kind, node } = statement;
    if (!samePath(pathOf(child(node, 'relation')), name)) continue;
    const rename = renameOf(statement);
    if (rename?.shape.kind === 'relation' && rename.to !== null) name = rename.to;
    const before = columns;
    if (rename?.shape.kind === 'column')
      columns = (of) => before(of).map((one) => (one === rename.shape.column ? textOf(node, 'newname') : one));
    if (kind !== 'AlterTableStmt') continue;
    const gone = droppedColumns(node);
    if (gone.length > 0) columns = (of) => before(of).filter((one) => !gone.includes(one));
  }
  return { name, columns };
}

function droppedColumns(node: Node): readonly string[] {
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  return commands.filter((one) => textOf(one, 'subtype') === 'AT_DropColumn').map((one) => textOf(one, 'name'));
}

type Node = Statement['node'];

const WHOLE: readonly string[] = [
  'whereClause',
  'distinctClause',
  'groupClause',
  'havingClause',
  'withClause',
  'limitCount',
  'limitOffset',
  'larg',
];

/** Of one relation, all of its rows, and its columns as they are: then PostgreSQL passes on what is written, too. */
function plainColumns(node: Node, relation: readonly string[], now: (of: readonly string[]) => readonly string[]): Cover['columns'] {
  const query = child(child(node, 'query'), 'SelectStmt');
  const from = children(query, 'fromClause');
  const source = child(from[0] ?? {}, 'RangeVar');
  if (from.length !== 1 || !samePath(pathOf(source), relation) || WHOLE.some((key) => query[key] !== undefined)) return null;
  const targets = children(query, 'targetList').map((one) => child(one, 'ResTarget'));
  const fields = targets.map((one) => children(child(child(one, 'val'), 'ColumnRef'), 'fields'));
  if (fields.some((one) => one.length === 0)) return null;
  const aliases = nameParts(children(node, 'aliases'));
  return (of) => {
    const names = targets.flatMap((one, index) => {
      const last = fields[index]?.at(-1) ?? {};
      if (last['A_Star'] !== undefined) return now(of);
      const given = textOf(one, 'name');
      return [given === '' ? textOf(child(last, 'String'), 'sval') : given];
    });
    return [...aliases, ...names.slice(aliases.length)];
  };
}

function isOn(option: Node, name: string): boolean {
  const value = child(option, 'arg');
  const text = textOf(child(value, 'String'), 'sval');
  const off = text === '' ? child(value, 'Boolean')['boolval'] === false : /^(?:false|off|no|0)$/i.test(text);
  return textOf(option, 'defname') === name && !off;
}

function ownerGiven(statements: readonly Statement[], path: readonly string[]): string | null {
  const owners = statements
    .filter(({ kind, node }) => kind === 'AlterTableStmt' && samePath(pathOf(child(node, 'relation')), path))
    .flatMap(({ node }) => children(node, 'cmds').map((one) => child(one, 'AlterTableCmd')))
    .filter((one) => textOf(one, 'subtype') === 'AT_ChangeOwner')
    .map((one) => textOf(child(one, 'newowner'), 'rolename'));
  return owners.at(-1) ?? null;
}

function lets(node: Node, path: readonly string[], { grantee, privilege, column }: Right): boolean {
  if (!isSet(node, 'is_grant') || textOf(node, 'objtype') !== 'OBJECT_TABLE') return false;
  const objects = children(node, 'objects');
  const inSchema = textOf(node, 'targtype') === 'ACL_TARGET_ALL_IN_SCHEMA' && path.length > 1;
  const about = inSchema
    ? nameParts(objects).includes(path[0] ?? '')
    : objects.some((one) => samePath(pathOf(child(one, 'RangeVar')), path));
  const roles = children(node, 'grantees').map((one) => child(one, 'RoleSpec'));
  const isFor = roles.some(
    (one) => textOf(one, 'roletype') === 'ROLESPEC_PUBLIC' || (grantee !== null && textOf(one, 'rolename') === grantee),
  );
  const given = children(node, 'privileges').map((one) => child(one, 'AccessPriv'));
  const isGiven = given.some((one) => {
    const columns = nameParts(children(one, 'cols'));
    return textOf(one, 'priv_name').toUpperCase() === privilege && (columns.length === 0 || (column !== null && columns.includes(column)));
  });
  return about && isFor && (given.length === 0 || isGiven);
}

/** What of a relation a view has no use for. */
const ON_VIEWS: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE']);

/** Why an old version, or somebody else, would miss the relation behind the view that has its name; null where nobody would. */
export function lackOf(cover: Cover, relation: CoveredRelation): string | null {
  return shownLess(cover, relation) ?? letsInLess(cover, relation);
}

function shownLess({ columns, invoker }: Cover, relation: CoveredRelation): string | null {
  const shown = columns?.(relation.columns) ?? null;
  if (shown === null && relation.kind === 'table')
    return 'the view of that name is no plain view of all its rows, so not all that is written reaches it';
  const missing = shown === null ? [] : relation.columns.filter((one) => !shown.includes(one));
  if (missing.length > 0) return `the view of that name lacks ${missing.join(', ')}`;
  return relation.rowSecurity && !invoker
    ? 'it has row security, which the view of that name passes by: WITH (security_invoker = true)'
    : null;
}

function letsInLess(cover: Cover, { owner, user, rights, usual }: CoveredRelation): string | null {
  // What belongs to another role from now on, the owner needs a right to.
  const strange = (cover.owner ?? user) !== owner;
  const owners = strange ? [...ON_VIEWS].map((privilege): Right => ({ grantee: owner, privilege, column: null })) : [];
  const refused = [...rights, ...owners].find((one) => ON_VIEWS.has(one.privilege) && !isLet(one, cover, usual));
  if (refused === undefined) return null;
  return `${refused.grantee ?? 'everybody'} may ${refused.privilege} it, and not the view of that name: GRANT it there, too`;
}

function isLet({ grantee, privilege, column }: Right, cover: Cover, usual: readonly Right[]): boolean {
  return (
    grantee === cover.owner ||
    cover.lets(grantee, privilege, column) ||
    usual.some((one) => one.privilege === privilege && (one.grantee === null || one.grantee === grantee))
  );
}
