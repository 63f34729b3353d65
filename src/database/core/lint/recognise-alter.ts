import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { FormName } from './measured-facts.ts';
import { attach, detach } from './recognise-partition.ts';
import { action, located } from './recognise-parts.ts';
import { childrenOf, dropNeighbours } from './recognise-references.ts';
import { isCheckedDomain, knownPresent, perhapsPresent, plainName, relationKey, type Column, type Schema } from './schema.ts';
import { changeType, type AlteredTable as Table } from './recognise-type.ts';
import type { Action, LintOptions } from './types.ts';

type Node = Statement['node'];

/** The actions of an ALTER TABLE (or ALTER INDEX, SEQUENCE, VIEW), one or more for each command. */
export function alterActions(node: Node, schema: Schema, options: LintOptions): readonly Action[] {
  const relation = child(node, 'relation');
  const name = relationKey(relation);
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  switch (textOf(node, 'objtype')) {
    case 'OBJECT_TABLE':
    case 'OBJECT_MATVIEW':
      return commands.flatMap((command) => commandActions(command, { name, schema, options, dropped: droppedBy(commands) }));
    case 'OBJECT_INDEX':
      if (commands.some((one) => textOf(one, 'subtype') === 'AT_SetTableSpace'))
        return [action('set index tablespace', { an_index: name }, node, located(relation))];
      return [action('set index options', { an_index: name }, node, located(relation))];
    case 'OBJECT_SEQUENCE':
      return [action('alter sequence', { a_sequence: name }, node, located(relation))];
    default:
      return [];
  }
}

/** Constraints that go. PostgreSQL drops them before it does anything else, wherever in the statement that is written. */
function droppedBy(commands: readonly Node[]): ReadonlySet<string> {
  return new Set(commands.filter((one) => textOf(one, 'subtype') === 'AT_DropConstraint').map((one) => textOf(one, 'name')));
}

const SIMPLE: Readonly<Record<string, FormName>> = {
  AT_DropNotNull: 'drop not null',
  AT_SetStatistics: 'set statistics',
  AT_SetStorage: 'set storage',
  AT_SetCompression: 'set compression',
  AT_SetOptions: 'set column options',
  AT_ResetOptions: 'set column options',
  AT_AddIdentity: 'add identity',
  AT_SetIdentity: 'set identity',
  AT_DropIdentity: 'drop identity',
  AT_DropExpression: 'drop expression',
  AT_AlterConstraint: 'alter constraint',
  AT_SetRelOptions: 'set options',
  AT_ResetRelOptions: 'set options',
  AT_SetLogged: 'set logged',
  AT_SetUnLogged: 'set logged',
  AT_SetTableSpace: 'set tablespace',
  AT_SetAccessMethod: 'set access method',
  AT_ClusterOn: 'cluster on',
  AT_DropCluster: 'cluster on',
  AT_ReplicaIdentity: 'replica identity',
  AT_ChangeOwner: 'owner',
  AT_EnableRowSecurity: 'row security',
  AT_DisableRowSecurity: 'row security',
  AT_ForceRowSecurity: 'row security',
  AT_NoForceRowSecurity: 'row security',
  AT_EnableTrig: 'switch trigger',
  AT_EnableAlwaysTrig: 'switch trigger',
  AT_EnableReplicaTrig: 'switch trigger',
  AT_DisableTrig: 'switch trigger',
  AT_EnableTrigAll: 'switch trigger',
  AT_DisableTrigAll: 'switch trigger',
  AT_EnableTrigUser: 'switch trigger',
  AT_DisableTrigUser: 'switch trigger',
  AT_EnableRule: 'switch rule',
  AT_EnableAlwaysRule: 'switch rule',
  AT_EnableReplicaRule: 'switch rule',
  AT_DisableRule: 'switch rule',
};

