import { child, children, findAll, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Dependant } from './dependant.ts';
import { quoted } from './fixes.ts';
import { mentioned } from './recognise-parts.ts';
import { beside, givenName, plainName, relationKey, type Schema } from './schema.ts';

type Node = Statement['node'];

/** The dependants of a statement that makes or changes something; only what is certain. */
export function dependantsOf({ kind, node }: Statement, schema: Schema): readonly Dependant[] {
  return MAKERS[kind]?.(node, schema) ?? [];
}

const MAKERS: Readonly<Record<string, (node: Node, schema: Schema) => readonly Dependant[]>> = {
  ViewStmt: (node, schema) => ofView(child(node, 'view'), child(node, 'query'), 'VIEW', schema),
  CreateTableAsStmt: (node, schema) =>
    textOf(node, 'objtype') === 'OBJECT_MATVIEW' && !isSet(node, 'if_not_exists')
      ? ofView(child(child(node, 'into'), 'rel'), child(node, 'query'), 'MATERIALIZED VIEW', schema)
      : [],
  CreateStmt: ofTable,
  AlterTableStmt: ofAlter,
  CreateTrigStmt: ofTrigger,
  CreateEnumStmt: (node) => content(plainName(nameParts(children(node, 'typeName')).join('.')), 'TYPE'),
  // With its owner it goes by itself.
  CreateSeqStmt: (node) =>
    isSet(node, 'if_not_exists') || findAll(node, ['DefElem']).some((one) => textOf(one.node, 'defname') === 'owned_by')
      ? []
      : content(relationKey(child(node, 'sequence')), 'SEQUENCE'),
};

/** What a schema is not empty of. */
function content(name: string, word: string): readonly Dependant[] {
  const schema = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : null;
  if (schema === null) return [];
  const told = `${word.toLowerCase()} ${name} is in it`;
  return [{ kind: 'schema', name: schema, as: 'content', owner: name, column: '', part: '', told, undo: `DROP ${word} ${quoted(name)}` }];
}

function ofView(view: Node, query: Node, word: string, schema: Schema): readonly Dependant[] {
  const name = relationKey(view);
  const local = new Set(findAll(query, ['CommonTableExpr']).map(({ node }) => textOf(node, 'ctename')));
  const reads = findAll(query, ['RangeVar']).map(({ node }) => relationKey(node));
  const about = {
    as: 'view',
    owner: name,
    column: '',
    part: '',
    told: `${word.toLowerCase()} ${name}`,
    undo: `DROP ${word} ${quoted(name)}`,
  } as const;
  const relations = [...new Set(reads)].filter((one) => !local.has(one) && one !== '');
  return [
    ...content(name, word),
    ...relations.map((one): Dependant => ({ kind: 'relation', name: one, ...about })),
    ...readColumns(query, reads, schema).map((one): Dependant => ({ kind: 'column', name: one, ...about })),
  ];
}

/** The columns a query of one relation names for certain: in what it answers, and in its WHERE. */
function readColumns(query: Node, reads: readonly string[], schema: Schema): readonly string[] {
  const select = child(query, 'SelectStmt');
  const [from, more] = children(select, 'fromClause');
  const [relation = ''] = reads;
  if (reads.length !== 1 || more !== undefined || from?.['RangeVar'] === undefined || select['withClause'] !== undefined) return [];
  const table = schema.tables.get(relation);
  // What a table made elsewhere, or a view, has for columns is not known by all their names.
  if (table?.whole !== true) return [];
  const targets = children(select, 'targetList').map((one) => child(child(one, 'ResTarget'), 'val'));
  const all = targets.some(isStar);
  const named = new Set([...targets.flatMap((one) => mentioned(one)), ...mentioned(select['whereClause'] ?? null)]);
  return [...table.columns.keys()].filter((one) => all || named.has(one)).map((one) => `${relation}.${one}`);
}

function isStar(target: Node): boolean {
  return children(child(target, 'ColumnRef'), 'fields').at(-1)?.['A_Star'] !== undefined;
}

interface Table {
  readonly name: string;
  readonly schema: Schema;
}

