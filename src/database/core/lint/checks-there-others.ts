import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependants } from './dependant.ts';
import { plainName, relationKey } from './schema.ts';
import {
  extensionKey,
  functionKey,
  functionMade,
  functionNamed,
  isFunction,
  listedPart,
  partOf,
  renamedPart,
  roleKey,
  schemaKey,
  typeKey,
} from './there-others.ts';
import { already, isMissing, isRelationMissing, lacksConstraint, lacksPart, missingColumns, not, type Wrong } from './there-wrong.ts';

type Node = Statement['node'];
type Check = (node: Node, known: Dependants) => readonly Wrong[];

/** What is wrong with triggers, policies, rules, functions, schemas, extensions, roles, and with what a statement is about by its name alone. */
export function wrongOthers({ kind, node }: Statement, known: Dependants): readonly Wrong[] {
  return [...(CHECKS[kind]?.(node, known) ?? []), ...wrongPart(kind, node, known), ...unknownRoles(node, known)];
}

const missing = (known: Dependants, key: string): readonly Wrong[] => (isMissing(known, key) ? [not(key)] : []);
const taken = ({ there }: Dependants, key: string): readonly Wrong[] => (there.has(key) ? [already(key)] : []);
const relationMissing = (known: Dependants, name: string): readonly Wrong[] => (isRelationMissing(known, name) ? [not(name, name)] : []);

/** Those of PostgreSQL itself are found whatever there is. */
const OWN_TRIGGERS = /^(?:pg_catalog\..*|suppress_redundant_updates_trigger|tsvector_update_trigger(?:_column)?)$/;

const CHECKS: Readonly<Record<string, Check>> = {
  CreateFunctionStmt: (node, known) => {
    const { name, signature } = functionMade(node);
    const there = signature !== null && known.there.get(functionKey(name))?.members.has(signature) === true;
    return there && !isSet(node, 'replace') ? [already(`function ${name}(${signature})`)] : [];
  },
  CreateTrigStmt: (node, known) => {
    const name = plainName(nameParts(children(node, 'funcname')).join('.'));
    return OWN_TRIGGERS.test(name) ? [] : missing(known, functionKey(name));
  },
  CreateSchemaStmt: (node, known) => (isSet(node, 'if_not_exists') ? [] : taken(known, schemaKey(textOf(node, 'schemaname')))),
  CreateExtensionStmt: (node, known) => (isSet(node, 'if_not_exists') ? [] : taken(known, extensionKey(textOf(node, 'extname')))),
  CreateRoleStmt: (node, known) => taken(known, roleKey(textOf(node, 'role'))),
  DropStmt: (node, known) => {
    const what = textOf(node, 'removeType');
    return isSet(node, 'missing_ok') || !ASKED.has(what) ? [] : children(node, 'objects').flatMap((one) => about(one, what, known));
  },
  RenameStmt: (node, known) => {
    const part = renamedPart(node);
    if (part !== null) {
      const made = known.there.get(part.table);
      const there = made?.parts.has(part.after) === true ? [already(`${part.after} of ${part.table}`, part.table)] : [];
      return [...(lacksPart(made, part.part) ? [not(`${part.part} of ${part.table}`, part.table)] : []), ...there];
    }
    const what = textOf(node, 'renameType');
    if (what === 'OBJECT_ROLE') return missing(known, roleKey(textOf(node, 'subname')));
    return ASKED.has(what) || NAMED_TYPES.has(what) ? about(child(node, 'object'), what, known) : [];
  },
  CommentStmt: (node, known) => about(child(node, 'object'), textOf(node, 'objtype'), known),
  AlterOwnerStmt: (node, known) => about(child(node, 'object'), textOf(node, 'objectType'), known),
  AlterFunctionStmt: (node, known) => about({ ObjectWithArgs: child(node, 'func') }, 'OBJECT_FUNCTION', known),
  AlterObjectSchemaStmt: (node, known) => missing(known, schemaKey(textOf(node, 'newschema'))),
  AlterEnumStmt: (node, known) => missing(known, typeKey(plainName(nameParts(children(node, 'typeName')).join('.')))),
  GrantStmt: granted,
  GrantRoleStmt: (node, known) =>
    known.besides === null
      ? []
      : children(node, 'granted_roles').flatMap((one) => missing(known, roleKey(textOf(child(one, 'AccessPriv'), 'priv_name')))),
  AlterTableStmt: (node, known) => {
    const name = relationKey(child(node, 'relation'));
    const switched = children(node, 'cmds')
      .map((one) => child(one, 'AlterTableCmd'))
      .filter((one) => SWITCHES.has(textOf(one, 'subtype')));
    const lacking = switched.map((one) => `trigger ${textOf(one, 'name')}`).filter((one) => lacksPart(known.there.get(name), one));
    return lacking.map((one) => not(`${one} of ${name}`, name));
  },
};

