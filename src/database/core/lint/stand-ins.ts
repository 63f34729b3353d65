import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { PLACEHOLDER } from './sections.ts';

/** PostgreSQL takes these for letters, and nobody writes them: a name between them stands for one that is not known. */
const [OPENS, CLOSES] = ['⟨', '⟩'];

/** A word that PostgreSQL reads as a name, in the place of what is not known: `⟨name⟩`. One name, with quotes around it or without. */
export function standIn(name: string): string {
  return `${OPENS}${/\w+(?=\W*$)/.exec(name)?.[0].toLowerCase() ?? ''}${CLOSES}`;
}

/** The text with a stand-in for each placeholder without a value. */
export function withStandIns(text: string): string {
  return text.replace(PLACEHOLDER, (...[, braces, dollar, ruby]: readonly (string | undefined)[]) =>
    standIn(braces ?? dollar ?? ruby ?? ''),
  );
}

/** Does every stand-in name a schema, or stand in a text? Then what is done to which table is known without its value. */
export function onlyNameSchemas(tree: JsonValue): boolean {
  if (typeof tree !== 'object' || tree === null) return !isStoodIn(tree);
  if (!isJsonObject(tree)) return tree.every((one, index, all) => (index < all.length - 1 && isWord(one)) || onlyNameSchemas(one));
  return isAboutSchema(tree) || Object.entries(tree).every(([key, value]) => FREE.has(key) || isBody(key, value) || onlyNameSchemas(value));
}

const isStoodIn = (value: JsonValue): boolean => typeof value === 'string' && value.includes(OPENS);

/** What names a schema, and constants and comments, in which a stand-in is no name. */
const FREE: ReadonlySet<string> = new Set(['schemaname', 'newschema', 'A_Const', 'comment']);

/** A part of a qualified name: all but the last are its schema. */
const isWord = (value: JsonValue): boolean => isJsonObject(value) && value['String'] !== undefined;

/** GRANT ON SCHEMA, DROP SCHEMA, COMMENT ON SCHEMA. */
const isAboutSchema = (node: JsonObject): boolean => [node['objtype'], node['removeType'], node['renameType']].includes('OBJECT_SCHEMA');

/** The text of a function or a block: what is in it is asked by itself. */
const isBody = (key: string, value: JsonValue): boolean => key === 'DefElem' && isJsonObject(value) && value['defname'] === 'as';

/** About rights and remarks: whoever and whatever they name, no table is locked or read. */
const NAMES_ANY: ReadonlySet<string> = new Set([
  ...['GrantStmt', 'GrantRoleStmt', 'AlterDefaultPrivilegesStmt', 'CommentStmt', 'NotifyStmt'],
  ...['CreateRoleStmt', 'AlterRoleStmt', 'AlterRoleSetStmt', 'DropRoleStmt'],
]);

/** What they do is known when their table, their types and their functions are. */
const NAMES_TABLE: ReadonlySet<string> = new Set([
  ...['AlterTableStmt', 'CreateStmt', 'IndexStmt', 'CreateTrigStmt', 'CreatePolicyStmt', 'RenameStmt'],
  ...['UpdateStmt', 'DeleteStmt', 'InsertStmt'],
]);

/** Is it known what a statement does, whatever its stand-ins stand for? */
export function isKnownWithStandIns({ kind, node }: Statement): boolean {
  if (NAMES_ANY.has(kind)) return true;
  if (kind === 'SelectStmt') return onlyReads(node);
  if (!NAMES_TABLE.has(kind) || (kind === 'RenameStmt' && textOf(node, 'renameType') === 'OBJECT_TABLE')) return false;
  // A new table may have any name.
  const named = kind === 'CreateStmt' ? { ...node, relation: {} } : node;
  return rangesOf(named).every((one) => !isStoodIn(textOf(one, 'relname')) && !isStoodIn(textOf(one, 'schemaname'))) && callsKnown(named);
}

/** A query that only reads may read any table; an expression could be a call of anything. */
function onlyReads(node: JsonObject): boolean {
  const columns = findAll(node, ['ColumnRef']).flatMap((one) => nameParts(children(one.node, 'fields')));
  return node['intoClause'] === undefined && !columns.some(isStoodIn) && callsKnown(node);
}

function callsKnown(node: JsonObject): boolean {
  const calls = findAll(node, ['FuncCall', 'funccall']).flatMap((one) => nameParts(children(one.node, 'funcname')));
  const types = findAll(node, ['TypeName', 'typeName']).flatMap((one) => nameParts(children(one.node, 'names')));
  return ![...calls, ...types].some(isStoodIn);
}

const rangesOf = (node: JsonObject): readonly JsonObject[] => [
  ...findAll(node, ['RangeVar', 'relation', 'pktable']).map((one) => one.node),
  child(node, 'relation'),
];
