import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { newColumnFix, quoted, sql } from './fixes.ts';
import { isFresh } from './impact.ts';
import { placed } from './recognise-parts.ts';
import type { RuleId } from './rules.ts';
import { plainName, relationKey } from './schema.ts';
import type { Action, Context, Draft } from './types.ts';

type Node = Statement['node'];

/** What the version that serves would notice, and what may be lost. */
export function checkOldVersion(context: Context): readonly Draft[] {
  const { statement } = context;
  return [
    ...context.impacts.flatMap(({ action }) => ofAction(action, context)),
    ...(STATEMENTS[statement.kind]?.(statement.node, context) ?? []),
    ...looksRenamed(context),
  ];
}

const NOTICED: Readonly<Record<string, readonly [RuleId, (table: string, column: string) => string, string?]>> = {
  'drop column': ['drop-column', (table, column) => `${table}.${column} is dropped: release a version that does not use it first`],
  'drop not null': ['drop-not-null', (table, column) => `${table}.${column} may be NULL from now on`],
  'drop default': ['drop-default', (table, column) => `${table}.${column} has no default any more`],
  'set default': ['set-default', (table, column) => `the default of ${table}.${column} changes`],
  'set not null': ['new-constraint', (table, column) => `${table}.${column} refuses NULL from now on`],
  'set not null checked': ['new-constraint', (table, column) => `${table}.${column} refuses NULL from now on`],
  'add check': ['new-constraint', (table) => `a new CHECK of ${table} may refuse rows`],
  'add check not valid': ['new-constraint', (table) => `a new CHECK of ${table} may refuse rows`],
  'add unique': ['new-constraint', (table) => `a new UNIQUE of ${table} may refuse rows`],
  'add foreign key': ['new-constraint', (table) => `a new foreign key of ${table} may refuse rows`],
  'add foreign key not valid': ['new-constraint', (table) => `a new foreign key of ${table} may refuse rows`],
  'rename table': ['rename-table', (table) => `${table} is renamed`],
  'set schema': ['set-schema', (table) => `${table} moves to another schema`],
  'rename column': ['rename-column', (table) => `a column of ${table} is renamed`],
};

function ofAction(action: Action, context: Context): readonly Draft[] {
  const table = action.roles['target'];
  if (action.form === null || table === undefined || isFresh(table, context.schema, context.file)) return [];
  const column = action.detail?.column ?? textOf(action.node, 'subname');
  const about: About = { action, table, column, place: placed(action.at, table) };
  return [
    ...notices(about, context),
    ...typeFindings(about, context),
    ...(action.form.startsWith('add column') ? requiredColumn(context.statement.node, table, column) : []),
    ...lostKey(about, context),
  ];
}

interface About {
  readonly action: Action;
  readonly table: string;
  readonly column: string;
  readonly place: Pick<Draft, 'at' | 'relation'>;
}

function notices({ action: { form, node }, table, column, place }: About, context: Context): readonly Draft[] {
  const noticed = NOTICED[form ?? ''];
  if (noticed === undefined || isNewColumn(table, column, context)) return [];
  const [rule, message] = noticed;
  const fix = form === 'rename column' || form === 'rename table' ? { fix: renameFix(form, table, node) } : {};
  return [{ rule, message: message(table, column), ...place, ...fix }];
}

function typeFindings({ action: { detail }, table, column, place }: About, context: Context): readonly Draft[] {
  const type = detail?.type;
  if (type === undefined) return [];
  const narrower = {
    rule: 'narrower-type',
    message: `${table}.${column}: ${type.from ?? '?'} to ${type.to} may not hold every value`,
    ...place,
    fix: newColumnFix(table, column, type.to),
  } as const;
  return [...(type.narrows ? [narrower] : []), ...viewed(table, column, context)];
}

function lostKey({ action: { form, detail }, table, place }: About, { schema, statement }: Context): readonly Draft[] {
  const constraint = schema.tables.get(table)?.constraints.get(detail?.constraint ?? '');
  if (form !== 'drop unique' || constraint?.kind !== 'primary' || addsKey(statement.node)) return [];
  return [{ rule: 'drop-primary-key', message: `${table} loses its primary key`, ...place }];
}

/** Does the same ALTER TABLE bring another primary key? */
function addsKey(node: Node): boolean {
  return children(node, 'cmds').some(
    (one) => textOf(child(child(child(one, 'AlterTableCmd'), 'def'), 'Constraint'), 'contype') === 'CONSTR_PRIMARY',
  );
}