const SWITCHES = new Set(['AT_EnableTrig', 'AT_DisableTrig', 'AT_EnableAlwaysTrig', 'AT_EnableReplicaTrig']);
/** Of these nothing else asks where they are dropped or renamed. */
const ASKED = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_SCHEMA',
  'OBJECT_EXTENSION',
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
]);
const NAMED_TYPES = new Set(['OBJECT_TYPE', 'OBJECT_DOMAIN']);
const RELATIONS = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);
const KEYS: Readonly<Record<string, (name: string) => string>> = {
  OBJECT_SCHEMA: schemaKey,
  OBJECT_EXTENSION: extensionKey,
  OBJECT_ROLE: roleKey,
};

/** Is what a statement names there? */
function about(object: Node, what: string, known: Dependants): readonly Wrong[] {
  const names = nameParts(children(child(object, 'List'), 'items'));
  if (RELATIONS.has(what)) return relationMissing(known, plainName(names.join('.')));
  if (isFunction(what)) return missing(known, functionKey(functionNamed(object)));
  if (NAMED_TYPES.has(what)) return typeMissing(known, [...nameParts(children(child(object, 'TypeName'), 'names')), ...names]);
  const key = KEYS[what]?.(textOf(child(object, 'String'), 'sval'));
  if (key !== undefined) return missing(known, key);
  return names.length < 2 ? [] : ofRelation(object, what, known);
}

/** A column, a constraint or another part of a relation, named behind it. */
function ofRelation(object: Node, what: string, known: Dependants): readonly Wrong[] {
  const names = nameParts(children(child(object, 'List'), 'items'));
  const [table, last] = [plainName(names.slice(0, -1).join('.')), names.at(-1) ?? ''];
  const part = listedPart(object, what);
  if (part === null && what !== 'OBJECT_COLUMN' && what !== 'OBJECT_TABCONSTRAINT') return [];
  const gone = relationMissing(known, table);
  if (gone.length > 0) return gone;
  if (what === 'OBJECT_COLUMN') return missingColumns(known, table, [last]);
  const made = known.there.get(table);
  if (part !== null) return lacksPart(made, part.part) ? [not(`${part.part} of ${table}`, table)] : [];
  return lacksConstraint(made, last) ? [not(`constraint ${last} of ${table}`, table)] : [];
}

/** Is there no type of this name? A table is one too. */
export function typeMissing(known: Dependants, names: readonly string[]): readonly Wrong[] {
  const name = plainName(names.join('.'));
  const key = typeKey(name);
  if (names[0] === 'pg_catalog' || name === '' || name.startsWith('_') || !isMissing(known, key)) return [];
  if (known.there.has(name) || known.besides?.has(name) === true || known.temporary.has(name)) return [];
  if (known.gone.has(key)) return [not(key)];
  // A bare name may be of a schema that another setting looks into.
  const elsewhere = [...known.there.keys(), ...(known.besides ?? [])].some((one) => one.startsWith('type ') && one.endsWith(`.${name}`));
  return elsewhere ? [] : [not(key)];
}

function granted(node: Node, known: Dependants): readonly Wrong[] {
  const [what, objects] = [textOf(node, 'objtype'), children(node, 'objects')];
  if (textOf(node, 'targtype') === 'ACL_TARGET_ALL_IN_SCHEMA')
    return objects.flatMap((one) => missing(known, schemaKey(textOf(child(one, 'String'), 'sval'))));
  if (textOf(node, 'targtype') !== 'ACL_TARGET_OBJECT') return [];
  if (what === 'OBJECT_TABLE') {
    const names = objects.map((one) => relationKey(child(one, 'RangeVar')));
    return names.filter((one) => isRelationMissing(known, one, ['sequence'])).map((one) => not(one, one));
  }
  return objects.flatMap((one) => about(one, what, known));
}

function wrongPart(kind: string, node: Node, known: Dependants): readonly Wrong[] {
  const part = partOf(kind, node);
  if (part === null) return [];
  const made = known.there.get(part.table);
  const told = `${part.part} of ${part.table}`;
  if (kind === 'AlterPolicyStmt') return lacksPart(made, part.part) ? [not(told, part.table)] : [];
  return made?.parts.has(part.part) === true && !isSet(node, 'replace') ? [already(told, part.table)] : [];
}

const ROLES = ['RoleSpec', 'newowner', 'authrole', 'role', 'grantor'];

/** Roles are of the whole server, so only that knows them. */
function unknownRoles(node: Node, known: Dependants): readonly Wrong[] {
  if (known.besides === null || isSet(node, 'missing_ok')) return [];
  const names = findAll(node, ROLES).filter((one) => textOf(one.node, 'roletype') === 'ROLESPEC_CSTRING');
  return [...new Set(names.map((one) => textOf(one.node, 'rolename')))].flatMap((one) => missing(known, roleKey(one)));
}