function commandActions(command: Node, table: Table): readonly Action[] {
  const subtype = textOf(command, 'subtype');
  const target = { target: table.name };
  const column = textOf(command, 'name');
  const simple = SIMPLE[subtype];
  if (simple !== undefined) return [action(simple, target, command, undefined, { column })];
  switch (subtype) {
    case 'AT_DropColumn':
      return [
        action('drop column', target, command, undefined, { column }),
        ...dropNeighbours({ schema: table.schema, table: table.name }, column, command, isCascade(command)),
      ];
    case 'AT_AddColumn':
      return addColumn(child(child(command, 'def'), 'ColumnDef'), table);
    case 'AT_AddConstraint':
      return addConstraint(child(child(command, 'def'), 'Constraint'), table);
    case 'AT_AlterColumnType':
      return changeType(command, column, table);
    case 'AT_SetNotNull':
      return [setNotNull(command, column, table)];
    case 'AT_SetExpression':
      return [action(expressionForm(table.schema.tables.get(table.name)?.columns.get(column)), target, command, undefined, { column })];
    case 'AT_ColumnDefault':
      return [action(command['def'] === undefined ? 'drop default' : 'set default', target, command, undefined, { column })];
    case 'AT_ValidateConstraint':
      return [validate(command, column, table)];
    case 'AT_DropConstraint':
      return dropConstraint(command, column, table);
    default:
      return partition(subtype, command, table);
  }
}

/** One that is computed when it is read is only checked anew, where it promises something. */
function expressionForm(column: Column | undefined): FormName {
  if (column?.virtual !== true) return 'set expression';
  return column.notNull ? 'set expression virtual required' : 'set expression virtual';
}

function setNotNull(command: Node, column: string, table: Table): Action {
  const form = isPresent(column, table) ? 'set not null checked' : 'set not null';
  const unsure = form === 'set not null' && perhapsPresent(table.schema, table.name, column) ? { unsure: 'validated' } : {};
  return action(form, { target: table.name }, command, undefined, { column, ...unsure });
}

function isPresent(column: string, { schema, name, dropped }: Table): boolean {
  return knownPresent(schema, name, column, dropped);
}

const isCascade = (command: Node): boolean => textOf(command, 'behavior') === 'DROP_CASCADE';

function partition(subtype: string, command: Node, { name, schema }: Table): readonly Action[] {
  const part = child(child(command, 'def'), 'PartitionCmd');
  const roles = { parent: name, partition: relationKey(child(part, 'name')) };
  switch (subtype) {
    case 'AT_AttachPartition':
      return attach(command, roles, schema);
    case 'AT_DetachPartition':
      return detach(command, roles, schema);
    case 'AT_AddInherit':
      return [action('inherit', { child: name, target: relationKey(child(child(command, 'def'), 'RangeVar')) }, command)];
    case 'AT_DropInherit':
      return [action('no inherit', { child: name, target: relationKey(child(child(command, 'def'), 'RangeVar')) }, command)];
    default:
      return [action(null, { target: name }, command)];
  }
}

/** A column may be dear for several reasons at once: its type, its default, its constraints. */
function addColumn(column: Node, table: Table): readonly Action[] {
  const name = textOf(column, 'colname');
  const constraints = children(column, 'constraints').map((one) => child(one, 'Constraint'));
  const make = (form: FormName, node: Node, more: { readonly roles?: Action['roles']; readonly unsure?: string } = {}): Action =>
    action(form, { target: table.name, ...more.roles }, node, located(node) ?? located(column), {
      column: name,
      ...(more.unsure === undefined ? {} : { unsure: more.unsure }),
    });
  const found = constraints.flatMap((one) => {
    if (textOf(one, 'contype') === 'CONSTR_DEFAULT') {
      const { form, unsure } = defaultForm(one, table.schema);
      return [make(form, one, unsure ? { unsure: 'volatile' } : {})];
    }
    const form = columnConstraintForm(one, constraints);
    const roles = textOf(one, 'contype') === 'CONSTR_FOREIGN' ? { referenced: relationKey(child(one, 'pktable')) } : {};
    return form === null ? [] : [make(form, one, { roles })];
  });
  const type = plainName(nameParts(children(child(column, 'typeName'), 'names')).join('.'));
  const required = constraints.find((one) => ['CONSTR_NOTNULL', 'CONSTR_PRIMARY'].includes(textOf(one, 'contype')));
  if (required !== undefined && !SERIAL.test(type) && !constraints.some(fills)) found.push(make('add column required', required));
  if (SERIAL.test(type)) found.push(make('add column serial', column));
  else if (isCheckedDomain(type, table.schema)) found.push(make('add column domain checked', column));
  return found.length === 0 ? [make('add column', column)] : found;
}