/** A column that this same file added is nobody's yet. */
function isNewColumn(table: string, column: string, { schema, file }: Context): boolean {
  return schema.tables.get(table)?.columns.get(column)?.file === file.index;
}

function renameFix(form: 'rename column' | 'rename table', table: string, node: Node): string {
  const [before, after] = [textOf(node, 'subname'), textOf(node, 'newname')];
  if (form === 'rename column') return newColumnFix(table, before, 'TYPE').replaceAll(`${before}_new`, after);
  return sql(
    `ALTER TABLE ${quoted(table)} RENAME TO ${quoted(after)}`,
    '-- in the same transaction, so that the old version finds it by its old name:',
    `CREATE VIEW ${quoted(table)} AS SELECT * FROM ${quoted(after)}`,
  );
}

/** Views that show the column: for certain where the catalog says so, perhaps where only their text is known. */
function viewed(table: string, column: string, { schema }: Context): readonly Draft[] {
  const reading = [...schema.views].filter(([, { reads }]) => reads.includes(table));
  const certain = reading.filter(([, { columns }]) => columns?.has(`${table}.${column}`) === true).map(([name]) => name);
  const perhaps = reading
    .filter(([, { columns, mentions }]) => columns === null && (mentions === null || mentions.includes(column)))
    .map(([name]) => name);
  const fix = (views: readonly string[]): string =>
    sql(...views.map((view) => `DROP VIEW ${quoted(view)}`), '-- change the type, then create them again');
  return [
    ...(certain.length === 0
      ? []
      : [
          {
            rule: 'type-of-viewed-column',
            message: `${certain.join(', ')} reads ${table}.${column}, so PostgreSQL refuses the change`,
            relation: table,
            fix: fix(certain),
          } as const,
        ]),
    ...(perhaps.length === 0
      ? []
      : [
          {
            rule: 'type-of-viewed-column',
            message: `${perhaps.join(', ')} reads ${table}: if it shows ${column}, PostgreSQL refuses the change`,
            relation: table,
            certainty: 'unknown',
            severity: 'warning',
            fix: fix(perhaps),
          } as const,
        ]),
  ];
}

/** The column of an ADD COLUMN that must have a value and gets none. */
function requiredColumn(node: Node, table: string, column: string): readonly Draft[] {
  const definition = children(node, 'cmds')
    .map((one) => child(child(child(one, 'AlterTableCmd'), 'def'), 'ColumnDef'))
    .find((one) => textOf(one, 'colname') === column);
  if (definition === undefined) return [];
  const kinds = children(definition, 'constraints').map((one) => textOf(child(one, 'Constraint'), 'contype'));
  const filled = kinds.some((kind) => ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(kind));
  const serial = /serial/.test(nameParts(children(child(definition, 'typeName'), 'names')).at(-1) ?? '');
  if (filled || serial || !kinds.some((kind) => kind === 'CONSTR_NOTNULL' || kind === 'CONSTR_PRIMARY')) return [];
  return [
    {
      rule: 'required-column',
      message: `${table}.${column} is NOT NULL without a default: it fails when ${table} has rows, and old writers fail afterwards`,
      relation: table,
      fix: sql(
        `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} TYPE`,
        '-- write it from the next version on, fill the old rows in batches, then SET NOT NULL by way of a CHECK',
      ),
    },
  ];
}

const STATEMENTS: Readonly<Record<string, (node: Node, context: Context) => readonly Draft[]>> = {
  DropStmt: dropped,
  DropdbStmt: (node) => [{ rule: 'drop-database', message: `database ${textOf(node, 'dbname')} is dropped` }],
  RenameStmt: renamed,
  AlterEnumStmt: (node) =>
    textOf(node, 'oldVal') === ''
      ? []
      : [{ rule: 'rename-value', message: `'${textOf(node, 'oldVal')}' is called '${textOf(node, 'newVal')}' from now on` }],
  AlterTableStmt: (node) =>
    children(node, 'cmds')
      .filter((one) => textOf(child(one, 'AlterTableCmd'), 'behavior') === 'DROP_CASCADE')
      .map(
        (one) =>
          ({
            rule: 'drop-cascade',
            message: `${textOf(child(one, 'AlterTableCmd'), 'name')} is dropped with whatever depends on it`,
            relation: relationKey(child(node, 'relation')),
          }) as const,
      ),
};

