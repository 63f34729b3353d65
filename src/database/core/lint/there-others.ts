import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependants, Made } from './dependant.ts';
import { plainName, relationKey } from './schema.ts';
import { VAGUE } from './there-alter.ts';

type Node = Statement['node'];

/** What is no relation has names of its own beside theirs. */
export const typeKey = (name: string): string => `type ${name}`;
export const functionKey = (name: string): string => `function ${name}`;
export const schemaKey = (name: string): string => `schema ${name}`;
export const extensionKey = (name: string): string => `extension ${name}`;
export const roleKey = (name: string): string => `role ${name}`;

/** A trigger, a policy or a rule, and of which relation. */
export interface Part {
  readonly table: string;
  /** `trigger NAME`, as its relation keeps it. */
  readonly part: string;
}

const MADE_PARTS: Readonly<Record<string, readonly [word: string, table: string, name: string]>> = {
  CreateTrigStmt: ['trigger', 'relation', 'trigname'],
  CreatePolicyStmt: ['policy', 'table', 'policy_name'],
  AlterPolicyStmt: ['policy', 'table', 'policy_name'],
  RuleStmt: ['rule', 'relation', 'rulename'],
};

/** The one that a statement makes or changes. */
export function partOf(kind: string, node: Node): Part | null {
  const [word = '', table = '', name = ''] = MADE_PARTS[kind] ?? [];
  return word === '' ? null : { table: relationKey(child(node, table)), part: `${word} ${textOf(node, name)}` };
}

const WORDS: Readonly<Record<string, string>> = { OBJECT_TRIGGER: 'trigger', OBJECT_POLICY: 'policy', OBJECT_RULE: 'rule' };

/** The one that DROP or COMMENT names by a list which ends with it. */
export function listedPart(object: Node, what: string): Part | null {
  const word = WORDS[what];
  const names = nameParts(children(child(object, 'List'), 'items'));
  return word === undefined ? null : { table: plainName(names.slice(0, -1).join('.')), part: `${word} ${names.at(-1) ?? ''}` };
}

/** The one that is renamed, and what it is called then. */
export function renamedPart(node: Node): (Part & { readonly after: string }) | null {
  const word = WORDS[textOf(node, 'renameType')];
  if (word === undefined) return null;
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  return { table: relationKey(child(node, 'relation')), part: `${word} ${before}`, after: `${word} ${after}` };
}

const OUT: ReadonlySet<string> = new Set(['FUNC_PARAM_OUT', 'FUNC_PARAM_TABLE']);

/** A function that is made: its name, and the types it is called with, by which it is told from others of its name; null where they cannot be read. */
export function functionMade(node: Node): { readonly name: string; readonly signature: string | null } {
  const called = children(node, 'parameters')
    .map((one) => child(one, 'FunctionParameter'))
    .filter((one) => !OUT.has(textOf(one, 'mode')));
  const types = called.map((one) => typeText(child(one, 'argType')));
  return {
    name: plainName(nameParts(children(node, 'funcname')).join('.')),
    signature: types.includes(null) ? null : types.join(', '),
  };
}

function typeText(type: Node): string | null {
  const names = nameParts(children(type, 'names'));
  const name = plainName((names[0] === 'pg_catalog' ? names.slice(1) : names).join('.'));
  return isSet(type, 'pct_type') || name === '' ? null : `${name}${type['arrayBounds'] === undefined ? '' : '[]'}`;
}

export const isFunction = (what: string): boolean => ['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE'].includes(what);

/** The function that an object of DROP, COMMENT or GRANT names. */
export const functionNamed = (object: Node): string => plainName(nameParts(children(child(object, 'ObjectWithArgs'), 'objname')).join('.'));