function ofTable(node: Node, schema: Schema): readonly Dependant[] {
  // A table of that name that was there before may look otherwise.
  if (isSet(node, 'if_not_exists')) return [];
  const table = { name: relationKey(child(node, 'relation')), schema };
  const parents = node['partbound'] === undefined ? children(node, 'inhRelations').map((one) => relationKey(child(one, 'RangeVar'))) : [];
  const drop = `DROP TABLE ${quoted(table.name)}`;
  return [
    ...content(table.name, 'TABLE'),
    ...parents.map((one): Dependant => ({
      kind: 'relation',
      name: one,
      as: 'heir',
      owner: table.name,
      column: '',
      part: '',
      told: `table ${table.name}, which inherits from it,`,
      undo: drop,
    })),
    ...children(node, 'tableElts').flatMap((one) => [
      ...ofColumn(child(one, 'ColumnDef'), table),
      ...ofConstraint(child(one, 'Constraint'), table, []),
    ]),
  ];
}

function ofAlter(node: Node, schema: Schema): readonly Dependant[] {
  if (textOf(node, 'objtype') !== 'OBJECT_TABLE') return [];
  const table = { name: relationKey(child(node, 'relation')), schema };
  return children(node, 'cmds').flatMap((one) => {
    const command = child(one, 'AlterTableCmd');
    const definition = child(child(command, 'def'), 'ColumnDef');
    switch (textOf(command, 'subtype')) {
      case 'AT_AddColumn':
        return isSet(command, 'missing_ok') ? [] : ofColumn(definition, table);
      case 'AT_AddConstraint':
        return ofConstraint(child(child(command, 'def'), 'Constraint'), table, []);
      case 'AT_AlterColumnType':
        return typeOf(definition, table, textOf(command, 'name'));
      case 'AT_ColumnDefault':
        return defaultOf(child(command, 'def'), table, textOf(command, 'name'));
      default:
        return [];
    }
  });
}

function ofColumn(definition: Node, table: Table): readonly Dependant[] {
  const column = textOf(definition, 'colname');
  if (column === '') return [];
  const constraints = children(definition, 'constraints').map((one) => child(one, 'Constraint'));
  return [
    ...typeOf(definition, table, column),
    ...constraints.flatMap((one) => ofConstraint(one, table, [column])),
    ...constraints.flatMap((one) => (textOf(one, 'contype') === 'CONSTR_DEFAULT' ? defaultOf(child(one, 'raw_expr'), table, column) : [])),
    ...constraints.flatMap((one) => (textOf(one, 'contype') === 'CONSTR_GENERATED' ? generatedFrom(one, table, column) : [])),
  ];
}

/** Nobody drops PostgreSQL's own types, of which most columns are. */
function typeOf(definition: Node, { name, schema }: Table, column: string): readonly Dependant[] {
  const type = plainName(nameParts(children(child(definition, 'typeName'), 'names')).join('.'));
  if (!schema.enums.has(type) && !schema.domains.has(type)) return [];
  const at = `${quoted(name)} DROP COLUMN ${quoted(column)}`;
  return [
    { kind: 'type', name: type, as: 'type', owner: name, column, part: '', told: `column ${name}.${column}`, undo: `ALTER TABLE ${at}` },
  ];
}

function generatedFrom(constraint: Node, { name }: Table, column: string): readonly Dependant[] {
  return mentioned(constraint['raw_expr'] ?? null).map((one) => ({
    kind: 'column',
    name: `${name}.${one}`,
    as: 'default',
    owner: name,
    column,
    part: '',
    told: `the generated column ${name}.${column}`,
    undo: `ALTER TABLE ${quoted(name)} DROP COLUMN ${quoted(column)}`,
  }));
}

const PLAIN_NAME = /^[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)?$/;

/** What `nextval('name')` and a value of an enum need: the latter also when the column has another type by then. */
function defaultOf(expression: Node, table: Table, column: string): readonly Dependant[] {
  const undo = `ALTER TABLE ${quoted(table.name)} ALTER COLUMN ${quoted(column)} DROP DEFAULT`;
  const about = { as: 'default', owner: table.name, column, part: '', told: `the default of ${table.name}.${column}`, undo } as const;
  const type = plainName(table.schema.tables.get(table.name)?.columns.get(column)?.type?.base ?? '');
  const isText = child(expression, 'A_Const')['sval'] !== undefined;
  if (isText && table.schema.enums.has(type)) return [{ kind: 'type', name: type, ...about }];
  const sequence = sequenceIn(expression);
  return sequence === null ? [] : [{ kind: 'relation', name: sequence, ...about }];
}

