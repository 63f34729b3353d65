import { defaultFits, isNarrow } from './default-fits.ts';
import { effect, type Effect, type Fresh } from './effect.ts';
import { columnKey, emptyColumns, keptByNull } from './empty-columns.ts';
import { mayFail, neverNull, SERIAL, typeName, unknownCall } from './expression-effect.ts';
import { child, children, isSet, relationName, restarts, textOf } from './tree.ts';
import type { Statement } from './types.ts';

type Node = Statement['node'];

/** Change how the table is stored or planned, not what a program sees. VALIDATE only checks what is enforced already. */
const UNSEEN = new Set([
  'AT_ValidateConstraint',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ClusterOn',
  'AT_SetLogged',
  'AT_SetTableSpace',
  'AT_SetAccessMethod',
]);

/** Seen by the old version, and a down file can take it back without loss. */
const SEEN: Readonly<Record<string, string>> = {
  AT_AddConstraint: 'a new constraint refuses rows the old version may write',
  AT_SetNotNull: 'SET NOT NULL refuses rows the old version may write',
  AT_DropNotNull: 'DROP NOT NULL lets rows in that the old version may not expect',
  AT_ColumnDefault: 'a changed default changes what the old version writes',
  AT_DropConstraint: 'a dropped constraint lets rows in that the old version may not expect',
  AT_AlterConstraint: 'a changed constraint changes what the old version may write',
  AT_AddIdentity: 'a changed default changes what the old version writes',
  AT_SetIdentity: 'a changed default changes what the old version writes',
  AT_EnableRowSecurity: 'row security hides rows from the old version',
  AT_ForceRowSecurity: 'row security hides rows from the old version',
  AT_DisableRowSecurity: 'row security no longer hides rows',
  AT_NoForceRowSecurity: 'row security no longer hides rows',
  AT_EnableTrig: 'a trigger changes what the old version writes',
  AT_DisableTrig: 'a trigger changes what the old version writes',
  AT_AttachPartition: 'the old version meets the rows of the partition',
  AT_DetachPartition: 'the old version no longer finds the rows of the partition',
  AT_ChangeOwner: 'a new owner may take a right the old version needs',
};

/** Any value goes into these and comes back as it was. */
const WIDEST = new Set(['text', 'varchar']);

/** Done to a new table, these are done to an old one: it becomes part of the new, or the new one part of it. */
const JOINS_TABLES = new Set(['AT_AttachPartition', 'AT_DetachPartition', 'AT_AddInherit', 'AT_DropInherit']);
const RANK: readonly Effect['kind'][] = ['additive', 'reversible', 'lossy', 'unknown'];

/** The worst effect of all commands of an ALTER TABLE (also of a view, an index, a composite type). */
export function alterTableEffect(node: Node, fresh: Fresh): Effect {
  const table = relationName(child(node, 'relation'));
  const commands = children(node, 'cmds').map((command) => child(command, 'AlterTableCmd'));
  if (fresh.has(table) && !commands.some((command) => JOINS_TABLES.has(textOf(command, 'subtype'))))
    return effect('additive', 'AlterTableStmt');
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE' && textOf(node, 'objtype') !== 'OBJECT_INDEX') {
    return effect('unknown', `ALTER ${textOf(node, 'objtype').replace('OBJECT_', '')} is not known to be compatible with the old version`);
  }
  // Columns come before constraints, whatever the order in which they are written.
  const empty = new Set([...fresh, ...emptyColumns({ kind: 'AlterTableStmt', node })]);
  return commands
    .map((command) => commandEffect(command, table, empty))
    .reduce((worst, next) => (RANK.indexOf(next.kind) > RANK.indexOf(worst.kind) ? next : worst), effect('additive', 'AlterTableStmt'));
}

function commandEffect(command: Node, table: string, empty: Fresh): Effect {
  const subtype = textOf(command, 'subtype');
  if (subtype === 'AT_AddConstraint' && keptByNull(child(child(command, 'def'), 'Constraint'), table, empty))
    return effect('additive', subtype);
  const seen = SEEN[subtype];
  if (subtype === 'AT_SetIdentity' && restarts(children(child(child(command, 'def'), 'List'), 'items')))
    return effect('lossy', `RESTART of ${table}.${textOf(command, 'name')} forgets where its sequence stood`);
  if (seen !== undefined) return effect('reversible', `${seen} (${table})`);
  if (UNSEEN.has(subtype)) return effect('additive', subtype);
  switch (subtype) {
    case 'AT_AddColumn':
      return addColumnEffect(child(child(command, 'def'), 'ColumnDef'), table);
    case 'AT_DropIdentity':
      return effect('lossy', `DROP IDENTITY of ${table}.${textOf(command, 'name')} forgets where its sequence stood`);
    case 'AT_ReplicaIdentity':
      return textOf(child(child(command, 'def'), 'ReplicaIdentityStmt'), 'identity_type') === 'n'
        ? effect('reversible', `without a replica identity, UPDATE and DELETE of ${table} fail in a publication`)
        : effect('additive', subtype);
    case 'AT_DropColumn':
      return effect('lossy', `DROP COLUMN ${table}.${textOf(command, 'name')} loses what was in it`);
    case 'AT_AlterColumnType':
      return typeEffect(child(child(command, 'def'), 'ColumnDef'), `${table}.${textOf(command, 'name')}`);
    default:
      return effect('unknown', `ALTER TABLE ${table} (${subtype.replace('AT_', '')}) is not known to be compatible with the old version`);
  }
}

