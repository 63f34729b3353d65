import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';

/** Something of a schema that goes, or that is going to refuse what it took. */
export interface OldShape {
  /** `rule`: a constraint, an index, a trigger, a policy and the like, which no query names. */
  readonly kind: 'column' | 'relation' | 'routine' | 'type' | 'schema' | 'rule';
  /** The name as it is written: of the table for a column, of the thing itself otherwise. */
  readonly path: readonly string[];
  /** Null unless it is a column. */
  readonly column: string | null;
  /** `narrow`: it stays, and takes less than before. `rename`: it stays under another name, so only who says the old one misses it. */
  readonly change: 'drop' | 'narrow' | 'rename';
  /** It must have a value from then on, so whoever writes rows without it is refused. */
  readonly mustBeGiven?: true;
  /** In words: `customers.name`, `table customers`, `constraint a_check of customers`. */
  readonly told: string;
}

type Node = Statement['node'];

/** What a statement of phase contract takes away or narrows. */
export function shapesOf({ kind, node }: Statement): readonly OldShape[] {
  const table = pathOf(child(node, 'relation'));
  if (kind === 'DropStmt') return dropped(node);
  if (kind === 'AlterTableStmt') return children(node, 'cmds').flatMap((one) => altered(table, child(one, 'AlterTableCmd')));
  if (kind === 'IndexStmt') return [rule(table, `a unique index on ${table.join('.')}`, 'narrow')];
  return [rule([], kind.replace(/Stmt$/, ''), 'narrow')];
}

const RELATIONS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_FOREIGN_TABLE: 'foreign table',
  OBJECT_SEQUENCE: 'sequence',
};
const ROUTINES = new Set(['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE', 'OBJECT_AGGREGATE']);

function dropped(node: Node): readonly OldShape[] {
  const type = textOf(node, 'removeType');
  const word = RELATIONS[type] ?? type.replace('OBJECT_', '').replaceAll('_', ' ').toLowerCase();
  return children(node, 'objects').map((object): OldShape => {
    const path = objectPath(object);
    const told = `${word} ${path.join('.')}`;
    if (type in RELATIONS) return { kind: 'relation', path, column: null, change: 'drop', told };
    if (ROUTINES.has(type)) return { kind: 'routine', path, column: null, change: 'drop', told };
    if (type === 'OBJECT_TYPE' || type === 'OBJECT_DOMAIN') return { kind: 'type', path, column: null, change: 'drop', told };
    if (type === 'OBJECT_SCHEMA') return { kind: 'schema', path, column: null, change: 'drop', told };
    return rule(path, told, 'drop');
  });
}

/** The name of what is neither a relation nor in one. */
export function objectPath(object: Node): readonly string[] {
  const list = children(child(object, 'List'), 'items');
  if (list.length > 0) return nameParts(list);
  const routine = children(child(object, 'ObjectWithArgs'), 'objname');
  if (routine.length > 0) return nameParts(routine);
  const type = children(child(object, 'TypeName'), 'names');
  return type.length > 0 ? nameParts(type) : [textOf(child(object, 'String'), 'sval')];
}

/** The name of a relation. */
export function pathOf(rangeVar: Node): readonly string[] {
  const schema = textOf(rangeVar, 'schemaname');
  return [...(schema === '' ? [] : [schema]), textOf(rangeVar, 'relname')];
}

function altered(path: readonly string[], command: Node): readonly OldShape[] {
  const subtype = textOf(command, 'subtype');
  const name = textOf(command, 'name');
  const table = path.join('.');
  switch (subtype) {
    case 'AT_DropColumn':
      return [columnShape(path, name, 'drop')];
    case 'AT_SetNotNull':
      return [{ ...columnShape(path, name, 'narrow'), mustBeGiven: true }];
    case 'AT_AlterColumnType':
      return [columnShape(path, name, 'narrow')];
    case 'AT_DropConstraint':
      return [rule(path, `constraint ${name} of ${table}`, 'drop')];
    case 'AT_AddConstraint':
      return [rule(path, `a new constraint on ${table}`, 'narrow')];
    case 'AT_AddColumn':
      return [rule(path, `a column of ${table} that must be given`, 'narrow')];
    default:
      return [rule(path, `${subtype.replace('AT_', '')} of ${table}`, subtype.startsWith('AT_Drop') ? 'drop' : 'narrow')];
  }
}

/** What no query names. */
export const rule = (path: readonly string[], told: string, change: OldShape['change']): OldShape => ({
  kind: 'rule',
  path,
  column: null,
  change,
  told,
});

/** A column, as a statement or a declaration names it. */
export function columnShape(path: readonly string[], column: string, change: OldShape['change']): OldShape {
  const told = `${path.join('.')}.${column}`;
  return { kind: 'column', path, column, change, told: `${told}${AFTER[change]}` };
}

const AFTER: Readonly<Record<OldShape['change'], string>> = { drop: '', narrow: ' (narrower)', rename: ' (renamed)' };

/** A table or view, as a declaration names it. */
export function relationShape(path: readonly string[]): OldShape {
  return { kind: 'relation', path, column: null, change: 'drop', told: `table ${path.join('.')}` };
}

/** Can somebody be found who uses it, or leaves out what must be given? Of a constraint or a type the statements of others tell nothing. */
export function hasUsers({ kind, change, mustBeGiven }: OldShape): boolean {
  return mustBeGiven === true || (change !== 'narrow' && kind !== 'rule');
}

/** Do both mean the same thing? One of them may leave the schema out. */
export function isSameShape(one: OldShape, other: OldShape): boolean {
  return one.kind === other.kind && one.column === other.column && samePath(one.path, other.path);
}

/** Names of which one may leave the schema out. */
export function samePath(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length);
  return length > 0 && one.slice(-length).join('\0') === other.slice(-length).join('\0');
}