/** What gives a new column a value in every row. */
const FILLS: ReadonlySet<string> = new Set(['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY']);

/** DEFAULT NULL is none. */
function fills(constraint: Node): boolean {
  return FILLS.has(textOf(constraint, 'contype')) && child(child(constraint, 'raw_expr'), 'A_Const')['isnull'] !== true;
}

const SERIAL = /^(?:small|big)?serial[248]?$/;

function columnConstraintForm(one: Node, all: readonly Node[]): FormName | null {
  switch (textOf(one, 'contype')) {
    case 'CONSTR_GENERATED':
      if (textOf(one, 'generated_kind') !== 'v') return 'add column generated stored';
      return all.some((other) => textOf(other, 'contype') === 'CONSTR_NOTNULL')
        ? 'add column generated virtual required'
        : 'add column generated virtual';
    case 'CONSTR_IDENTITY':
      return 'add column identity';
    case 'CONSTR_CHECK':
      return 'add column check';
    case 'CONSTR_UNIQUE':
      return 'add column unique';
    case 'CONSTR_PRIMARY':
      return 'add column primary key';
    case 'CONSTR_FOREIGN':
      return all.some((other) => textOf(other, 'contype') === 'CONSTR_DEFAULT') ? 'add column references default' : 'add column references';
    default:
      return null;
  }
}

/** Read once for all rows: PostgreSQL's functions that do not change within a statement. Everything else is taken for volatile. */
const STABLE = new Set(
  `now transaction_timestamp statement_timestamp current_setting current_database current_schema current_user timezone to_char date_trunc
   age make_interval make_date to_timestamp concat coalesce lower upper md5 length abs floor ceil round array_fill json_build_object
   jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb nullif greatest least extract date_part encode decode sha256
   substr substring replace trim btrim version txid_current pg_current_xact_id pg_backend_pid pi point hashtext uuid_nil inet_client_addr
   array_append jsonb_object json_object current_schemas session_user left right lpad rpad format to_number make_timestamptz make_timestamp
   make_time int4range int8range numrange tsrange tstzrange daterange string_to_array to_date`.split(/\s+/),
);

/** Computed anew for each row. */
const VOLATILE = new Set(
  `random random_normal gen_random_uuid gen_random_bytes clock_timestamp timeofday nextval setval uuid_generate_v1 uuid_generate_v1mc
   uuid_generate_v4 uuidv4 uuidv7 currval lastval gen_salt lo_create pg_relation_size pg_total_relation_size set_config pg_sleep`.split(
    /\s+/,
  ),
);

interface Default {
  readonly form: FormName;
  /** A function in it is nobody's that is known. */
  readonly unsure: boolean;
}

function defaultForm(one: Node, schema: Schema): Default {
  const calls = findAll(one, ['FuncCall']).map(({ node }) => stability(nameParts(children(node, 'funcname')), schema));
  if (calls.includes('volatile')) return { form: 'add column default volatile', unsure: false };
  if (calls.includes('unknown')) return { form: 'add column default volatile', unsure: true };
  const stable = calls.length > 0 || findAll(one, ['SQLValueFunction']).length > 0;
  return { form: stable ? 'add column default stable' : 'add column default constant', unsure: false };
}