/** Old writers leave a new column out: it must then take NULL or fill itself, and no rule may refuse what it got. */
function addColumnEffect(column: Node, table: string): Effect {
  const constraints = children(column, 'constraints').map((one) => child(one, 'Constraint'));
  const has: Has = (...kinds) => constraints.some((one) => kinds.includes(textOf(one, 'contype')));
  const named = `${table}.${textOf(column, 'colname')}`;
  const called = unknownCall(constraints);
  if (called !== null) return effect('unknown', `${called}(), which fills ${named}, is not known to be compatible with the old version`);
  if (has('CONSTR_NOTNULL', 'CONSTR_PRIMARY') && !isFilled(column, constraints))
    return effect(
      'reversible',
      `${named} is NOT NULL without a default that is certain to give a value, so the old version's INSERT fails`,
    );
  const refusal = fillRefused(column, constraints, named) ?? constraintRefuses(column, has, { named, table });
  if (refusal !== null) return effect('reversible', refusal);
  if (constraints.some((one) => isSet(one, 'nulls_not_distinct')))
    return effect('reversible', `${named} is NULL in the rows the old version writes, of which one is let in`);
  return effect('additive', 'AT_AddColumn');
}

type Has = (...kinds: readonly string[]) => boolean;

/** Why computing what fills the column, or storing it, may fail for a row the old version writes; null when it cannot. */
function fillRefused(column: Node, constraints: readonly Node[], named: string): string | null {
  const type = child(column, 'typeName');
  for (const one of constraints) {
    const [kind, filling] = [textOf(one, 'contype'), one['raw_expr']];
    if (kind === 'CONSTR_GENERATED' && (isNarrow(type) || mayFail(filling ?? null)))
      return `${named} is computed for every row the old version writes, which may fail`;
    if (kind === 'CONSTR_DEFAULT' && !defaultFits(type, filling))
      return `what ${named} is filled with is not certain to fit its type, and the old version's INSERT leaves it out`;
  }
  return null;
}

/** Why a constraint beside the column may refuse a row the old version writes; null when it cannot. */
function constraintRefuses(column: Node, has: Has, { named, table }: { readonly named: string; readonly table: string }): string | null {
  const computed = has('CONSTR_DEFAULT', 'CONSTR_GENERATED');
  const left = computed || numbersItself(column, has) ? [] : [columnKey(table, textOf(column, 'colname'))];
  const checks = children(column, 'constraints').map((one) => child(one, 'Constraint'));
  const kept = checks.every((one) => textOf(one, 'contype') !== 'CONSTR_CHECK' || keptByNull(one, table, new Set(left)));
  if (has('CONSTR_EXCLUSION') || !kept) return `the CHECK on ${named} may refuse rows the old version writes`;
  // Numbers of a sequence differ from each other, but need not be in another table.
  const refers = has('CONSTR_FOREIGN') && (computed || numbersItself(column, has));
  if (!refers && !(has('CONSTR_UNIQUE', 'CONSTR_PRIMARY') && computed)) return null;
  return `what ${named} is filled with may break its own constraint when the old version writes`;
}

function numbersItself(column: Node, has: Has): boolean {
  return has('CONSTR_IDENTITY') || SERIAL.test(typeName(child(column, 'typeName')));
}

/** Does the column certainly get a value that is not NULL when it is left out? */
function isFilled(column: Node, constraints: readonly Node[]): boolean {
  if (SERIAL.test(typeName(child(column, 'typeName')))) return true;
  return constraints.some((one) => {
    const kind = textOf(one, 'contype');
    return kind === 'CONSTR_IDENTITY' || (kind === 'CONSTR_DEFAULT' && neverNull(one['raw_expr']));
  });
}

function typeEffect(column: Node, named: string): Effect {
  const type = typeName(child(column, 'typeName'));
  const unlimited = children(child(column, 'typeName'), 'typmods').length === 0;
  if (WIDEST.has(type) && unlimited && column['raw_default'] === undefined) return effect('reversible', `${named} changes its type`);
  return effect('lossy', `${named} changes its type to ${type}, which may lose values`);
}