/** Notes what of this a statement leaves. */
export function followOthers(known: Dependants, kind: string, node: Node): void {
  const part = kind === 'AlterPolicyStmt' ? null : partOf(kind, node);
  if (part !== null) return changeParts(known, part.table, { more: part.part });
  switch (kind) {
    case 'CreateFunctionStmt':
      return makeFunction(known, node);
    case 'CreateSchemaStmt':
      return put(known, schemaKey(textOf(node, 'schemaname')), 'schema');
    case 'CreateExtensionStmt':
      return put(known, extensionKey(textOf(node, 'extname')), 'extension');
    case 'CreateRoleStmt':
      return put(known, roleKey(textOf(node, 'role')), 'role');
    case 'DropRoleStmt':
      for (const one of children(node, 'roles')) lose(known, roleKey(textOf(child(one, 'RoleSpec'), 'rolename')));
      return;
    case 'RenameStmt':
      return renameOther(known, node);
    case 'DropStmt':
      for (const one of children(node, 'objects')) dropOther(known, one, textOf(node, 'removeType'));
  }
}

function put({ there, gone }: Dependants, key: string, kind: Made['kind']): void {
  gone.delete(key);
  there.set(key, { ...VAGUE, kind });
}

function lose({ there, gone }: Dependants, key: string): void {
  there.delete(key);
  gone.add(key);
}

function makeFunction(known: Dependants, node: Node): void {
  const { name, signature } = functionMade(node);
  const key = functionKey(name);
  const made = known.there.get(key);
  // There were none of its name where all names are known, or where all of them were dropped.
  const none = known.gone.has(key) || (known.besides !== null && !known.besides.has(key));
  const members = new Set([...(made?.members ?? []), ...(signature === null ? [] : [signature])]);
  put(known, key, 'function');
  known.there.set(key, { ...VAGUE, kind: 'function', members, whole: (made?.whole ?? none) && signature !== null });
}

function changeParts(known: Dependants, table: string, { less, more }: { readonly less?: string; readonly more?: string }): void {
  if (known.temporary.has(table)) return;
  // What gets one is there, whoever made it.
  const made = known.there.get(table) ?? { ...VAGUE, kind: 'table' as const };
  const left = [...made.parts].filter((one) => one !== less);
  known.there.set(table, { ...made, parts: new Set(more === undefined ? left : [...left, more]) });
}

function renameOther(known: Dependants, node: Node): void {
  const part = renamedPart(node);
  if (part !== null) return changeParts(known, part.table, { less: part.part, more: part.after });
  const what = textOf(node, 'renameType');
  if (what === 'OBJECT_ROLE') {
    lose(known, roleKey(textOf(node, 'subname')));
    put(known, roleKey(textOf(node, 'newname')), 'role');
  }
  // Others of its name keep it.
  if (isFunction(what)) unsure(known, functionKey(functionNamed(child(node, 'object'))));
}

/** It may be there or not. */
function unsure({ there, besides }: Dependants, key: string): void {
  there.delete(key);
  besides?.add(key);
}

function dropOther(known: Dependants, object: Node, what: string): void {
  const part = listedPart(object, what);
  if (part !== null) return known.there.has(part.table) ? changeParts(known, part.table, { less: part.part }) : undefined;
  const name = textOf(child(object, 'String'), 'sval');
  if (what === 'OBJECT_SCHEMA') lose(known, schemaKey(name));
  if (what === 'OBJECT_EXTENSION') lose(known, extensionKey(name));
  if (isFunction(what)) dropFunction(known, object);
}

function dropFunction(known: Dependants, object: Node): void {
  const key = functionKey(functionNamed(object));
  const made = known.there.get(key);
  const call = child(object, 'ObjectWithArgs');
  const types = children(call, 'objargs').map((one) => typeText(child(one, 'TypeName')));
  const left = new Set([...(made?.members ?? [])].filter((one) => !isSet(call, 'args_unspecified') && one !== types.join(', ')));
  if (made === undefined || !made.whole || types.includes(null)) return unsure(known, key);
  if (left.size === 0) return lose(known, key);
  known.there.set(key, { ...made, members: left });
}