function stability(parts: readonly string[], schema: Schema): 'stable' | 'volatile' | 'unknown' {
  const name = parts.at(-1) ?? '';
  const own = parts.length < 2 || parts[0] === 'pg_catalog';
  const made = schema.functions.get(plainName(parts.join('.')))?.stable ?? null;
  if (made !== null) return made ? 'stable' : 'volatile';
  if (own && STABLE.has(name)) return 'stable';
  // Extensions that make ids may live in any schema.
  return VOLATILE.has(name) ? 'volatile' : 'unknown';
}

const CONSTRAINTS: Readonly<Record<string, readonly [valid: FormName, notValid: FormName]>> = {
  CONSTR_CHECK: ['add check', 'add check not valid'],
  CONSTR_FOREIGN: ['add foreign key', 'add foreign key not valid'],
  CONSTR_NOTNULL: ['add not null', 'add not null not valid'],
  CONSTR_UNIQUE: ['add unique', 'add unique using index'],
  CONSTR_EXCLUSION: ['add exclude', 'add exclude'],
};

function addConstraint(one: Node, table: Table): readonly Action[] {
  const kind = textOf(one, 'contype');
  const foreign = kind === 'CONSTR_FOREIGN' ? { referenced: relationKey(child(one, 'pktable')) } : {};
  const columns = nameParts(children(one, kind === 'CONSTR_FOREIGN' ? 'fk_attrs' : 'keys'));
  const detail = { constraint: textOf(one, 'conname'), columns };
  const roles = { target: table.name, ...foreign };
  if (kind === 'CONSTR_PRIMARY') return [primaryKey(one, columns, table)];
  const forms = CONSTRAINTS[kind];
  if (forms === undefined) return [action(null, roles, one, located(one), detail)];
  const cheap = isSet(one, 'skip_validation') || textOf(one, 'indexname') !== '';
  return [action(forms[cheap ? 1 : 0], roles, one, located(one), detail)];
}

function primaryKey(one: Node, keys: readonly string[], table: Table): Action {
  const { name, schema } = table;
  const index = textOf(one, 'indexname');
  const columns = index === '' ? keys : (schema.indexes.get(index)?.columns ?? []);
  const detail = { constraint: textOf(one, 'conname'), columns };
  if (index === '') return action('add primary key', { target: name }, one, located(one), detail);
  if (columns.length > 0 && columns.every((column) => isPresent(column, table)))
    return action('add primary key using index', { target: name }, one, located(one), detail);
  const nullable = columns.filter((column) => schema.tables.get(name)?.columns.get(column)?.notNull === false);
  // Whether the columns may be NULL decides; where that is not known, it is said.
  return nullable.length > 0
    ? action('add primary key using index nullable', { target: name }, one, located(one), { ...detail, columns: nullable })
    : action('add primary key using index', { target: name }, one, located(one), { ...detail, unsure: 'nullable' });
}

function validate(command: Node, constraint: string, { name, schema }: Table): Action {
  const known = schema.tables.get(name)?.constraints.get(constraint);
  if (known?.kind === 'foreign' && known.referenced !== null)
    return action('validate foreign key', { target: name, referenced: known.referenced }, command, undefined, { constraint });
  return action('validate check', { target: name }, command, undefined, { constraint });
}

function dropConstraint(command: Node, constraint: string, { name, schema }: Table): readonly Action[] {
  const known = schema.tables.get(name)?.constraints.get(constraint);
  if (known?.kind === 'foreign' && known.referenced !== null)
    return [action('drop foreign key', { target: name, referenced: known.referenced }, command, undefined, { constraint })];
  if (known?.kind !== 'unique' && known?.kind !== 'primary')
    return [action('drop check', { target: name }, command, undefined, { constraint })];
  const children = isCascade(command) ? known.columns.flatMap((column) => childrenOf({ schema, table: name }, column)) : [];
  return [
    action('drop unique', { target: name }, command, undefined, { constraint }),
    ...[...new Set(children)].map((one) => action('drop key referenced', { child: one }, command, undefined, { constraint })),
  ];
}
