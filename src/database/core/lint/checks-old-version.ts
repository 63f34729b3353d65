import { emptyColumns, keptByNull } from '../empty-columns.ts';
import { child, children, isSet, relationName, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { checkObjects } from './checks-objects.ts';
import { newColumnFix, notNullFix, quoted, sql } from './fixes.ts';
import { isFresh } from './impact.ts';
import { placed } from './recognise-parts.ts';
import type { RuleId } from './rules.ts';
import { relationKey, type View } from './schema.ts';
import { writtenColumn } from './source-text.ts';
import type { Action, Context, Draft } from './types.ts';

type Node = Statement['node'];

/** What the version that serves would notice, and what may be lost. */
export function checkOldVersion(context: Context): readonly Draft[] {
  return [...context.impacts.flatMap(({ action }) => ofAction(action, context)), ...checkObjects(context), ...looksRenamed(context)];
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
  'add exclude': ['new-constraint', (table) => `a new EXCLUDE of ${table} may refuse rows`],
  'add primary key': ['new-constraint', (table) => `a new PRIMARY KEY of ${table} may refuse rows`],
  'add unique using index': ['new-constraint', (table) => `a new UNIQUE of ${table} may refuse rows`],
  'add primary key using index': ['new-constraint', (table) => `a new PRIMARY KEY of ${table} may refuse rows`],
  'add primary key using index nullable': ['new-constraint', (table) => `a new PRIMARY KEY of ${table} may refuse rows`],
  'add not null': ['new-constraint', (table) => `a new NOT NULL of ${table} may refuse rows`],
  'add not null not valid': ['new-constraint', (table) => `a new NOT NULL of ${table} may refuse rows`],
  'add column check': ['new-constraint', (table, column) => `the CHECK of ${table}.${column} may refuse rows`],
  'add column generated virtual required': ['new-constraint', (table, column) => `the NOT NULL of ${table}.${column} may refuse rows`],
  'alter constraint': ['new-constraint', (table) => `a constraint of ${table} is checked otherwise`],
  'drop check': ['drop-constraint', (table) => `a constraint of ${table} is dropped`],
  'drop unique': ['drop-constraint', (table) => `a key of ${table} is dropped`],
  'drop foreign key': ['drop-constraint', (table) => `a foreign key of ${table} is dropped`],
  'add identity': ['set-default', (table, column) => `${table}.${column} numbers its rows from now on`],
  'set identity': ['set-default', (table, column) => `how ${table}.${column} numbers its rows changes`],
  'drop identity': ['drop-default', (table, column) => `${table}.${column} numbers its rows no more`],
  'drop expression': ['drop-default', (table, column) => `${table}.${column} is computed no more`],
  'set expression': ['set-default', (table, column) => `${table}.${column} is computed otherwise`],
  'set expression virtual': ['set-default', (table, column) => `${table}.${column} is computed otherwise`],
  'set expression virtual required': ['set-default', (table, column) => `${table}.${column} is computed otherwise`],
  'create trigger': ['changes-writes', (table) => `a trigger changes what writes to ${table} do`],
  'switch trigger': ['changes-writes', (table) => `a trigger of ${table} is switched`],
  'create rule': ['changes-writes', (table) => `a rule changes what statements on ${table} do`],
  'switch rule': ['changes-writes', (table) => `a rule of ${table} is switched`],
  'drop rule': ['changes-writes', (table) => `a rule of ${table} is dropped`],
  'create policy': ['changes-writes', (table) => `a policy decides which rows of ${table} are seen and written`],
  'alter policy': ['changes-writes', (table) => `a policy of ${table} decides otherwise`],
  'drop policy': ['changes-writes', (table) => `a policy of ${table} lets its rows through no more`],
  owner: ['change-rights', (table) => `${table} gets another owner`],
  'add foreign key': ['new-constraint', (table) => `a new foreign key of ${table} may refuse rows`],
  'add foreign key not valid': ['new-constraint', (table) => `a new foreign key of ${table} may refuse rows`],
  'rename table': ['rename-table', (table) => `${table} is renamed`],
  'set schema': ['set-schema', (table) => `${table} moves to another schema`],
  'rename column': ['rename-column', (table, column) => `${table}.${column} is renamed`],
};

function ofAction(action: Action, context: Context): readonly Draft[] {
  const table = action.roles['target'];
  if (action.form === null || table === undefined || isFresh(table, context.schema, context.file)) return [];
  const column = action.detail?.column ?? textOf(action.node, 'subname');
  const about: About = { action, table, column, place: placed(action.at, table) };
  return [
    ...notices(about, context),
    ...typeFindings(about, context),
    ...(action.form === 'add column required' ? [requiredColumn(table, column, context)] : []),
    ...lostKey(about, context),
    ...switched(about),
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
  if (noticed === undefined || isNewColumn(table, column, context) || holdsAnyway(node, context)) return [];
  if (isOff(node)) return [{ rule: 'drop-constraint', message: `a constraint of ${table} is not checked any more`, ...place }];
  const [rule, message] = noticed;
  const fix = form === 'rename column' || form === 'rename table' ? { fix: renameFix(form, table, node) } : {};
  return [{ rule, message: message(table, column), ...place, ...fix }];
}

/** A CHECK of columns that this statement adds: they are NULL in every row of the old version, which no comparison refuses. */
function holdsAnyway(node: Node, { statement }: Context): boolean {
  // Of a column it stands alone, of a table in its command.
  const checks = [node, child(child(node, 'def'), 'Constraint')].filter((one) => textOf(one, 'contype') === 'CONSTR_CHECK');
  const empty = new Set(emptyColumns(statement));
  return checks.length > 0 && checks.every((one) => keptByNull(one, relationName(child(statement.node, 'relation')), empty));
}

/** ALTER CONSTRAINT ... NOT ENFORCED. */
function isOff(command: Node): boolean {
  const constraint = child(child(command, 'def'), 'ATAlterConstraint');
  return isSet(constraint, 'alterEnforceability') && !isSet(constraint, 'is_enforced');
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
  const key = [...(schema.tables.get(table)?.constraints.values() ?? [])].find(({ kind }) => kind === 'primary');
  if (key === undefined || addsKey(statement.node)) return [];
  const [column = '', constraint] = [detail?.column, detail?.constraint];
  const dropped = form === 'drop unique' ? key.name === constraint : form === 'drop column' && key.columns.includes(column);
  if (!dropped) return [];
  return [{ rule: 'drop-primary-key', message: `${table} loses its primary key`, ...place }];
}

/** Row security on, or the replica identity off. */
function switched({ action: { form, node }, table, place }: About): readonly Draft[] {
  const subtype = textOf(node, 'subtype');
  if (form === 'row security')
    return /^AT_(?:Enable|Force)/.test(subtype)
      ? [{ rule: 'row-security', message: `rows of ${table} that no policy lets through are hidden from now on`, ...place }]
      : [{ rule: 'change-rights', message: `policies of ${table} hide nothing any more`, ...place }];
  const identity = textOf(child(child(node, 'def'), 'ReplicaIdentityStmt'), 'identity_type');
  return form === 'replica identity' && identity === 'n'
    ? [{ rule: 'replica-identity', message: `UPDATE and DELETE of ${table} fail in a publication from now on`, ...place }]
    : [];
}

/** Does the same ALTER TABLE bring another primary key? */
export function addsKey(node: Node): boolean {
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
  if (form === 'rename column') return newColumnFix(table, before, 'TYPE', after);
  return sql(
    `ALTER TABLE ${quoted(table)} RENAME TO ${quoted(after)}`,
    '-- in the same transaction, so that the old version finds it by its old name:',
    `CREATE VIEW ${quoted(table)} AS SELECT * FROM ${quoted(after)}`,
    '-- and for each role that may use the table, for a view has no rights of it (slipway db contract names who is missing):',
    `-- GRANT SELECT, INSERT, UPDATE, DELETE ON ${quoted(table)} TO ROLE;`,
  );
}

/** Views that show the column: for certain where the catalog says so, perhaps where only their text is known. */
function viewed(table: string, column: string, { schema }: Context): readonly Draft[] {
  const reading = [...schema.views].filter(([, { reads }]) => reads.includes(table));
  // A view of one table that names the column can mean no other.
  const names = (view: View): boolean =>
    view.columns === null ? view.reads.length === 1 && view.mentions?.includes(column) === true : view.columns.has(`${table}.${column}`);
  const certain = reading.filter(([, view]) => names(view)).map(([name]) => name);
  const perhaps = reading
    .filter(([, view]) => !names(view) && view.columns === null && (view.mentions === null || view.mentions.includes(column)))
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

/** A column that must have a value and gets none. */
function requiredColumn(table: string, column: string, { placed: place, options, schema }: Context): Draft {
  const type = writtenColumn(place, column)?.type ?? 'TYPE';
  const emptied = place.shared && schema.tables.get(table)?.emptied === place.transaction;
  const fails = emptied ? '' : `it fails when ${table} has rows, and `;
  return {
    rule: 'required-column',
    message: `${table}.${column} is NOT NULL without a default: ${fails}old writers fail afterwards`,
    relation: table,
    ...(emptied ? { severity: 'warning' } : {}),
    fix: sql(
      `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(column)} ${type}`,
      '-- write it from the next version on and fill the old rows in batches (slipway db backfill), then:',
      notNullFix(table, column, options.version),
    ),
  };
}

/** A column dropped and one added to the same table in one ALTER TABLE or one right after the other. */
function looksRenamed({ statement, done, schema, file }: Context): readonly Draft[] {
  const mine = changes(statement);
  // Nothing is in what this file made before it fills it, and a type holds nothing by itself.
  if (mine.table !== null && isFresh(mine.table, schema, file)) return [];
  const theirs = changesBefore(mine, done.last);
  const dropped = [...theirs.dropped, ...mine.dropped];
  const added = [...theirs.added, ...mine.added];
  const [from, to] = [dropped[0], added[0]];
  // Told where the second half is written.
  const halves = mine.added.length + mine.dropped.length > 0 && (theirs.added.length === 0 || theirs.dropped.length === 0);
  if (!halves || from === undefined || to === undefined || dropped.length !== 1 || mine.table === null) return [];
  // A column that was only just added is dropped again: nothing is lost.
  if (theirs.added.includes(from)) return [];
  return [
    {
      rule: 'looks-renamed',
      message: `${mine.table}.${from} is dropped beside the new ${to}: if it was renamed, its values are lost`,
      relation: mine.table,
      fix: newColumnFix(mine.table, from, 'TYPE', to),
    },
  ];
}

/** Of the same table, by the statement right before. */
function changesBefore({ table }: Changes, before: Statement | null): Changes {
  const theirs = before === null ? NOTHING : changes(before);
  return theirs.table === table ? theirs : NOTHING;
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