/** A text that is cast to text first is looked up only when it runs. */
function sequenceIn(expression: Node): string | null {
  const call = child(expression, 'FuncCall');
  if (nameParts(children(call, 'funcname')).at(-1) !== 'nextval') return null;
  const argument = children(call, 'args')[0] ?? {};
  const cast = child(argument, 'TypeCast');
  const regclass = nameParts(children(child(cast, 'typeName'), 'names')).at(-1) === 'regclass';
  const sequence = textOf(child(child(regclass ? child(cast, 'arg') : argument, 'A_Const'), 'sval'), 'sval');
  return PLAIN_NAME.test(sequence) ? plainName(sequence) : null;
}

const OF_INDEX: Readonly<Record<string, string>> = { CONSTR_UNIQUE: 'key', CONSTR_PRIMARY: 'pkey', CONSTR_EXCLUSION: 'excl' };

/** Of a foreign key, what it references; of a key, its index. */
function ofConstraint(node: Node, table: Table, own: readonly string[]): readonly Dependant[] {
  const kind = textOf(node, 'contype');
  if (kind === 'CONSTR_FOREIGN') return ofForeignKey(node, table, own);
  const suffix = OF_INDEX[kind];
  if (suffix === undefined) return [];
  const name = nameOfKey(node, table, own, suffix);
  if (name === null) return [];
  const index = beside(table.name, name);
  const undo = `ALTER TABLE ${quoted(table.name)} DROP CONSTRAINT ${quoted(name)}`;
  const told = `constraint ${name} of ${table.name}`;
  return [{ kind: 'index', name: index, as: 'constraint', owner: table.name, column: '', part: name, told, undo }];
}

const LONGEST_NAME = 63;

/** The name of a key and its index; null where PostgreSQL may have given another than it seems: where that is taken, or too long. */
// oxlint-disable-next-line max-params -- what ofConstraint found out
function nameOfKey(node: Node, { name: table, schema }: Table, own: readonly string[], suffix: string): string | null {
  const written = textOf(node, 'conname') || textOf(node, 'indexname');
  if (written !== '') return written;
  const listed = nameParts(children(node, 'keys'));
  const given = givenName(table, listed.length > 0 ? listed : own, suffix);
  const taken = schema.indexes.has(beside(table, given));
  return taken || given.length > LONGEST_NAME || suffix === 'excl' ? null : given;
}

function ofForeignKey(node: Node, table: Table, own: readonly string[]): readonly Dependant[] {
  const to = relationKey(child(node, 'pktable'));
  const columns = own.length > 0 ? own : nameParts(children(node, 'fk_attrs'));
  const name = textOf(node, 'conname') || givenName(table.name, columns, 'fkey');
  const written = nameParts(children(node, 'pk_attrs'));
  const primary = [...(table.schema.tables.get(to)?.constraints.values() ?? [])].find((one) => one.kind === 'primary');
  const keys = written.length > 0 ? written : (primary?.columns ?? []);
  const about = {
    as: 'key',
    owner: table.name,
    column: '',
    part: name,
    told: `foreign key ${name} of ${table.name}`,
    undo: `ALTER TABLE ${quoted(table.name)} DROP CONSTRAINT ${quoted(name)}`,
  } as const;
  return [{ kind: 'relation', name: to, ...about }, ...keys.map((one): Dependant => ({ kind: 'column', name: `${to}.${one}`, ...about }))];
}

function ofTrigger(node: Node): readonly Dependant[] {
  const owner = relationKey(child(node, 'relation'));
  const part = textOf(node, 'trigname');
  const name = plainName(nameParts(children(node, 'funcname')).join('.'));
  const undo = `DROP TRIGGER ${quoted(part)} ON ${quoted(owner)}`;
  return [{ kind: 'function', name, as: 'trigger', owner, column: '', part, told: `trigger ${part} of ${owner}`, undo }];
}