const DROPS: Readonly<Record<string, RuleId>> = {
  OBJECT_TABLE: 'drop-table',
  OBJECT_FOREIGN_TABLE: 'drop-table',
  OBJECT_VIEW: 'drop-view',
  OBJECT_MATVIEW: 'drop-view',
  OBJECT_SCHEMA: 'drop-schema',
  OBJECT_TRIGGER: 'drop-trigger',
  OBJECT_TYPE: 'drop-object',
  OBJECT_DOMAIN: 'drop-object',
  OBJECT_FUNCTION: 'drop-object',
  OBJECT_PROCEDURE: 'drop-object',
  OBJECT_SEQUENCE: 'drop-object',
};

function dropped(node: Node, { schema, file }: Context): readonly Draft[] {
  const what = textOf(node, 'removeType');
  const rule = DROPS[what];
  const word = what.replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replaceAll('_', ' ');
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  return children(node, 'objects').flatMap((one) => {
    const name = plainName(nameOf(one));
    if (isFresh(name, schema, file)) return [];
    return [
      ...(rule === undefined ? [] : [{ rule, message: `${word.toLowerCase()} ${name} is dropped`, relation: name } as const]),
      ...(cascade
        ? [
            {
              rule: 'drop-cascade',
              message: `${word.toLowerCase()} ${name} is dropped with whatever depends on it`,
              relation: name,
            } as const,
          ]
        : []),
    ];
  });
}

/** A bare word, a type's name, a function's with its arguments, or a list of parts. */
function nameOf(object: Node): string {
  if (object['String'] !== undefined) return textOf(child(object, 'String'), 'sval');
  if (object['TypeName'] !== undefined) return nameParts(children(child(object, 'TypeName'), 'names')).join('.');
  if (object['ObjectWithArgs'] !== undefined) return nameParts(children(child(object, 'ObjectWithArgs'), 'objname')).join('.');
  return nameParts(children(child(object, 'List'), 'items')).join('.');
}

function renamed(node: Node): readonly Draft[] {
  const relation = relationKey(child(node, 'relation'));
  switch (textOf(node, 'renameType')) {
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
      return [{ rule: 'rename-table', message: `view ${relation} is renamed`, relation }];
    case 'OBJECT_SCHEMA':
      return [{ rule: 'set-schema', message: `schema ${textOf(node, 'subname')} is renamed, with everything in it` }];
    default:
      return [];
  }
}

/** A column dropped and one added to the same table in one ALTER TABLE or one right after the other. */
function looksRenamed({ statement, earlier }: Context): readonly Draft[] {
  const mine = changes(statement);
  const before = earlier.at(-1)?.placed.statement;
  const theirs = before === undefined || changes(before).table !== mine.table ? NOTHING : changes(before);
  const dropped = [...theirs.dropped, ...mine.dropped];
  const added = [...theirs.added, ...mine.added];
  const [from, to] = [dropped[0], added[0]];
  // Told where the second half is written.
  const halves = mine.added.length + mine.dropped.length > 0 && (theirs.added.length === 0 || theirs.dropped.length === 0);
  if (!halves || from === undefined || to === undefined || dropped.length !== 1 || mine.table === null) return [];
  return [
    {
      rule: 'looks-renamed',
      message: `${mine.table}.${from} is dropped beside the new ${to}: if it was renamed, its values are lost`,
      relation: mine.table,
      fix: newColumnFix(mine.table, from, 'TYPE').replaceAll(`${from}_new`, to),
    },
  ];
}

interface Changes {
  readonly table: string | null;
  readonly added: readonly string[];
  readonly dropped: readonly string[];
}

const NOTHING: Changes = { table: null, added: [], dropped: [] };

function changes({ kind, node }: Statement): Changes {
  if (kind !== 'AlterTableStmt') return NOTHING;
  const commands = children(node, 'cmds').map((one) => child(one, 'AlterTableCmd'));
  return {
    table: relationKey(child(node, 'relation')),
    added: commands
      .filter((one) => textOf(one, 'subtype') === 'AT_AddColumn')
      .map((one) => textOf(child(child(one, 'def'), 'ColumnDef'), 'colname')),
    dropped: commands.filter((one) => textOf(one, 'subtype') === 'AT_DropColumn').map((one) => textOf(one, 'name')),
  };
}
